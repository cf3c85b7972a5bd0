//! A JSON body: the right media type, within the limit, well formed.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap};
use serde::de::DeserializeOwned;

use super::HttpOptions;
use super::problem::Problem;
use crate::app::AppError;
use crate::domain::Faults;

/// The body, read as `T`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        let limit = limit(request.extensions());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection, limit))?;
        // Serde would read an array into a struct field by field; nobody means that.
        if let Some(found) = bytes.iter().find(|b| !b.is_ascii_whitespace()).filter(|b| b"[\"-0123456789tfn".contains(b)) {
            return Err(AppError::Invalid(Faults::one(
                "",
                "wrong_type",
                format!("must be a JSON object, this begins with {:?}", char::from(*found)),
            ))
            .into());
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::malformed(format!("the body is not the JSON object expected: {error}")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(essence) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next()) else { return false };
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn limit(extensions: &Extensions) -> usize {
    extensions.get::<HttpOptions>().map_or(0, |options| options.body_limit)
}

fn unread(rejection: &BytesRejection, limit: usize) -> Problem {
    // Whatever else stops a body from arriving is the sender's connection.
    if matches!(rejection, BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) {
        return Problem::too_large(limit);
    }
    Problem::malformed("the body did not arrive whole")
}
