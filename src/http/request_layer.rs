//! Around every request: its span, its ids, its metrics, its limits, and its problem document.
//!
//! One layer for all of it: each layer more is paid by every request.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;
use tracing::{Instrument as _, Span};

use super::RequestLimits;
use super::problem::Problem;
use super::request_id::{X_REQUEST_ID, request_id};
use super::span;
use crate::app::App;
use crate::domain::queue::quota::QuotaAllowance;
use crate::telemetry::TraceContext;

const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The trace a request belongs to, for handlers that hand it on.
#[derive(Debug, Clone, Copy)]
pub struct RequestTrace(pub TraceContext);

/// Where the check of the key leaves how its quota stands.
#[derive(Debug, Clone, Default)]
pub struct CountedAs(pub Arc<OnceLock<QuotaAllowance>>);

/// What stands around a group of routes.
#[derive(Clone)]
pub struct RequestLayer {
    pub app: Arc<App>,
    pub terms: RequestLimits,
    /// The room for requests being worked on; `None` where a request is always let in.
    pub room: Option<Arc<Semaphore>>,
}

pub async fn observe(State(around): State<RequestLayer>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let app = &around.app;
    let method = span::known(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = span::open(method, route);
    let fresh = app.clock.stamp().id;
    let id = request_id(request.headers(), fresh);
    let trace = caller_trace(request.headers()).map_or_else(|| TraceContext::begin(&span, fresh), |trace| trace.enter(&span));
    if TraceContext::of(&span).is_some() {
        span::describe(&span, &request);
    }
    let counted = CountedAs::default();
    request.extensions_mut().insert(RequestTrace(trace));
    request.extensions_mut().insert(around.terms);
    if app.rate_limit.is_on() {
        request.extensions_mut().insert(counted.clone());
    }

    app.metrics.http_in_flight.inc();
    let mut response = work(&around, request, next, &span).await;
    app.metrics.http_in_flight.dec();

    let status = response.status();
    span::ended(&span, status);
    app.metrics.http_requests.with_label_values(&[route, method, status.as_str()]).inc();
    app.metrics.http_duration.with_label_values(&[route, method]).observe(started.elapsed().as_secs_f64());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        span.record("request.id", id.to_str().unwrap_or_default());
        response = told(&problem, response.headers(), trace, &span);
    }
    let headers = response.headers_mut();
    if let Some(allowance) = counted.0.get() {
        tell_quota(headers, allowance);
    }
    if app.readiness.is_draining() {
        // The connection closes after this answer, so that the next request goes to another process.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    mark(headers, id, trace);
    response
}

/// Lets the request in if there is room, and bounds how long it may take and what its panic may reach.
async fn work(around: &RequestLayer, request: Request, next: Next, span: &Span) -> Response {
    // Probes and metrics, which have no bound, answer all the same.
    if around.room.is_some() && around.app.readiness.is_waiting() {
        return Problem::unmigrated().into_response();
    }
    let _place = match around.room.as_ref().map(|room| room.try_acquire()) {
        Some(Err(_)) => return Problem::overloaded().into_response(),
        place @ (Some(Ok(_)) | None) => place,
    };
    let answer = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind();
    match tokio::time::timeout(around.terms.timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => span.in_scope(|| panicked(&*panic)),
        Err(_) => Problem::timed_out().into_response(),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = message.unwrap_or("without a message"), "a handler panicked");
    Problem::panicked().into_response()
}

/// The problem's document, instead of the response that carried it.
fn told(problem: &Problem, below: &HeaderMap, trace: TraceContext, span: &Span) -> Response {
    let trace_id = trace.trace_id();
    span.record("trace_id", &trace_id);
    let mut rendered = problem.render(&trace_id);
    let status = rendered.status();
    span.in_scope(|| tell(status, problem.code()));
    // What a layer below added stays (Allow of a 405, for one).
    for (name, value) in below {
        if !rendered.headers().contains_key(name) {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    rendered
}

/// What every answer carries.
fn mark(headers: &mut HeaderMap, id: HeaderValue, trace: TraceContext) {
    headers.insert(X_REQUEST_ID, id);
    if let Ok(value) = HeaderValue::try_from(trace.traceparent()) {
        headers.insert(TRACERESPONSE, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Only for this client, and always revalidated; an answer with better knowledge sets its own
    // header.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
}

/// draft-ietf-httpapi-ratelimit-headers: what is allowed, and what is left of it until when.
fn tell_quota(headers: &mut HeaderMap, allowance: &QuotaAllowance) {
    let seconds = |time: std::time::Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let policy = format!("\"key\";q={};w={}", allowance.quota.requests(), seconds(allowance.quota.window()));
    let state = format!("\"key\";r={};t={}", allowance.remaining, seconds(allowance.reset));
    for (name, value) in [(RATELIMIT_POLICY, policy), (RATELIMIT, state)] {
        headers.insert(name, HeaderValue::try_from(value).expect("digits and quotes are a header value"));
    }
}

fn caller_trace(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(headers.get("traceparent")?.to_str().ok()?)
}

fn tell(status: StatusCode, code: &str) {
    if status.is_server_error() {
        tracing::error!(error.code = code, "request failed");
    } else {
        tracing::info!(error.code = code, "request refused");
    }
}
