//! How an answer says where a task goes, why, and what the tracker cannot carry: shapes that several answers share. No handlers here.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::tracker::{ConsideredRule, LinkNote, LossKind, LossNote, RouteDecision, RouteDestination, RouteNote};

/// One field that a tracker does not carry whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LossResponse {
    #[schema(example = "due_on")]
    field: &'static str,
    /// The name of the tracker.
    #[schema(example = "gitea")]
    backend: String,
    #[schema(example = "this tracker has no due dates")]
    why: String,
}

/// What does not arrive whole. Left out where everything does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LossesResponse {
    /// There in another form, or in part.
    pub(super) degraded: Vec<LossResponse>,
    /// Not there.
    pub(super) dropped: Vec<LossResponse>,
}

/// A tracker, and the place in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DestinationResponse {
    /// Its name in the settings; `local` is the store alone.
    #[schema(example = "gitea")]
    backend: String,
    #[schema(example = "acme/tools")]
    place: Option<String>,
}

/// A rule that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsideredResponse {
    #[schema(example = "platform")]
    rule: String,
    #[schema(example = true)]
    matched: bool,
    /// What held, or the first thing that did not.
    #[schema(example = "target_repo k3s-tools matches k3s-*")]
    because: String,
}

/// Where a task would go, and every rule that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteResponse {
    /// The rule that decided; `default`, or `nothing` where it stays in the store because nothing could take it.
    #[schema(example = "platform")]
    rule: String,
    why: String,
    /// The first is the one that is reported, the others are mirrors.
    to: Vec<DestinationResponse>,
    considered: Vec<ConsideredResponse>,
}

/// Where a task goes, as it was decided when it was filed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteNoteResponse {
    #[schema(example = "platform")]
    rule: String,
    why: String,
    to: Vec<DestinationResponse>,
    /// What its tracker holds in another form, or in part. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    degraded: Vec<LossResponse>,
    /// What its tracker does not hold. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    dropped: Vec<LossResponse>,
}

/// Where an issue is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkNoteResponse {
    #[schema(example = "gitea")]
    backend: String,
    /// What people call it there.
    #[schema(example = "acme/tools#12")]
    key: String,
    url: Option<String>,
    /// An answer was lost, and it was found again instead of made twice.
    #[schema(example = false)]
    found_again: bool,
}

impl From<Vec<LossNote>> for LossesResponse {
    fn from(losses: Vec<LossNote>) -> Self {
        let mut told = Self::default();
        for LossNote { backend, loss } in losses {
            let response = LossResponse { field: loss.field.as_str(), backend, why: loss.why };
            match loss.loss {
                LossKind::Degraded => told.degraded.push(response),
                LossKind::Dropped => told.dropped.push(response),
            }
        }
        told
    }
}

impl From<RouteDestination> for DestinationResponse {
    fn from(to: RouteDestination) -> Self {
        Self { backend: to.backend, place: to.place.map(|place| place.to_string()) }
    }
}

impl From<ConsideredRule> for ConsideredResponse {
    fn from(considered: ConsideredRule) -> Self {
        Self { rule: considered.rule.to_string(), matched: considered.matched, because: considered.because }
    }
}

impl From<RouteDecision> for RouteResponse {
    fn from(routed: RouteDecision) -> Self {
        Self {
            why: routed.why().to_owned(),
            rule: routed.rule.to_string(),
            to: routed.to.into_iter().map(DestinationResponse::from).collect(),
            considered: routed.considered.into_iter().map(ConsideredResponse::from).collect(),
        }
    }
}

impl From<RouteNote> for RouteNoteResponse {
    fn from(note: RouteNote) -> Self {
        let LossesResponse { degraded, dropped } = note.losses.into();
        Self {
            rule: note.rule.to_string(),
            why: note.why,
            to: note.to.into_iter().map(DestinationResponse::from).collect(),
            degraded,
            dropped,
        }
    }
}

impl From<LinkNote> for LinkNoteResponse {
    fn from(note: LinkNote) -> Self {
        Self { backend: note.backend, key: note.key, url: note.url, found_again: note.found_again }
    }
}
