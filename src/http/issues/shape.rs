//! The shapes of the requests and answers of `/issues/`.

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::{AcceptedTask, DedupeSource, DryRunOutcome};
use crate::domain::{Kind, Priority, Relation, SourceType};
use crate::http::routes::{LossResponse, LossesResponse, RouteResponse};
use crate::http::schema;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

// The published shape of `TaskSpec`, which does the reading, so that every fault is listed at once.
/// A task to file. Only `title` is required; keys not listed here are ignored.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueRequest {
    #[schema(value_type = schema::Title)]
    title: String,
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    #[schema(value_type = Option<schema::TargetRepo>)]
    target_repo: Option<String>,
    /// Not given: `medium`.
    priority: Option<Priority>,
    /// Not given: `task`.
    kind: Option<Kind>,
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Assignees>)]
    assignees: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Milestone>)]
    milestone: Option<String>,
    /// Days from now; not together with `due_on`.
    #[schema(minimum = 0, maximum = 3650, example = 7)]
    due_in_days: Option<i64>,
    /// A date; not together with `due_in_days`.
    due_on: Option<NaiveDate>,
    source_type: Option<SourceType>,
    /// Which rule or instruction.
    #[schema(value_type = Option<schema::TraceField>)]
    source_id: Option<String>,
    /// Any key that names the event; with it, posting the same task again gives the same issue.
    #[schema(value_type = Option<schema::TraceField>)]
    triggering_event_id: Option<String>,
    #[schema(value_type = Option<schema::TraceField>)]
    activity_definition_id: Option<String>,
    /// The task waits in the review queue, and nothing of it leaves, until somebody approves it.
    #[schema(example = false)]
    review_required: Option<bool>,
    /// How it stands to other issues.
    #[schema(value_type = Option<schema::Relations>)]
    relations: Option<Vec<RelationRequest>>,
}

/// How the issue stands to another one. A plain reference: the other one is not changed by it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelationRequest {
    /// What this issue is to the other one. `parent`: the other one is its parent, of which there is one at most.
    relation: Relation,
    #[schema(value_type = schema::OtherIssue)]
    to: String,
}

// The published shape of `PatchSpec`, which does the reading, so that every fault is listed at once.
/// The fields of an issue to change; the others stay as they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditIssueRequest {
    #[schema(value_type = schema::Title, required = false)]
    title: Option<String>,
    /// `null` empties it.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    #[schema(value_type = Priority, required = false)]
    priority: Option<Priority>,
    #[schema(value_type = Kind, required = false)]
    kind: Option<Kind>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Assignees>)]
    assignees: Option<Vec<String>>,
    /// `null` takes it away.
    #[schema(value_type = Option<schema::Milestone>)]
    milestone: Option<String>,
    /// `null` takes it away.
    #[schema(example = "2026-06-30")]
    due_on: Option<NaiveDate>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Relations>)]
    relations: Option<Vec<RelationRequest>>,
}

/// The issue that stands for the task.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueResponse {
    /// Opaque and stable.
    issue_id: Uuid,
    /// Where it is seen in its tracker, once it is there.
    issue_url: Option<String>,
    /// The kind of backend that holds it.
    #[schema(example = "sqlite")]
    backend: String,
    /// What its tracker holds in another form, or in part. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    degraded: Vec<LossResponse>,
    /// What its tracker does not hold. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    dropped: Vec<LossResponse>,
    /// When it is expected in its tracker, where its turn has to come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delivery_expected_at: Option<DateTime<Utc>>,
}

/// The two shapes of a 200: the first answer again, or a rehearsal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FiledResponse {
    Rehearsed(RehearsalResponse),
    Filed(CreateIssueResponse),
}

impl IntoResponse for AcceptedTask {
    fn into_response(self) -> Response {
        let status = if self.replayed { StatusCode::OK } else { StatusCode::CREATED };
        let LossesResponse { degraded, dropped } = self.losses.into();
        let body = FiledResponse::Filed(CreateIssueResponse {
            issue_id: self.id.0,
            issue_url: self.url,
            backend: self.backend,
            degraded,
            dropped,
            delivery_expected_at: self.expected_at,
        });
        let mut response = (status, [(LOCATION, format!("/issues/{}", self.id))], Json(body)).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// What a dry run found: nothing was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct RehearsalResponse {
    /// Always true.
    #[schema(example = true)]
    dry_run: bool,
    /// `created`: it would become a new issue. `duplicate`: it was filed before, as the issue named.
    #[schema(pattern = "^(created|duplicate)$", example = "created")]
    status: &'static str,
    /// How a repeat would be recognised.
    #[schema(pattern = "^(idempotency_key|natural_key|none)$", example = "natural_key")]
    dedupe: &'static str,
    /// The issue that stands for the task already.
    #[schema(required = true)]
    issue_id: Option<Uuid>,
    #[schema(required = true)]
    issue_url: Option<String>,
    /// The kind of backend that holds the issue, or would.
    #[schema(example = "sqlite")]
    backend: String,
    /// What its tracker holds in another form, or in part. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    degraded: Vec<LossResponse>,
    /// What its tracker does not hold. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    dropped: Vec<LossResponse>,
    /// Where it would go, and why; where there are trackers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    route: Option<RouteResponse>,
}

impl From<(DryRunOutcome, DedupeSource)> for RehearsalResponse {
    fn from((rehearsal, rung): (DryRunOutcome, DedupeSource)) -> Self {
        let dedupe = match rung {
            DedupeSource::IdempotencyKey => "idempotency_key",
            DedupeSource::NaturalKey => "natural_key",
            DedupeSource::None => "none",
        };
        match rehearsal {
            DryRunOutcome::Create { backend, plan } => {
                let losses = plan.as_ref().map(|plan| plan.losses.clone()).unwrap_or_default();
                let LossesResponse { degraded, dropped } = losses.into();
                let route = plan.map(|plan| plan.routed.into());
                Self { dry_run: true, status: "created", dedupe, issue_id: None, issue_url: None, backend, degraded, dropped, route }
            }
            DryRunOutcome::Duplicate(AcceptedTask { id, url, backend, losses, .. }) => {
                let LossesResponse { degraded, dropped } = losses.into();
                Self {
                    dry_run: true,
                    status: "duplicate",
                    dedupe,
                    issue_id: Some(id.0),
                    issue_url: url,
                    backend,
                    degraded,
                    dropped,
                    route: None,
                }
            }
        }
    }
}
