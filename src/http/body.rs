//! A JSON body: the right media type, within the limit, whole, in time, well formed.

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::RequestLimits;
use super::problem::Problem;
use crate::app::AppError;
use crate::domain::Faults;

/// The body, read as `T`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// The bytes of a body that is declared as JSON; not read yet.
#[derive(Debug)]
pub struct JsonBytes(pub Bytes);

/// The body of an edit: the same, as a JSON merge patch.
#[derive(Debug)]
pub struct MergePatch<T>(pub T);

/// A body that may be left out, or be `null`.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        read(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        bytes(request).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        // Another kind of patch is JSON too, and means something else.
        if !media_type(request.headers()).is_some_and(|kind| ["application/merge-patch+json", "application/json"].contains(&kind.as_str()))
        {
            return Err(Problem::not_merge_patch());
        }
        read(&bytes(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        let declared = is_json(request.headers());
        let bytes = bytes(request).await?;
        match (bytes.is_empty(), declared) {
            (true, _) => Ok(Self(T::default())),
            (false, true) if bytes.trim_ascii() == b"null" => Ok(Self(T::default())),
            (false, true) => read(&bytes).map(Self),
            (false, false) => Err(Problem::not_json()),
        }
    }
}

async fn bytes(request: Request) -> Result<Bytes, Problem> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::encoded());
    }
    let terms = *request.extensions().get::<RequestLimits>().expect("`observe` stands around every route");
    let waits_for_leave = request.headers().contains_key(EXPECT);
    let whole = read_whole(request.into_body(), terms.body_limit, waits_for_leave);
    tokio::time::timeout(terms.body_timeout, whole).await.unwrap_or_else(|_| Err(Problem::body_too_slow()))
}

/// A JSON object, read as `T`.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    // Serde would read an array into a struct field by field. No client means that.
    if let Some(found) = first(bytes).filter(|b| b"[\"-0123456789tfn".contains(b)) {
        let message = format!("must be a JSON object, this begins with {:?}", char::from(found));
        return Err(AppError::Invalid(Faults::one("", "wrong_type", message)).into());
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::malformed(format!("the body is not the JSON object expected: {error}")))
}

/// The first byte of a JSON text that says anything.
pub fn first(json: &[u8]) -> Option<u8> {
    json.iter().copied().find(|b| !b.is_ascii_whitespace())
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let essence = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?;
    Some(essence.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(essence) = media_type(headers) else { return false };
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// How much of a body that is too large is read on: a sender that is still sending when the connection closes never sees
/// the answer.
const PATIENCE: usize = 8 << 20;

async fn read_whole(body: Body, limit: usize, waits_for_leave: bool) -> Result<Bytes, Problem> {
    let announced = body.size_hint().lower();
    if waits_for_leave && announced > limit as u64 {
        return Err(Problem::too_large(limit));
    }
    // If the body does not arrive, the sender's connection is the cause.
    let cut_off = |_| Problem::malformed("the body did not arrive whole");
    let mut parts = body.into_data_stream();
    let first = parts.next().await.transpose().map_err(cut_off)?.unwrap_or_default();
    // A small body comes in one part, and is not copied.
    let (mut size, mut whole) = (first.len(), Vec::new());
    while let Some(part) = parts.next().await.transpose().map_err(cut_off)? {
        size += part.len();
        if size <= limit {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&part);
        } else if size > limit + PATIENCE {
            break;
        }
    }
    if size > limit {
        return Err(Problem::too_large(limit));
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}
