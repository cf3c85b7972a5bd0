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

/// The body of an edit: the same, as a JSON merge patch.
#[derive(Debug)]
pub struct MergePatch<T>(pub T);

/// A body that may be left out, or be `null`.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        read(&bytes(request, state).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        // Another kind of patch is JSON too, and means something else.
        if !media_type(request.headers()).is_some_and(|kind| ["application/merge-patch+json", "application/json"].contains(&kind.as_str()))
        {
            return Err(Problem::not_merge_patch());
        }
        read(&bytes(request, state).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let declared = is_json(request.headers());
        let bytes = bytes(request, state).await?;
        match (bytes.is_empty(), declared) {
            (true, _) => Ok(Self(T::default())),
            (false, true) if bytes.trim_ascii() == b"null" => Ok(Self(T::default())),
            (false, true) => read(&bytes).map(Self),
            (false, false) => Err(Problem::not_json()),
        }
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let limit = limit(request.extensions());
    Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection, limit))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde would read an array into a struct field by field; nobody means that.
    if let Some(found) = bytes.iter().find(|b| !b.is_ascii_whitespace()).filter(|b| b"[\"-0123456789tfn".contains(b)) {
        let message = format!("must be a JSON object, this begins with {:?}", char::from(*found));
        return Err(AppError::Invalid(Faults::one("", "wrong_type", message)).into());
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::malformed(format!("the body is not the JSON object expected: {error}")))
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let essence = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?;
    Some(essence.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(essence) = media_type(headers) else { return false };
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
