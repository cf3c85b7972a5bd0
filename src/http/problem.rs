//! Failures as RFC 9457 `application/problem+json`: the only place that maps them to a status.
//!
//! A [`Problem`] travels inside the response; [`super::observe`] writes it out, because only there the trace id is known.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{AppError, DeliveryRejected};
use crate::domain::Fault;

/// A failure as HTTP tells it.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A failure, as RFC 9457 writes it down.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// A URN made from `code`.
    #[schema(example = "urn:issue-core:problem:not_found")]
    r#type: String,
    #[schema(example = "Not found")]
    title: &'a str,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// For people; may change.
    #[schema(example = "there is no issue 42")]
    detail: &'a str,
    /// A stable word for machines.
    #[schema(example = "not_found")]
    code: &'a str,
    /// Finds the request in logs and traces.
    #[schema(pattern = "^[0-9a-f]{32}$", example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: &'a str,
    /// Every fault of the request, where it had any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than the {limit} bytes that are allowed");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large", detail)
    }

    pub fn not_json() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Wrong media type", "send the body as application/json")
    }

    /// A compressed body would have to be unpacked before its size is known.
    pub fn encoded() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "Encoded body",
            "send the body as it is, without a Content-Encoding",
        )
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    pub fn body_too_slow() -> Self {
        let detail = "the body did not arrive in time; nothing was done, so the request may be repeated";
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "The body is too slow", detail)
    }

    pub fn overloaded() -> Self {
        let detail = "too many requests are being worked on; nothing was done, so try again shortly";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    pub fn not_merge_patch() -> Self {
        let detail = "send a JSON merge patch, as application/merge-patch+json or application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Wrong media type", detail).with_header(
            HeaderName::from_static("accept-patch"),
            HeaderValue::from_static("application/merge-patch+json, application/json"),
        )
    }

    pub fn precondition_required() -> Self {
        let detail = "this server wants to know what you have seen: read it, and send its ETag as If-Match";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required", "If-Match is required", detail)
    }

    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_route",
            "No such route",
            "nothing answers under this path; /openapi.json lists the routes",
        )
    }

    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Wrong method",
            "this path does not answer to this method; see the Allow header",
        )
    }

    pub fn timed_out() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "Too slow",
            "the request took too long; whether it took effect is not known, so repeat it only if that is safe",
        )
    }

    pub fn panicked() -> Self {
        Self::internal("something broke here; the operators find the details under the trace id".to_owned())
    }

    fn internal(detail: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    pub fn unready(reason: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Not ready", reason)
    }

    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The response with its body, once the trace id is known.
    pub fn render(&self, trace_id: &str) -> Response {
        let document = ProblemDocument {
            r#type: format!("urn:issue-core:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            trace_id,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let (code, detail) = (error.code(), error.public());
        match error {
            AppError::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, code, "Not authenticated", detail)
                .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"issue-core\"")),
            AppError::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, code, "Not allowed", detail),
            AppError::Invalid(faults) => {
                Self { errors: faults.into_vec(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The request has faults", detail) }
            }
            AppError::Refused(_) => Self::new(StatusCode::CONFLICT, code, forbidden_by(code), detail),
            AppError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, code, "Not found", detail),
            AppError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "Idempotency key reused", detail),
            AppError::PreconditionFailed { .. } => Self::new(StatusCode::PRECONDITION_FAILED, code, "Changed in between", detail),
            AppError::RateLimited { retry_after } => Self::new(StatusCode::TOO_MANY_REQUESTS, code, "Too many requests", detail)
                // Whole seconds, rounded up: whoever comes back sooner is refused again.
                .with_header(header::RETRY_AFTER, (retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0)).into()),
            AppError::Contended => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "Contended", detail)
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
            AppError::BackendAway { .. } => Self::new(StatusCode::BAD_GATEWAY, code, "The tracker does not answer", detail),
            AppError::BackendRefused { .. } => Self::new(StatusCode::CONFLICT, code, "The tracker refuses", detail),
            AppError::Unheard(DeliveryRejected::Malformed(_)) => {
                Self::new(StatusCode::BAD_REQUEST, code, "The request cannot be read", detail)
            }
            AppError::Unheard(DeliveryRejected::Refused | DeliveryRejected::Stale) => {
                Self::new(StatusCode::UNAUTHORIZED, code, "The delivery is not ours", detail)
                    .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Webhook realm=\"issue-core\""))
            }
            AppError::Overloaded => Self { detail, ..Self::overloaded() },
            AppError::Store(_) => Self::from_store(&error, code, detail),
        }
    }
}

/// Whose state it is.
fn forbidden_by(code: &str) -> &'static str {
    if code.starts_with("binding_") || code.starts_with("conflict_") { "Its state forbids it" } else { "The issue's state forbids it" }
}

impl Problem {
    fn from_store(error: &AppError, code: &'static str, detail: String) -> Self {
        tracing::error!(error.code = code, %error, "the store failed");
        if !error.is_transient() {
            return Self::internal(detail);
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "The store is not available", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }
}
