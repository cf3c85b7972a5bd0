//! `/issues/`: filing tasks and showing them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::JsonBody;
use super::observe::RequestTrace;
use super::path::IssuePath;
use super::problem::Problem;
use super::schema;
use crate::app::{Accepted, App, Caller, Request};
use crate::domain::{CloseReason, Issue, Kind, Priority, Review, ReviewState, SourceType, State as IssueState, StateName, TaskSpec};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

// The published shape of [`TaskSpec`], which does the reading, so that every fault is told at once.
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
    #[schema(extensions(("x-not-with" = json!("due_in_days"))))]
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
}

/// An issue as it stands.
#[derive(Debug, Serialize, ToSchema)]
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

impl From<Issue> for IssueResponse {
    fn from(issue: Issue) -> Self {
        let closed_at = issue.closed_at();
        let state = issue.state.name();
        let (blocked_reason, blocked_at, close_reason) = match issue.state {
            IssueState::Open | IssueState::InProgress => (None, None, None),
            IssueState::Blocked { reason, since, .. } => (Some(reason), Some(since), None),
            IssueState::Closed { reason, .. } => (None, None, Some(reason)),
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

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let status = if self.replayed { StatusCode::OK } else { StatusCode::CREATED };
        let body = CreateIssueResponse { issue_id: self.id.0, issue_url: self.url, backend: self.backend };
        let mut response = (status, [(LOCATION, format!("/issues/{}", self.id))], Json(body)).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// File a task
///
/// A task is created once however often it is posted: by `Idempotency-Key` if sent, else by its natural key
/// (`activity_definition_id`, `triggering_event_id`, `source_type`, `source_id`, `target_repo` and `title`) once it names
/// a triggering event. `/issues/`, with a slash at its end, is the same.
#[utoipa::path(post, path = "/issues", operation_id = "create_issue", tag = "issues", request_body = CreateIssueRequest,
    params(("Idempotency-Key" = Option<schema::IdempotencyKey>, Header, description = "Makes this request safe to repeat; with another body it is refused")),
    responses(
        (status = 201, body = CreateIssueResponse, description = "Created", headers(("Location" = String, description = "Where the issue is"))),
        (status = 200, body = CreateIssueResponse, description = "Filed before; the first answer again",
            headers(("Location" = String, description = "Where the issue is"), ("Idempotency-Replayed" = String, description = "`true`")))))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    headers: HeaderMap,
    JsonBody(spec): JsonBody<TaskSpec>,
) -> Result<Accepted, Problem> {
    // A key that is not text is not a key: it is handed on as one that fails its check.
    let idempotency_key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    Ok(app.create_issue(Request { caller: &caller, spec, idempotency_key, trace: Some(trace.traceparent()) }).await?)
}

/// Show an issue
///
/// By id or by number, archived ones too.
#[utoipa::path(get, path = "/issues/{id}", operation_id = "get_issue", tag = "issues",
    params(("id" = String, Path, description = "The issue's id or number", example = "42")),
    responses((status = 200, body = IssueResponse, description = "The issue", headers(("ETag" = String, description = "The version, for `If-Match`")))))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, IssuePath(name): IssuePath) -> Result<Response, Problem> {
    let issue = app.read_issue(&caller, name).await?;
    Ok(([(ETAG, format!("\"{}\"", issue.version))], Json(IssueResponse::from(issue))).into_response())
}
