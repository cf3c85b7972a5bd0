//! A binding: a tracker's project that is synced with a part of the store, and its sync rules.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::cursor::{SyncCursor, SyncRunRecord};
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::{StateName, vocabulary};
use crate::domain::tracker::Field;
use crate::domain::tracker::{Project, RemoteIssue};

/// How long a binding's name may be.
pub const MAX_BINDING_NAME: usize = 64;

vocabulary! {
    /// Which way changes go.
    Direction {
        /// From the tracker only.
        Pull = "pull",
        /// To the tracker only.
        Push = "push",
        Both = "both",
    }
}

vocabulary! {
    /// Which side owns a field.
    Owner {
        /// The tracker's: what is changed here is changed back.
        External = "external",
        /// Ours: what is changed there is changed back.
        Local = "local",
        /// Both sides; the [`Strategy`] settles a conflict.
        Shared = "shared",
    }
}

vocabulary! {
    /// What becomes of a field that both sides changed, each to something else.
    Strategy {
        ExternalWins = "external_wins",
        LocalWins = "local_wins",
        /// The later change, each measured by its own side's clock.
        Newer = "newer",
        /// Neither, until an operator decides; only that field waits.
        Manual = "manual",
    }
}

vocabulary! {
    /// Which issues of the tracker are adopted, by state.
    StateFilter { Open = "open", Closed = "closed", All = "all" }
}

vocabulary! {
    /// Where a binding is written down.
    BindingSource {
        /// In the settings: only there can it be changed.
        Config = "config",
        Api = "api",
    }
}

/// The rules of one binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// A slug; names it for good.
    pub name: String,
    /// The backend's configured name.
    pub backend: String,
    pub place: Project,
    /// What adopted issues carry as theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_repo: Option<String>,
    pub direction: Direction,
    /// Whether issues that were made in the tracker come here.
    pub adopt: bool,
    #[serde(default)]
    pub filter: AdoptFilter,
    pub owner: Owner,
    /// Fields with another owner than [`Self::owner`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Field, Owner>,
    pub strategy: Strategy,
    /// How often the tracker is asked what changed.
    pub every: Duration,
    /// How often everything is listed, to find what is gone.
    pub audit_every: Duration,
}

/// Which issues of the tracker are adopted. Linked issues are reconciled even if they do not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptFilter {
    /// Any of these labels; empty: every issue matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    pub state: StateFilter,
    /// Changed there at or after this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

/// A binding as it stands in the store, with how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingState {
    pub binding: Binding,
    pub source: BindingSource,
    pub paused: bool,
    /// Raised by every change of the rules: what a caller gives back to change this edition.
    pub edition: i64,
    pub cursor: SyncCursor,
    /// The last sync run that ended.
    pub last: Option<SyncRunRecord>,
    /// When the next sync run is due.
    pub due_at: DateTime<Utc>,
    pub leased_until: Option<DateTime<Utc>>,
}

impl BindingState {
    /// The time since the last completed sync run; `None` before the first one.
    #[must_use]
    pub fn behind(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.cursor.completed_at.map(|at| (now - at).max(TimeDelta::zero()))
    }
}

impl BindingState {
    /// A project by the name that this binding uses: the tracker may have renamed it.
    #[must_use]
    pub fn home(&self, project: Project) -> Project {
        if self.cursor.called.as_ref() == Some(&project) { self.binding.place.clone() } else { project }
    }
}

impl Default for AdoptFilter {
    fn default() -> Self {
        Self { labels: Vec::new(), state: StateFilter::All, since: None }
    }
}

impl Binding {
    /// What is wrong with a name, if anything: it stands in addresses and in metrics.
    #[must_use]
    pub fn name_fault(name: &str) -> Option<&'static str> {
        let plain = (1..=MAX_BINDING_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        (!plain).then_some("must be 1 to 64 lower-case letters, digits, _ or -")
    }

    #[must_use]
    pub fn owner_of(&self, field: Field) -> Owner {
        self.fields.get(&field).copied().unwrap_or(self.owner)
    }

    #[must_use]
    pub const fn pulls(&self) -> bool {
        matches!(self.direction, Direction::Pull | Direction::Both)
    }

    #[must_use]
    pub const fn pushes(&self) -> bool {
        matches!(self.direction, Direction::Push | Direction::Both)
    }

    /// Whether an issue that was made there comes here.
    #[must_use]
    pub fn adopts(&self, remote: &RemoteIssue) -> bool {
        let AdoptFilter { labels, state, since } = &self.filter;
        let carries = |wanted: &String| remote.labels.iter().any(|label| fold(label) == fold(wanted));
        let stands = match state {
            StateFilter::All => true,
            StateFilter::Open => remote.state != StateName::Closed,
            StateFilter::Closed => remote.state == StateName::Closed,
        };
        // What was moved elsewhere is adopted there, or nowhere.
        self.adopt
            && !remote.moved_away
            && stands
            && (labels.is_empty() || labels.iter().any(carries))
            && since.is_none_or(|since| remote.updated_at >= since)
    }
}
