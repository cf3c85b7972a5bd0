//! `/reviews` and `/issues/{id}/review/…`: tasks that wait for a decision before anything of them leaves.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{JsonBody, OptionalBody};
use super::change::GuardedChange;
use super::etag::{IfMatchParam, IfNoneMatchParam};
use super::issue_response::{IssueAnswer, IssueResponse};
use super::issues::EditIssueRequest;
use super::page::{PageParams, PageQuery, PageResponse};
use super::path::IssueParam;
use super::problem::Problem;
use super::schema;
use crate::app::{App, Caller};
use crate::domain::{ApproveSpec, Issue, IssueNumber, RejectSpec};

/// An approval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveReviewRequest {
    /// What to change of the task first, as in an edit; both or neither happens.
    #[schema(nullable)]
    edit: Option<EditIssueRequest>,
}

/// A rejection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectReviewRequest {
    #[schema(value_type = schema::Reason)]
    reason: String,
}

/// List what waits for review
///
/// Oldest first, without archived ones.
#[utoipa::path(get, path = "/reviews", operation_id = "list_reviews", tag = "reviews", params(PageParams, IfNoneMatchParam),
    responses(
        (status = 200, body = PageResponse<IssueResponse>, description = "A page of issues", headers(
            ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
        (status = 304, description = "The reader has this page already")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, query: PageQuery<i64>) -> Result<Response, Problem> {
    let page = app.reviews(&caller, query.after.map(IssueNumber), query.limit).await?;
    Ok(query.answer(page, |issue: &Issue| issue.number.0, IssueResponse::from))
}

/// Approve a task
///
/// From now on it is an ordinary issue. With `edit`, the task is changed and approved in one step; send the `ETag` you have seen as
/// `If-Match`, so that what you approve is what you have read.
#[utoipa::path(post, path = "/issues/{id}/review/approve", operation_id = "approve_review", tag = "reviews", params(IssueParam, IfMatchParam), request_body = Option<ApproveReviewRequest>,
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn approve(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<ApproveSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.approve_issue(&request, spec).await?))
}

/// Reject a task
///
/// It is closed as not planned, with the reason. Reopening it puts it back into the queue.
#[utoipa::path(post, path = "/issues/{id}/review/reject", operation_id = "reject_review", tag = "reviews", params(IssueParam, IfMatchParam), request_body = RejectReviewRequest,
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn reject(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    JsonBody(spec): JsonBody<RejectSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.reject_issue(&request, spec).await?))
}
