//! Failures as RFC 9457 `application/problem+json`: only this module maps them to an answer.
//!
//! A [`Problem`] travels inside the response; [`super::request_layer`] writes it out, because only there the trace id is known. Codes,
//! statuses and titles stand in the [`catalogue`].

pub mod catalogue;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use self::catalogue::ProblemKind;
use crate::app::AppError;
use crate::domain::Fault;

/// A failure as HTTP reports it: its kind, and what only this answer says.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: &'static ProblemKind,
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
    fn new(kind: &'static ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: kind.headers().collect() }
    }

    /// A problem whose text never varies.
    fn listed(kind: &'static ProblemKind) -> Self {
        Self::new(kind, kind.detail)
    }

    /// Sets a header. A value from the catalogue gives way.
    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(&catalogue::MALFORMED, detail)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(&catalogue::TOO_LARGE, format!("the body is larger than the {limit} bytes that are allowed"))
    }

    pub fn not_json() -> Self {
        Self::listed(&catalogue::UNSUPPORTED_MEDIA_TYPE)
    }

    pub fn not_merge_patch() -> Self {
        let detail = "send a JSON merge patch, as application/merge-patch+json or application/json";
        Self::new(&catalogue::UNSUPPORTED_MEDIA_TYPE, detail).with_header(
            HeaderName::from_static("accept-patch"),
            HeaderValue::from_static("application/merge-patch+json, application/json"),
        )
    }

    /// A compressed body would have to be unpacked before its size is known.
    pub fn encoded() -> Self {
        Self::listed(&catalogue::UNSUPPORTED_ENCODING)
    }

    pub fn body_too_slow() -> Self {
        Self::listed(&catalogue::BODY_TIMEOUT)
    }

    pub fn overloaded() -> Self {
        Self::new(&catalogue::OVERLOADED, "too many requests are being worked on; nothing was done, so try again shortly")
    }

    pub fn precondition_required() -> Self {
        Self::listed(&catalogue::PRECONDITION_REQUIRED)
    }

    pub fn no_route() -> Self {
        Self::listed(&catalogue::NO_SUCH_ROUTE)
    }

    pub fn wrong_method() -> Self {
        Self::listed(&catalogue::METHOD_NOT_ALLOWED)
    }

    pub fn timed_out() -> Self {
        Self::listed(&catalogue::TIMEOUT)
    }

    pub fn panicked() -> Self {
        Self::listed(&catalogue::INTERNAL)
    }

    pub fn unready(reason: impl Into<String>) -> Self {
        Self::new(&catalogue::NOT_READY, reason)
    }

    pub fn unmigrated() -> Self {
        Self::listed(&catalogue::NOT_READY)
    }

    pub const fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The response with its body, once the trace id is known.
    pub fn render(&self, trace_id: &str) -> Response {
        let document = ProblemDocument {
            r#type: format!("urn:issue-core:problem:{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: &self.detail,
            code: self.kind.code,
            trace_id,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.kind.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let code = error.code();
        // Every code is listed: a test compares. An unlisted one would be a defect, and is answered as one.
        let problem = Self::new(catalogue::find(code).unwrap_or(&catalogue::INTERNAL), error.public());
        match error {
            AppError::Invalid(faults) => Self { errors: faults.into_vec(), ..problem },
            AppError::RateLimited { retry_after } => problem.with_header(header::RETRY_AFTER, whole_seconds(retry_after).into()),
            AppError::Store(_) => {
                tracing::error!(error.code = code, %error, "the store failed");
                problem
            }
            AppError::Unauthenticated
            | AppError::Forbidden { .. }
            | AppError::Refused(_)
            | AppError::NotFound { .. }
            | AppError::KeyReused
            | AppError::PreconditionFailed { .. }
            | AppError::Contended
            | AppError::BackendAway { .. }
            | AppError::BackendRefused { .. }
            | AppError::Unheard(_)
            | AppError::Overloaded => problem,
        }
    }
}

/// Rounded up: a request that comes earlier is refused again.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
