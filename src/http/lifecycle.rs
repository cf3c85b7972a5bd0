//! `/issues/{id}/close`, `/reopen`, `/start`, `/block`, `/unblock`: how an issue's work goes.
//!
//! If the issue is already as requested, the answer is the issue as it is, so the request can be
//! sent again.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{JsonBody, OptionalBody};
use super::change::GuardedChange;
use super::etag::IfMatchParam;
use super::issue_response::{IssueAnswer, IssueResponse};
use super::path::IssueParam;
use super::problem::Problem;
use super::schema;
use crate::app::App;
use crate::domain::{BlockSpec, CloseReason, CloseSpec, NoSpec};

/// Why an issue is closed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseIssueRequest {
    /// `completed` unless said otherwise.
    reason: Option<CloseReason>,
    /// A last word, written together with the closing.
    #[schema(value_type = Option<schema::LastWord>)]
    comment: Option<String>,
}

/// Why work cannot go on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockIssueRequest {
    #[schema(value_type = schema::Reason)]
    reason: String,
}

/// Close an issue
///
/// From any state; a claim ends with it. Already closed for the same reason, it stays as it is and the comment is not repeated; closed
/// for another one, it has to be reopened first.
#[utoipa::path(post, path = "/issues/{id}/close", operation_id = "close_issue", tag = "issues", params(IssueParam, IfMatchParam), request_body = Option<CloseIssueRequest>,
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn close(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<CloseSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.close_issue(&request, spec).await?))
}

/// Reopen an issue
///
/// Back to open. What was rejected in review waits for a new decision.
#[utoipa::path(post, path = "/issues/{id}/reopen", operation_id = "reopen_issue", tag = "issues", params(IssueParam, IfMatchParam),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn reopen(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<NoSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.reopen_issue(&request, spec).await?))
}

/// Start work on an issue
///
/// From open to in progress.
#[utoipa::path(post, path = "/issues/{id}/start", operation_id = "start_issue", tag = "issues", params(IssueParam, IfMatchParam),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn start(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<NoSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.start_issue(&request, spec).await?))
}

/// Block an issue
///
/// Work cannot go on, and why. Blocking it again replaces the reason and keeps its age.
#[utoipa::path(post, path = "/issues/{id}/block", operation_id = "block_issue", tag = "issues", params(IssueParam, IfMatchParam), request_body = BlockIssueRequest,
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn block(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    JsonBody(spec): JsonBody<BlockSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.block_issue(&request, spec).await?))
}

/// Unblock an issue
///
/// Back to what it was doing before.
#[utoipa::path(post, path = "/issues/{id}/unblock", operation_id = "unblock_issue", tag = "issues", params(IssueParam, IfMatchParam),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn unblock(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<NoSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.unblock_issue(&request, spec).await?))
}
