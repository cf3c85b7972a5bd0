//! Around every request: its span, its trace id, its metrics, and its problem document.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::{Instrument as _, field};

use super::HttpOptions;
use super::problem::Problem;
use crate::app::App;
use crate::telemetry::Trace;

/// The trace a request belongs to, for handlers that hand it on.
#[derive(Debug, Clone, Copy)]
pub struct RequestTrace(pub Trace);

pub async fn observe(State((app, options)): State<(Arc<App>, HttpOptions)>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!(
        "http.request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = field::Empty,
        trace_id = field::Empty,
    );
    let trace = caller_trace(request.headers()).unwrap_or_else(|| Trace::fresh(app.clock.stamp().id)).enter(&span);
    request.extensions_mut().insert(RequestTrace(trace));
    request.extensions_mut().insert(options);

    app.metrics.http_in_flight.inc();
    let answer = tokio::time::timeout(options.request_timeout, next.run(request).instrument(span.clone())).await;
    app.metrics.http_in_flight.dec();
    let mut response = answer.unwrap_or_else(|_| Problem::timed_out().into_response());

    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    app.metrics.http_requests.with_label_values(&[route, method.as_str(), status.as_str()]).inc();
    app.metrics.http_duration.with_label_values(&[route, method.as_str()]).observe(started.elapsed().as_secs_f64());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let trace_id = trace.trace_id();
        span.record("trace_id", &trace_id);
        span.in_scope(|| tell(status, problem.code()));
        let mut rendered = problem.render(&trace_id);
        // What a layer below added stays (Allow of a 405, for one).
        for (name, value) in response.headers() {
            if !rendered.headers().contains_key(name) {
                rendered.headers_mut().append(name, value.clone());
            }
        }
        return rendered;
    }
    response
}

fn caller_trace(headers: &HeaderMap) -> Option<Trace> {
    Trace::parse(headers.get("traceparent")?.to_str().ok()?)
}

fn tell(status: StatusCode, code: &str) {
    if status.is_server_error() {
        tracing::error!(error.code = code, "request failed");
    } else {
        tracing::info!(error.code = code, "request refused");
    }
}
