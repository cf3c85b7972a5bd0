//! `/conflicts`: what an issue and its tracker both changed, each to something else, and what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::JsonBody;
use super::change::GuardedDecision;
use super::etag::{IfMatchParam, IfNoneMatchParam, quoted, unless_known};
use super::page::{PageParams, PageQuery, PageResponse};
use super::path::{ConflictParam, ConflictPath};
use super::problem::Problem;
use super::query::QueryFields;
use super::schema;
use crate::app::{App, Caller};
use crate::domain::IssueId;
use crate::domain::base::text;
use crate::domain::request::binding::ResolveSpec;
use crate::domain::sync::{Conflict, ConflictCause, ConflictFilter, ConflictState, Resolution};
use crate::domain::tracker::Field;

/// One clash, however often it was met.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictResponse {
    id: Uuid,
    issue_id: Uuid,
    /// The tracker's name in the settings.
    #[schema(example = "gitea")]
    backend: String,
    field: Field,
    /// The comment, where it is about one.
    comment_id: Option<Uuid>,
    /// What both sides last agreed on.
    #[schema(required = true, example = json!("Flag stale SBOM"))]
    base: Value,
    #[schema(required = true, example = json!("Flag the stale SBOM"))]
    ours: Value,
    #[schema(required = true, example = json!("Flag stale SBOMs"))]
    theirs: Value,
    state: ConflictState,
    /// `null`: it waits for somebody.
    #[schema(required = true, example = json!(null))]
    resolution: Option<Resolution>,
    /// `diverged`: both sides changed the field. `ping_pong`: the field went back and forth too often.
    cause: ConflictCause,
    /// Which rule settled it, or why it waits.
    #[schema(example = "both sides changed it")]
    why: String,
    opened_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<String>,
    /// Raised by every change of it; it is the `ETag`.
    #[schema(example = 1)]
    edition: i64,
}

/// What shall stand: one of the sides, or other words.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"take": "external"}))]
pub struct ResolveConflictRequest {
    /// `local` or `external`; not together with `value`.
    #[schema(pattern = "^(local|external)$")]
    take: Option<String>,
    /// Of a title or a description.
    #[schema(value_type = Option<schema::Resolved>)]
    value: Option<String>,
}

/// How [`ConflictQuery`] is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct ConflictParams {
    /// Only those that stand so
    #[param(example = "open")]
    state: Option<ConflictState>,
    /// Only those of this issue, by its id
    issue: Option<Uuid>,
    /// Only those with this tracker
    #[param(value_type = Option<schema::BackendKey>)]
    backend: Option<String>,
}

/// Which conflicts, and which page of them.
#[derive(Debug)]
pub struct ConflictQuery {
    filter: ConflictFilter,
    page: PageQuery<Uuid>,
}

impl<S: Send + Sync> FromRequestParts<S> for ConflictQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut fields = QueryFields::of(&parts.uri)?;
        let unread = |_| ("wrong_type", "must be the id of an issue, a UUID".to_owned());
        let filter = ConflictFilter {
            state: fields.read("state", |text| {
                text.parse().map_err(|error: crate::domain::base::vocabulary::UnknownWord| ("unknown_word", error.to_string()))
            }),
            issue: fields.read("issue", |text| Uuid::try_parse(text).map(IssueId).map_err(unread)),
            backend: fields.read("backend", |text| text::TARGET.check_present(text)),
        };
        let page = PageQuery::take(&mut fields, parts);
        fields.finish(Self { filter, page })
    }
}

/// List conflicts
///
/// Newest first. `state=open` is what waits for somebody.
#[utoipa::path(get, path = "/conflicts", operation_id = "list_conflicts", tag = "sync", params(ConflictParams, PageParams, IfNoneMatchParam),
    responses(
        (status = 200, body = PageResponse<ConflictResponse>, description = "A page of conflicts", headers(
            ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
        (status = 304, description = "The reader has this page already")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, query: ConflictQuery) -> Result<Response, Problem> {
    let page = app.conflicts(&caller, &query.filter, query.page.after, query.page.limit).await?;
    Ok(query.page.answer(page, |conflict: &Conflict| conflict.id, ConflictResponse::from))
}

/// Show a conflict
///
/// What both sides last agreed on, what each says now, and what became of it.
#[utoipa::path(get, path = "/conflicts/{id}", operation_id = "get_conflict", tag = "sync", params(ConflictParam, IfNoneMatchParam),
    responses(
        (status = 200, body = ConflictResponse, description = "The conflict", headers(("ETag" = String, description = "This edition of it"))),
        (status = 304, description = "The reader has it already")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    ConflictPath(id): ConflictPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let conflict = app.conflict(&caller, id).await?;
    Ok(unless_known(&headers, &conflict.edition.to_string(), || ConflictResponse::from(conflict.clone())))
}

/// Resolve a conflict
///
/// Decides what stands; it is brought to both sides shortly. Other words than those of the two sides are for titles and descriptions.
#[utoipa::path(post, path = "/conflicts/{id}/resolve", operation_id = "resolve_conflict", tag = "sync", params(ConflictParam, IfMatchParam),
    request_body = ResolveConflictRequest,
    responses((status = 200, body = ConflictResponse, description = "It is decided", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn resolve(
    State(app): State<Arc<App>>,
    GuardedDecision(request): GuardedDecision,
    ConflictPath(id): ConflictPath,
    JsonBody(spec): JsonBody<ResolveSpec>,
) -> Result<Response, Problem> {
    let conflict = app.resolve_conflict(&request, id, spec).await?;
    Ok(([(ETAG, quoted(&conflict.edition.to_string()))], Json(ConflictResponse::from(conflict))).into_response())
}

impl From<Conflict> for ConflictResponse {
    fn from(conflict: Conflict) -> Self {
        Self {
            id: conflict.id,
            issue_id: conflict.issue_id.0,
            backend: conflict.backend,
            field: conflict.field,
            comment_id: conflict.comment,
            base: conflict.base,
            ours: conflict.ours,
            theirs: conflict.theirs,
            state: conflict.state,
            resolution: conflict.resolution,
            cause: conflict.cause,
            why: conflict.why,
            opened_at: conflict.opened_at,
            resolved_at: conflict.resolved_at,
            resolved_by: conflict.resolved_by,
            edition: conflict.edition,
        }
    }
}
