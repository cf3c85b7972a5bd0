//! `/openapi.json` and `/docs`: the document, and a page to read it on and to try it out. Both come out of the binary, so they work
//! without internet; neither needs a key.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use sha2::{Digest as _, Sha256};
use utoipa_swagger_ui::Config;

use super::document;
use super::problem::Problem;

/// The document as it is served, and its entity tag.
struct ServedDocument {
    body: Bytes,
    etag: HeaderValue,
}

/// Made on the first request. Most processes get no such request, and spend neither time nor memory on it.
fn served() -> &'static ServedDocument {
    static SERVED: OnceLock<ServedDocument> = OnceLock::new();
    SERVED.get_or_init(|| {
        let body = Bytes::from(document::document().to_string());
        let digest = Sha256::digest(&body);
        let tag = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
        // Hexadecimal digits are a valid header.
        let etag = HeaderValue::try_from(format!("\"{tag:016x}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
        ServedDocument { body, etag }
    })
}

/// This document
///
/// OpenAPI 3.1. An interactive page made from it is at `/docs`.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operate", security(()),
    responses(
        (status = 200, body = Object, description = "The OpenAPI document", headers(("ETag" = String, description = "Changes with the document"))),
        (status = 304, description = "The document is the one named in `If-None-Match`")))]
pub async fn openapi(headers: HeaderMap) -> Response {
    let ServedDocument { body, etag } = served();
    let about = [(ETAG, etag.clone()), (CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known == etag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(CONTENT_TYPE, "application/json")], body.clone()).into_response()
}

/// Only the page's own files may run or load, and it may call this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// `/docs`: its files are named relative to `/docs/`. Relative itself, so that a proxy may put a prefix before it.
pub async fn to_page() -> Redirect {
    Redirect::permanent("docs/")
}

pub async fn page() -> Result<Response, Problem> {
    file(Path("index.html".to_owned())).await
}

/// One file of the page.
pub async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let config =
        Config::from("../openapi.json").use_base_layout().try_it_out_enabled(true).display_request_duration(true).deep_linking(true);
    // Its own validator would send the document to a server on the internet.
    let config = config.validator_url("none");
    let found = utoipa_swagger_ui::serve(&name, Arc::new(config)).map_err(|error| {
        tracing::error!(%error, "the page's configuration cannot be written");
        Problem::panicked()
    })?;
    let file = found.ok_or_else(Problem::no_route)?;
    let about = [(CONTENT_TYPE, file.content_type.as_str()), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "max-age=3600")];
    // Embedded files are handed out as they lie in the binary.
    let body = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut response = (about, body).into_response();
    if file.gzpipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
