//! Lists in pages: `limit` and `cursor` in, `items`, `next_cursor` and a `Link` header out.
//!
//! A cursor is the key of the last item, encoded so that clients do not build one.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, ETAG, LINK};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::etag::{is_known, quoted};
use super::problem::Problem;
use super::query::QueryFields;
use crate::app::ListPage;
use crate::app::page::{DEFAULT_LIMIT, MAX_LIMIT};

/// Some of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageResponse<T: ToSchema> {
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required = true, example = json!(null))]
    pub next_cursor: Option<String>,
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
    /// What else was asked, for the link to the next page.
    others: String,
    headers: HeaderMap,
}

impl<K: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PageQuery<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut fields = QueryFields::of(&parts.uri)?;
        let page = Self::take(&mut fields, parts);
        fields.finish(page)
    }
}

impl<K: FromStr> PageQuery<K> {
    /// Takes its fields out of a query that has others, too.
    pub fn take(fields: &mut QueryFields, parts: &Parts) -> Self {
        let limit = fields.read("limit", |text| {
            let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
            limit.ok_or_else(|| ("out_of_range", format!("must be an integer from 1 to {MAX_LIMIT}")))
        });
        let unknown = || ("not_a_cursor", "must be the next_cursor of a page of this list".to_owned());
        let after = fields.read("cursor", |text| unwrap(text).ok_or_else(unknown));
        let query = parts.uri.query().unwrap_or_default();
        let others = query.split('&').filter(|part| !part.is_empty() && !part.starts_with("limit=") && !part.starts_with("cursor="));
        let others = others.flat_map(|part| [part, "&"]).collect();
        Self { after, limit: limit.unwrap_or(DEFAULT_LIMIT), path: parts.uri.path().to_owned(), others, headers: parts.headers.clone() }
    }
}

impl<K: Display> PageQuery<K> {
    /// The page, or 304 where the reader has it already.
    pub fn answer<T, R: Serialize + ToSchema>(self, page: ListPage<T>, key: impl Fn(&T) -> K, shape: impl FnMut(T) -> R) -> Response {
        let next_cursor = page.items.last().filter(|_| page.more).map(|last| wrap(&key(last)));
        let link =
            next_cursor.as_ref().map(|cursor| format!("<{}?{}limit={}&cursor={cursor}>; rel=\"next\"", self.path, self.others, self.limit));
        answered(&self.headers, &PageResponse { items: page.items.into_iter().map(shape).collect(), next_cursor }, link)
    }
}

/// A page of any shape with its tag and its link, or 304 where the reader has it already.
pub fn answered(asked: &HeaderMap, page: &impl Serialize, link: Option<String>) -> Response {
    let Ok(body) = serde_json::to_vec(page) else { return Problem::panicked().into_response() };
    let edition = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]);
    let mut response = if is_known(asked, &edition) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    };
    let headers = [(ETAG, Some(quoted(&edition))), (LINK, link)];
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?.parse().ok()?)));
    response.headers_mut().extend(headers);
    response
}

/// The same request for the next page: everything stays but the cursor, which is safe in a URL as it is.
pub fn next_link(uri: &Uri, cursor: &str) -> String {
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
}

pub fn wrap(key: &impl Display) -> String {
    URL_SAFE_NO_PAD.encode(key.to_string())
}

pub fn unwrap<K: FromStr>(cursor: &str) -> Option<K> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_in_the_same_words() {
        let uri = Uri::from_static("/issues/?label=a%26b&cursor=old&limit=2&q=x");
        assert_eq!(next_link(&uri, "new"), "</issues/?label=a%26b&limit=2&q=x&cursor=new>; rel=\"next\"");
    }

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        assert_eq!(unwrap(&wrap(&42_i64)), Some(42_i64));
        for bad in ["", "42", "!", "AA", &wrap(&"x")] {
            assert_eq!(unwrap::<i64>(bad), None, "{bad}");
        }
    }
}
