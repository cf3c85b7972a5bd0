//! The span of a request to another system: OpenTelemetry's conventions for HTTP clients.
//!
//! At the level debug: recorded where traces are exported, free elsewhere. Never a credential, and no query, which may hold one.

use reqwest::{Method, Url};
use tracing::field::Empty;
use tracing::{Span, debug_span};

use super::HttpAnswer;

/// A call on its way. `url` is what it is sent to.
pub(super) fn call(method: &Method, url: &str) -> Span {
    let span = debug_span!(
        "http.call",
        otel.name = %method,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = %method,
        http.response.status_code = Empty,
        server.address = Empty,
        server.port = Empty,
        url.full = Empty,
        error.type = Empty,
    );
    if !span.is_disabled()
        && let Ok(mut url) = Url::parse(url)
    {
        // A URL that cannot hold them holds none.
        _ = url.set_username("");
        _ = url.set_password(None);
        url.set_query(None);
        span.record("server.address", url.host_str());
        span.record("server.port", url.port_or_known_default().map(i64::from));
        span.record("url.full", url.as_str());
    }
    span
}

/// How the call ended.
pub(super) fn ended(span: &Span, answer: Option<&HttpAnswer>) {
    let Some(answer) = answer else {
        span.record("otel.status_code", "error");
        span.record("error.type", "no_answer");
        return;
    };
    span.record("http.response.status_code", i64::from(answer.status));
    if answer.status >= 400 {
        span.record("otel.status_code", "error");
        span.record("error.type", answer.status.to_string());
    }
}
