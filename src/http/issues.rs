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
use crate::app::{Accepted, App, Caller, Request};
use crate::domain::{Issue, Review, State as IssueState, TaskSpec};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A task to file. Only `title` is required; keys not listed here are ignored.
///
/// The published shape of [`TaskSpec`], which does the reading, so that every fault is told at once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueRequest {
    /// One line; white space is folded.
    #[schema(min_length = 1, max_length = 512, example = "Flag stale SBOM")]
    title: String,
    #[schema(max_length = 1_048_576, example = "")]
    description: Option<String>,
    /// A bare repository name, without its owner.
    #[schema(max_length = 100, pattern = "^[A-Za-z0-9._-]*$", example = "activity-core")]
    target_repo: Option<String>,
    #[schema(pattern = "^(high|medium|low)$", example = "high")]
    priority: Option<String>,
    #[schema(pattern = "^(task|bug|feature|chore)$", example = "task")]
    kind: Option<String>,
    /// Duplicates, ignoring case, are dropped.
    #[schema(max_items = 100, example = json!(["sbom"]))]
    labels: Option<Vec<String>>,
    #[schema(max_items = 20, example = json!([]))]
    assignees: Option<Vec<String>>,
    #[schema(max_length = 200, example = "2026-Q3")]
    milestone: Option<String>,
    /// Days from now; not together with `due_on`.
    #[schema(minimum = 0, maximum = 3650, example = 7)]
    due_in_days: Option<i64>,
    /// A date; not together with `due_in_days`.
    due_on: Option<NaiveDate>,
    #[schema(pattern = "^(rule|instruction)$", example = "rule")]
    source_type: Option<String>,
    #[schema(max_length = 512, example = "flag-stale-sbom")]
    source_id: Option<String>,
    /// Any key that names the event; with it, posting the same task again gives the same issue.
    #[schema(max_length = 512, example = "nightly-2026-06-16T07:00:00+00:00")]
    triggering_event_id: Option<String>,
    #[schema(max_length = 512, example = "0190163d-8694-739b-aea5-966c26f8ad91")]
    activity_definition_id: Option<String>,
    /// The task waits in the review queue, and nothing of it leaves, until somebody approves it.
    #[schema(example = false)]
    review_required: Option<bool>,
}

/// The issue that stands for the task.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueResponse {
    /// Opaque and stable.
    #[schema(value_type = Uuid)]
    issue_id: Uuid,
    /// Where it is seen in its tracker, once it is there.
    #[schema(required = true)]
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
    #[schema(pattern = "^(open|in_progress|blocked|closed)$", example = "open")]
    state: &'static str,
    blocked_reason: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
    #[schema(pattern = "^(completed|not_planned|duplicate)$")]
    close_reason: Option<&'static str>,
    closed_at: Option<DateTime<Utc>>,
    priority: &'static str,
    kind: &'static str,
    labels: Vec<String>,
    assignees: Vec<String>,
    milestone: Option<String>,
    due_on: Option<NaiveDate>,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<&'static str>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    #[schema(pattern = "^(none|pending|approved|rejected)$", example = "none")]
    review: &'static str,
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
        let state = issue.state.name().as_str();
        let (blocked_reason, blocked_at, close_reason) = match issue.state {
            IssueState::Open | IssueState::InProgress => (None, None, None),
            IssueState::Blocked { reason, since, .. } => (Some(reason), Some(since), None),
            IssueState::Closed { reason, .. } => (None, None, Some(reason.as_str())),
        };
        let review = issue.review.state().as_str();
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
            priority: issue.priority.as_str(),
            kind: issue.kind.as_str(),
            labels: issue.labels,
            assignees: issue.assignees,
            milestone: issue.milestone,
            due_on: issue.due_on,
            target_repo: issue.target_repo,
            backend: issue.backend,
            url: issue.url,
            source_type: issue.origin.source_type.map(crate::domain::SourceType::as_str),
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
/// a triggering event.
#[utoipa::path(post, path = "/issues/", operation_id = "create_issue", tag = "issues", request_body = CreateIssueRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes this request safe to repeat; with another body it is refused")),
    responses((status = 201, body = CreateIssueResponse, description = "Created"), (status = 200, body = CreateIssueResponse, description = "Filed before; the first answer again")))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    headers: HeaderMap,
    JsonBody(spec): JsonBody<TaskSpec>,
) -> Result<Accepted, Problem> {
    // A key that is not text is not a key: it is handed on as one that fails its check.
    let idempotency_key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    Ok(app.create_issue(Request { caller: &caller, spec, idempotency_key, message_id: None, trace: Some(trace.traceparent()) }).await?)
}

/// Show an issue
///
/// By id or by number, archived ones too.
#[utoipa::path(get, path = "/issues/{id}", operation_id = "get_issue", tag = "issues",
    params(("id" = String, Path, description = "The issue's id or number", example = "42")),
    responses((status = 200, body = IssueResponse, description = "The issue")))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, IssuePath(name): IssuePath) -> Result<Response, Problem> {
    let issue = app.read_issue(&caller, name).await?;
    Ok(([(ETAG, format!("\"{}\"", issue.version))], Json(IssueResponse::from(issue))).into_response())
}
