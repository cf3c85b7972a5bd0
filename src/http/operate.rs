//! What operators and the platform ask: is it alive, should it get work, what are its numbers. No key needed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::app::{App, MessageTarget};
use crate::domain::MessageKind;
use crate::domain::queue::breaker::BreakerState;

/// A probe's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthResponse {
    /// Always `ok`: anything else is answered with a problem document.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version of the running build.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

const HEALTHY: HealthResponse = HealthResponse { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// The process is alive
///
/// Says nothing about the database, so that a database outage does not restart the pods.
#[utoipa::path(get, path = "/healthz", operation_id = "health", tag = "operate", security(()), responses((status = 200, body = HealthResponse, description = "Alive")))]
pub async fn health() -> Json<HealthResponse> {
    Json(HEALTHY)
}

/// Readiness, with what a target outside does to it: nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyResponse {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// With `verbose`: whether each target outside answers, as this process sees it. An open breaker makes nothing unready
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    targets: Option<Vec<TargetResponse>>,
}

/// One target outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetResponse {
    #[schema(example = "state_hub")]
    target: String,
    /// `closed`: it answers. `open`: it does not, and is left alone for a while. `half_open`: it is being probed
    #[schema(value_type = String, example = "closed")]
    breaker: BreakerState,
}

/// How [`ready`] is asked.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct ReadyParams {
    /// Tell about the targets outside, too
    verbose: Option<String>,
}

/// Work may be sent here
///
/// The store answers, its schema is current, and no shutdown has begun. Targets outside have no say in it.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "operate", security(()), params(ReadyParams), responses((status = 200, body = ReadyResponse, description = "Ready")))]
pub async fn ready(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<ReadyResponse>, Problem> {
    app.ready().await.map_err(|reason| Problem::unready(reason.to_string()))?;
    let verbose = uri.query().is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")));
    let target = |target: &Arc<MessageTarget>| TargetResponse { target: target.target.clone(), breaker: target.breaker_state() };
    let sinks = app.targets.iter().filter(|target| target.kind != MessageKind::Dispatch);
    let targets = verbose.then(|| sinks.map(target).collect());
    Ok(Json(ReadyResponse { status: HEALTHY.status, version: HEALTHY.version, targets }))
}

/// Prometheus metrics
///
/// Every series is explained in `docs/observability.md`.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operate", security(()), responses((status = 200, body = String, content_type = "text/plain; version=0.0.4", description = "Every series in the text exposition format")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.numbers() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be rendered");
            Problem::panicked().into_response()
        }
    }
}
