//! An issue as HTTP shows it, with its `ETag`.

use std::collections::HashMap;

use axum::Json;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::etag::quoted;
use crate::domain::{
    CloseReason, Issue, IssueId, IssueNumber, IssueRelation, Kind, Priority, Relation, Review, ReviewState, SourceType, State, StateName,
};

/// An issue as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01977f9e-4a1c-7cc3-8a52-6f1c0f7f2b11", "number": 42, "title": "Flag stale SBOM", "description": "", "state": "blocked",
    "blocked_reason": "Waits for access to the registry", "blocked_at": "2026-06-17T09:30:00Z", "close_reason": null, "closed_at": null,
    "priority": "high", "kind": "task", "labels": ["sbom"], "assignees": [], "milestone": null, "due_on": "2026-06-30",
    "relations": [
        { "relation": "blocked_by", "to": "01977f9e-1d2b-7aa0-9c41-0b7f3f4a5d10", "number": 41 },
        { "relation": "relates", "to": "gitea:acme/tools#12" }
    ],
    "target_repo": "activity-core", "backend": "sqlite", "url": null, "source_type": "rule", "source_id": "flag-stale-sbom",
    "triggering_event_id": "nightly-2026-06-16T07:00:00+00:00", "activity_definition_id": "0190163d-8694-739b-aea5-966c26f8ad91",
    "review": "none", "review_reason": null, "claimed_by": "agent-7", "claimed_until": "2026-06-17T09:45:00Z", "version": 4,
    "created_at": "2026-06-16T07:00:01Z", "updated_at": "2026-06-17T09:30:00Z", "archived_at": null
}))]
pub struct IssueResponse {
    id: Uuid,
    /// The short number people use.
    #[schema(example = 42)]
    number: i64,
    title: String,
    description: String,
    state: StateName,
    blocked_reason: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
    close_reason: Option<CloseReason>,
    closed_at: Option<DateTime<Utc>>,
    priority: Priority,
    kind: Kind,
    labels: Vec<String>,
    assignees: Vec<String>,
    milestone: Option<String>,
    due_on: Option<NaiveDate>,
    /// How it stands to others. Plain references: the other issue need not say the same.
    relations: Vec<RelationResponse>,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<SourceType>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    review: ReviewState,
    review_reason: Option<String>,
    claimed_by: Option<String>,
    claimed_until: Option<DateTime<Utc>>,
    /// Raised by every change; also the `ETag`.
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    archived_at: Option<DateTime<Utc>>,
}

/// How the issue stands to another one.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelationResponse {
    relation: Relation,
    /// The other issue: its id, or its name in a tracker.
    #[schema(example = "gitea:acme/tools#12")]
    to: String,
    /// The number of an issue here. Told where one issue is asked for, and the other one is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 41)]
    number: Option<i64>,
}

impl From<IssueRelation> for RelationResponse {
    fn from(IssueRelation { relation, to }: IssueRelation) -> Self {
        Self { relation, to: to.to_string(), number: None }
    }
}

impl IssueResponse {
    /// With the numbers of those it relates to.
    pub(super) fn numbered(issue: Issue, numbers: &HashMap<IssueId, IssueNumber>) -> Self {
        let told: Vec<Option<i64>> = issue.relations.iter().map(|related| Some(numbers.get(&related.to.issue()?)?.0)).collect();
        let mut response = Self::from(issue);
        for (relation, number) in response.relations.iter_mut().zip(told) {
            relation.number = number;
        }
        response
    }
}

impl From<Issue> for IssueResponse {
    fn from(issue: Issue) -> Self {
        let closed_at = issue.closed_at();
        let state = issue.state.name();
        let (blocked_reason, blocked_at, close_reason) = match issue.state {
            State::Open | State::InProgress => (None, None, None),
            State::Blocked { reason, since, .. } => (Some(reason), Some(since), None),
            State::Closed { reason, .. } => (None, None, Some(reason)),
        };
        let review = issue.review.state();
        let review_reason = match issue.review {
            Review::Rejected { reason } => Some(reason),
            Review::None | Review::Pending | Review::Approved => None,
        };
        let (claimed_by, claimed_until) = issue.claim.map(|claim| (claim.holder, claim.until)).unzip();
        Self {
            id: issue.id.0,
            number: issue.number.0,
            title: issue.title,
            description: issue.description,
            state,
            blocked_reason,
            blocked_at,
            close_reason,
            closed_at,
            priority: issue.priority,
            kind: issue.kind,
            labels: issue.labels,
            assignees: issue.assignees,
            milestone: issue.milestone,
            due_on: issue.due_on,
            relations: issue.relations.into_iter().map(RelationResponse::from).collect(),
            target_repo: issue.target_repo,
            backend: issue.backend,
            url: issue.url,
            source_type: issue.origin.source_type,
            source_id: issue.origin.source_id,
            triggering_event_id: issue.origin.triggering_event_id,
            activity_definition_id: issue.origin.activity_definition_id,
            review,
            review_reason,
            claimed_by,
            claimed_until,
            version: issue.version,
            created_at: issue.created_at,
            updated_at: issue.updated_at,
            archived_at: issue.archived_at,
        }
    }
}

/// The issue is the answer.
#[derive(Debug)]
pub struct IssueAnswer(pub Issue);

impl IntoResponse for IssueAnswer {
    fn into_response(self) -> Response {
        ([(ETAG, quoted(&self.0.edition()))], Json(IssueResponse::from(self.0))).into_response()
    }
}
