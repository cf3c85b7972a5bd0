//! What operators and the platform ask: is it alive, should it get work, what are its numbers. No key needed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::app::App;

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

/// Work may be sent here
///
/// The store answers, its schema is current, and no shutdown has begun.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "operate", security(()), responses((status = 200, body = HealthResponse, description = "Ready")))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<HealthResponse>, Problem> {
    app.ready().await.map_err(|reason| Problem::unready(reason.to_string()))?;
    Ok(Json(HEALTHY))
}

/// Prometheus metrics
///
/// Every series is explained in `docs/observability.md`.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operate", security(()), responses((status = 200, body = String, content_type = "text/plain; version=0.0.4", description = "Every series in the text exposition format")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be rendered");
            Problem::panicked().into_response()
        }
    }
}
