//! `/issues/{id}/timeline`: everything that happened to an issue, and why.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::etag::IfNoneMatchParam;
use super::page::{PageParams, PageQuery, PageResponse};
use super::path::{IssueParam, IssuePath};
use super::problem::Problem;
use super::routes::{LinkNoteResponse, RouteNoteResponse};
use crate::app::{App, Caller, TimelineItem};
use crate::domain::sync::{ConflictNote, Resolution};
use crate::domain::tracker::Field;
use crate::domain::{Attempt, FieldChange};

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntryResponse {
    /// Its place in the issue's history, counted up without gaps; the issue's version since then.
    #[schema(example = 2)]
    seq: i64,
    /// The event's own id, also outside.
    event_id: Uuid,
    /// What happened, in the past tense: `created`, `edited`, `closed`, …
    #[schema(example = "edited")]
    kind: &'static str,
    /// The name of the key that asked for it.
    #[schema(example = "default")]
    actor: String,
    at: DateTime<Utc>,
    /// Finds the request in logs and traces.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: Option<String>,
    /// Every field that changed.
    changes: Vec<FieldChangeResponse>,
    /// Why it was blocked, closed or rejected.
    reason: Option<String>,
    /// The comment it is about.
    comment_id: Option<Uuid>,
    /// What that comment says now; `null` once it was deleted.
    comment: Option<String>,
    /// Where the task goes, and why: of its first event, where there are trackers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    route: Option<RouteNoteResponse>,
    /// Where it arrived: of `linked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<LinkNoteResponse>,
    /// The tracker it was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "gitea")]
    from: Option<String>,
    /// Of a clash with a tracker, and of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflict: Option<ConflictNoteResponse>,
    /// The attempts to tell of it outside, the newest of them, as long as their history is kept.
    deliveries: Vec<DeliveryResponse>,
}

/// What both sides changed. `GET /conflicts/{id}` has their words.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictNoteResponse {
    id: Uuid,
    #[schema(example = "gitea")]
    backend: String,
    field: Field,
    /// `null`: it waits for somebody.
    #[schema(required = true, example = json!(null))]
    resolution: Option<Resolution>,
    #[schema(example = "both sides changed it")]
    why: String,
}

impl From<ConflictNote> for ConflictNoteResponse {
    fn from(ConflictNote { id, backend, field, resolution, why }: ConflictNote) -> Self {
        Self { id, backend, field, resolution, why }
    }
}

/// One attempt to tell of an event outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryResponse {
    #[schema(example = "state_hub")]
    target: String,
    #[schema(example = 1)]
    attempt: i32,
    /// `delivered`, `failed` (it was tried again), `dead` (given up) or `discarded` (by an operator).
    #[schema(example = "delivered")]
    outcome: &'static str,
    #[schema(required = true, example = json!(null))]
    error: Option<String>,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
}

impl From<Attempt> for DeliveryResponse {
    fn from(delivery: Attempt) -> Self {
        Self {
            target: delivery.target,
            attempt: delivery.attempt,
            outcome: delivery.outcome.as_str(),
            error: delivery.error,
            started_at: delivery.started_at,
            ended_at: delivery.ended_at,
        }
    }
}

/// One field before and after.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChangeResponse {
    #[schema(example = "priority")]
    field: String,
    #[schema(required = true, example = json!("low"))]
    from: Value,
    #[schema(required = true, example = json!("high"))]
    to: Value,
}

impl From<FieldChange> for FieldChangeResponse {
    fn from(FieldChange { field, from, to }: FieldChange) -> Self {
        Self { field: field.into_owned(), from, to }
    }
}

impl From<TimelineItem> for TimelineEntryResponse {
    fn from(TimelineItem { event, comment, deliveries }: TimelineItem) -> Self {
        Self {
            seq: event.seq,
            event_id: event.id,
            kind: event.kind.as_str(),
            trace_id: event.trace_id().map(str::to_owned),
            actor: event.actor,
            at: event.at,
            changes: event.detail.changes.into_iter().map(FieldChangeResponse::from).collect(),
            reason: event.detail.reason,
            comment_id: event.detail.comment_id.map(|id| id.0),
            comment: comment.map(|comment| comment.body),
            route: event.detail.route.map(RouteNoteResponse::from),
            link: event.detail.link.map(LinkNoteResponse::from),
            from: event.detail.from,
            conflict: event.detail.conflict.map(ConflictNoteResponse::from),
            deliveries: deliveries.into_iter().map(DeliveryResponse::from).collect(),
        }
    }
}

/// Show what happened to an issue
///
/// Every event, oldest first, without gaps.
#[utoipa::path(get, path = "/issues/{id}/timeline", operation_id = "get_timeline", tag = "issues", params(IssueParam, PageParams, IfNoneMatchParam),
    responses(
        (status = 200, body = PageResponse<TimelineEntryResponse>, description = "A page of events", headers(
            ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
        (status = 304, description = "The reader has this page already")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    IssuePath(issue): IssuePath,
    query: PageQuery<i64>,
) -> Result<Response, Problem> {
    let page = app.timeline(&caller, issue, query.after, query.limit).await?;
    Ok(query.answer(page, |happening: &TimelineItem| happening.event.seq, TimelineEntryResponse::from))
}
