//! `/issues/{id}/comments`: what is said about an issue.
//!
//! A comment has an `ETag` of its own. Adding one overwrites nothing, so it never needs `If-Match`; there it would be the issue's.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{JsonBody, MergePatch};
use super::change::GuardedChange;
use super::etag::{IfMatchParam, IfNoneMatchParam, quoted, unless_known};
use super::page::{PageParams, PageQuery, PageResponse};
use super::path::{CommentParam, CommentPath, IssueParam, IssuePath};
use super::problem::Problem;
use super::schema;
use crate::app::{App, Caller, ChangeRequest};
use crate::domain::{Comment, CommentId, CommentSpec};

/// What is said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    /// Kept to the letter.
    #[schema(value_type = schema::CommentText)]
    body: String,
}

/// A remark on an issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentResponse {
    id: Uuid,
    issue_id: Uuid,
    /// The name of the key that wrote it.
    #[schema(example = "default")]
    author: String,
    #[schema(example = "The SBOM of release 1.4 is affected too.")]
    body: String,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
}

impl From<Comment> for CommentResponse {
    fn from(comment: Comment) -> Self {
        let Comment { id, issue_id, author, body, created_at, edited_at } = comment;
        Self { id: id.0, issue_id: issue_id.0, author, body, created_at, edited_at }
    }
}

/// List an issue's comments
///
/// Oldest first.
#[utoipa::path(get, path = "/issues/{id}/comments", operation_id = "list_comments", tag = "comments", params(IssueParam, PageParams, IfNoneMatchParam),
    responses(
        (status = 200, body = PageResponse<CommentResponse>, description = "A page of comments", headers(
            ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
        (status = 304, description = "The reader has this page already")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    IssuePath(issue): IssuePath,
    query: PageQuery<Uuid>,
) -> Result<Response, Problem> {
    let page = app.comments(&caller, issue, query.after.map(CommentId), query.limit).await?;
    Ok(query.answer(page, |comment: &Comment| comment.id.0, CommentResponse::from))
}

/// Comment on an issue
///
/// The author is the name of the key. A comment is an event of the issue too: it raises its version.
#[utoipa::path(post, path = "/issues/{id}/comments", operation_id = "add_comment", tag = "comments", params(IssueParam, IfMatchParam),
    request_body = CommentRequest,
    responses((status = 201, body = CommentResponse, description = "Added", headers(
        ("ETag" = String, description = "This edition of the comment"), ("Location" = String, description = "The comment's path")))))]
pub async fn add(State(app): State<Arc<App>>, request: ChangeRequest, JsonBody(spec): JsonBody<CommentSpec>) -> Result<Response, Problem> {
    let comment = app.add_comment(&request, spec).await?;
    let headers = [(LOCATION, format!("/issues/{}/comments/{}", comment.issue_id, comment.id)), (ETAG, quoted(&comment.edition()))];
    Ok((StatusCode::CREATED, headers, Json(CommentResponse::from(comment))).into_response())
}

/// Show a comment
///
/// With an `ETag` of its own.
#[utoipa::path(get, path = "/issues/{id}/comments/{comment_id}", operation_id = "get_comment", tag = "comments", params(IssueParam, CommentParam, IfNoneMatchParam),
    responses(
        (status = 200, body = CommentResponse, description = "The comment", headers(("ETag" = String, description = "This edition of it"))),
        (status = 304, description = "The reader has this edition already")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    IssuePath(issue): IssuePath,
    CommentPath(id): CommentPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let comment = app.comment(&caller, issue, id).await?;
    let edition = comment.edition();
    Ok(unless_known(&headers, &edition, || CommentResponse::from(comment)))
}

/// Edit a comment
///
/// `If-Match` takes the `ETag` of the comment, not of the issue.
#[utoipa::path(patch, path = "/issues/{id}/comments/{comment_id}", operation_id = "edit_comment", tag = "comments", params(IssueParam, CommentParam, IfMatchParam),
    request_body(content((CommentRequest = "application/merge-patch+json"), (CommentRequest = "application/json"))),
    responses((status = 200, body = CommentResponse, description = "The comment as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn edit(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    CommentPath(id): CommentPath,
    MergePatch(spec): MergePatch<CommentSpec>,
) -> Result<Response, Problem> {
    let comment = app.edit_comment(&request, id, spec).await?;
    Ok(([(ETAG, quoted(&comment.edition()))], Json(CommentResponse::from(comment))).into_response())
}

/// Delete a comment
///
/// Its text is gone; that there was one stays in the timeline.
#[utoipa::path(delete, path = "/issues/{id}/comments/{comment_id}", operation_id = "delete_comment", tag = "comments", params(IssueParam, CommentParam, IfMatchParam),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    CommentPath(id): CommentPath,
) -> Result<StatusCode, Problem> {
    app.delete_comment(&request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
