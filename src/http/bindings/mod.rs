//! `/bindings`: the tracker projects that are synced, their sync rules, and their progress.
//!
//! The `ETag` names the rules, not the progress: a sync run in between refuses no change.

mod shape;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::body::{JsonBody, OptionalBody};
use super::change::{GuardedDecision, PutGuard};
use super::document::AsksTracker;
use super::etag::{IfMatchParam, OnlyNewParam, quoted};
use super::path::{BindingParam, BindingPath};
use super::problem::Problem;
use crate::app::{App, Caller, ResolveRequest};
use crate::domain::request::binding::{BindingSpec, SyncRequest, SyncSpec};
use crate::domain::sync::BindingState;
use shape::{BindingResponse, BindingsResponse, PutBindingRequest, SyncBindingRequest, SyncPlanResponse};

/// List the bindings
///
/// By name: those of the settings and those that were made here.
#[utoipa::path(get, path = "/bindings", operation_id = "list_bindings", tag = "sync",
    responses((status = 200, body = BindingsResponse, description = "Every binding")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<BindingsResponse>, Problem> {
    let now = app.clock.now();
    let bindings = app.bindings(&caller).await?;
    Ok(Json(BindingsResponse { items: bindings.into_iter().map(|bound| BindingResponse::of(bound, now)).collect() }))
}

/// Show a binding
///
/// Its rules, how far behind it is, the pass under way and the last one. The `ETag` names the rules.
#[utoipa::path(get, path = "/bindings/{name}", operation_id = "get_binding", tag = "sync",
    params(BindingParam),
    responses((status = 200, body = BindingResponse, description = "The binding", headers(("ETag" = String, description = "This edition of its rules")))))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, BindingPath(name): BindingPath) -> Result<Response, Problem> {
    let bound = app.binding(&caller, &name).await?;
    Ok(shown(StatusCode::OK, &app, bound))
}

/// Make a binding, or give it other rules
///
/// The whole rules: what is not given has its usual value. How far it is stays. A binding of the settings is changed there only.
/// Needs the scope `admin`.
#[utoipa::path(put, path = "/bindings/{name}", operation_id = "put_binding", tag = "sync", request_body = PutBindingRequest,
    params(BindingParam, IfMatchParam, OnlyNewParam),
    responses(
        (status = 200, body = BindingResponse, description = "It has these rules now", headers(("ETag" = String, description = "This edition of its rules"))),
        (status = 201, body = BindingResponse, description = "It is made, and due at once", headers(
            ("ETag" = String, description = "This edition of its rules"), ("Location" = String, description = "Its path")))))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    BindingPath(name): BindingPath,
    PutGuard(over): PutGuard,
    JsonBody(spec): JsonBody<BindingSpec>,
) -> Result<Response, Problem> {
    let (bound, is_new) = app.put_binding(&caller, &name, spec, &over).await?;
    if !is_new {
        return Ok(shown(StatusCode::OK, &app, bound));
    }
    let place = [(LOCATION, format!("/bindings/{name}"))];
    Ok((place, shown(StatusCode::CREATED, &app, bound)).into_response())
}

/// Take a binding away
///
/// Nothing is followed any more; the issues and their ties stay. Needs the scope `admin`.
#[utoipa::path(delete, path = "/bindings/{name}", operation_id = "delete_binding", tag = "sync",
    params(BindingParam, IfMatchParam),
    responses((status = 204, description = "It is gone")))]
pub async fn delete(
    State(app): State<Arc<App>>,
    GuardedDecision(ResolveRequest { caller, expected, .. }): GuardedDecision,
    BindingPath(name): BindingPath,
) -> Result<StatusCode, Problem> {
    app.delete_binding(&caller, &name, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a binding
///
/// No more passes until it is resumed; what is changed here still goes out. Needs the scope `admin`.
#[utoipa::path(post, path = "/bindings/{name}/pause", operation_id = "pause_binding", tag = "sync",
    params(BindingParam),
    responses((status = 200, body = BindingResponse, description = "It is paused", headers(("ETag" = String, description = "This edition of its rules")))))]
pub async fn pause(State(app): State<Arc<App>>, caller: Caller, BindingPath(name): BindingPath) -> Result<Response, Problem> {
    let bound = app.pause_binding(&caller, &name, true).await?;
    Ok(shown(StatusCode::OK, &app, bound))
}

/// Resume a binding
///
/// It is due at once, and goes on where it was. Needs the scope `admin`.
#[utoipa::path(post, path = "/bindings/{name}/resume", operation_id = "resume_binding", tag = "sync",
    params(BindingParam),
    responses((status = 200, body = BindingResponse, description = "It goes on", headers(("ETag" = String, description = "This edition of its rules")))))]
pub async fn resume(State(app): State<Arc<App>>, caller: Caller, BindingPath(name): BindingPath) -> Result<Response, Problem> {
    let bound = app.pause_binding(&caller, &name, false).await?;
    Ok(shown(StatusCode::OK, &app, bound))
}

/// Sync a binding now
///
/// A pass is due at once; a worker does it, and `GET /bindings/{name}` tells how far it is. With `dry_run` the exact plan is answered
/// instead, and nothing is written. A pass needs the scope `write`.
#[utoipa::path(post, path = "/bindings/{name}/sync", operation_id = "sync_binding", tag = "sync", request_body = Option<SyncBindingRequest>,
    params(BindingParam),
    responses(
        (status = 200, body = SyncPlanResponse, description = "What a pass would do"),
        (status = 202, body = BindingResponse, description = "It is due now"),
        AsksTracker))]
pub async fn sync(
    State(app): State<Arc<App>>,
    caller: Caller,
    BindingPath(name): BindingPath,
    OptionalBody(spec): OptionalBody<SyncSpec>,
) -> Result<Response, Problem> {
    match spec.parse().map_err(crate::app::AppError::from)? {
        SyncRequest::Rehearsal => Ok(Json(SyncPlanResponse::from(app.plan_sync(&caller, &name).await?)).into_response()),
        SyncRequest::Pass { audit, allow_deletions } => {
            let bound = app.request_sync(&caller, &name, audit, allow_deletions).await?;
            Ok((StatusCode::ACCEPTED, Json(BindingResponse::of(bound, app.clock.now()))).into_response())
        }
    }
}

fn shown(status: StatusCode, app: &App, bound: BindingState) -> Response {
    let tag: [(HeaderName, String); 1] = [(ETAG, quoted(&bound.edition.to_string()))];
    (status, tag, Json(BindingResponse::of(bound, app.clock.now()))).into_response()
}
