//! A JSON body: the right media type, within the limit, whole, in time, well formed.

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::Limits;
use super::problem::Problem;
use crate::app::AppError;
use crate::domain::Faults;

/// The body, read as `T`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// The bytes of a body that says it is a JSON object; not read yet.
#[derive(Debug)]
pub struct JsonBytes(pub Bytes);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        Self::read(&bytes)
    }
}

impl<T: DeserializeOwned> JsonBody<T> {
    pub fn read(json: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(json).map(Self).map_err(|error| not_as_expected(&error))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        if request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(Problem::encoded());
        }
        let limits = *request.extensions().get::<Limits>().expect("`observe` stands around every route");
        let waits_for_leave = request.headers().contains_key(EXPECT);
        let whole = read_whole(request.into_body(), limits.body, waits_for_leave);
        let bytes = tokio::time::timeout(limits.body_timeout, whole).await.unwrap_or_else(|_| Err(Problem::body_too_slow()))?;
        // Serde would read an array into a struct field by field; nobody means that.
        if let Some(found) = first(&bytes).filter(|b| b"[\"-0123456789tfn".contains(b)) {
            let message = format!("must be a JSON object, this begins with {:?}", char::from(found));
            return Err(AppError::Invalid(Faults::one("", "wrong_type", message)).into());
        }
        Ok(Self(bytes))
    }
}

/// The first byte of a JSON text that says anything.
pub fn first(json: &[u8]) -> Option<u8> {
    json.iter().copied().find(|b| !b.is_ascii_whitespace())
}

pub fn not_as_expected(error: &serde_json::Error) -> Problem {
    Problem::malformed(format!("the body is not the JSON object expected: {error}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(essence) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next()) else { return false };
    let essence = essence.trim().to_ascii_lowercase();
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
    // Whatever keeps a body from arriving is the sender's connection.
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
