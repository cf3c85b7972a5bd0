//! Lists in pages: `limit` and `cursor` in, `items`, `next_cursor` and a `Link` header out.
//!
//! A cursor is the key of the last item, wrapped up so that nobody is tempted to build one.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, ETAG, LINK};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::etag::{is_known, quoted};
use super::problem::Problem;
use super::query::Fields;
use crate::app::Page;
use crate::app::page::{DEFAULT_LIMIT, MAX_LIMIT};

/// Some of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageResponse<T: ToSchema> {
    items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required = true, example = json!(null))]
    next_cursor: Option<String>,
}

/// How [`PageQuery`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct PageParams {
    /// At most as many items; a page of very large ones may hold fewer
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// Which page is asked for; `K` is the key of its items.
#[derive(Debug)]
pub struct PageQuery<K> {
    pub after: Option<K>,
    pub limit: u32,
    path: String,
    headers: HeaderMap,
}

impl<K: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PageQuery<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut fields = Fields::of(&parts.uri)?;
        let limit = fields.read("limit", |text| {
            let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
            limit.ok_or_else(|| ("out_of_range", format!("must be an integer from 1 to {MAX_LIMIT}")))
        });
        let unknown = || ("not_a_cursor", "must be the next_cursor of a page of this list".to_owned());
        let after = fields.read("cursor", |text| unwrap(text).ok_or_else(unknown));
        let (path, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
        fields.finish(Self { after, limit: limit.unwrap_or(DEFAULT_LIMIT), path, headers })
    }
}

impl<K: Display> PageQuery<K> {
    /// The page, or 304 where the reader has it already.
    pub fn answer<T, R: Serialize + ToSchema>(self, page: Page<T>, key: impl Fn(&T) -> K, shape: impl FnMut(T) -> R) -> Response {
        let next_cursor = page.items.last().filter(|_| page.more).map(|last| wrap(&key(last)));
        let link = next_cursor.as_ref().map(|cursor| format!("<{}?limit={}&cursor={cursor}>; rel=\"next\"", self.path, self.limit));
        let page = PageResponse { items: page.items.into_iter().map(shape).collect(), next_cursor };
        let Ok(body) = serde_json::to_vec(&page) else { return Problem::panicked().into_response() };
        let edition = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]);
        let mut response = if is_known(&self.headers, &edition) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        };
        let headers = [(ETAG, Some(quoted(&edition))), (LINK, link)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?.parse().ok()?)));
        response.headers_mut().extend(headers);
        response
    }
}

fn wrap(key: &impl Display) -> String {
    URL_SAFE_NO_PAD.encode(key.to_string())
}

fn unwrap<K: FromStr>(cursor: &str) -> Option<K> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        assert_eq!(unwrap(&wrap(&42_i64)), Some(42_i64));
        for bad in ["", "42", "!", "AA", &wrap(&"x")] {
            assert_eq!(unwrap::<i64>(bad), None, "{bad}");
        }
    }
}
