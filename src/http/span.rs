//! The span of a request, by OpenTelemetry's conventions for HTTP servers.
//!
//! What the log shows of a span is always there; the rest is filled in only where a trace is recorded.

use axum::extract::Request;
use axum::http::header::{HOST, USER_AGENT};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Version};
use tracing::Span;
use tracing::field::Empty;

pub(super) fn open(method: &str, route: &str) -> Span {
    tracing::info_span!(
        "http.request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.method_original = Empty,
        http.route = route,
        http.response.status_code = Empty,
        url.scheme = Empty,
        url.path = Empty,
        network.protocol.version = Empty,
        server.address = Empty,
        server.port = Empty,
        user_agent.original = Empty,
        error.type = Empty,
        request.id = Empty,
        trace_id = Empty,
    )
}

/// The conventions' methods by their names, and one name for all others: what a caller invents must not become a series.
pub(super) fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("_OTHER")
}

/// What only a trace asks for.
pub(super) fn describe(span: &Span, request: &Request) {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if known(request.method()) == "_OTHER" {
        span.record("http.request.method_original", request.method().as_str());
    }
    span.record("url.scheme", "http");
    span.record("url.path", request.uri().path());
    span.record("network.protocol.version", if request.version() == Version::HTTP_10 { "1.0" } else { "1.1" });
    span.record("user_agent.original", header(USER_AGENT));
    if let Some(host) = header(HOST).and_then(|host| host.parse::<Authority>().ok()) {
        span.record("server.address", host.host());
        span.record("server.port", host.port_u16().map(i64::from));
    }
}

/// A refusal is the caller's fault and no error of the server's.
pub(super) fn ended(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "error");
        span.record("error.type", status.as_str());
    }
}
