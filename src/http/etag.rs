//! Entity tags and the conditions built on them (RFC 9110, section 13): `If-Match` guards a change, `If-None-Match` spares a
//! transfer. A tag is the edition of what it names, in quotes; all of ours are strong.

use axum::Json;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;

use super::schema;
use crate::app::ExpectedVersion;
use crate::domain::Faults;

/// How `If-Match` is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct IfMatchParam {
    /// Change it only if it still has this `ETag`; otherwise the answer is 412 and nothing happens
    #[param(rename = "If-Match", value_type = Option<schema::EntityTags>, example = "\"3\"")]
    if_match: Option<String>,
}

/// How `If-None-Match` is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct IfNoneMatchParam {
    /// Send it only if its `ETag` is another one by now; otherwise the answer is 304 without a body
    #[param(rename = "If-None-Match", value_type = String, required = false, example = "\"3\"")]
    if_none_match: Option<String>,
}

/// How [`only_new`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct OnlyNewParam {
    /// `*`: only if there is none of that name; otherwise the answer is 412 and nothing happens
    #[param(rename = "If-None-Match", value_type = Option<schema::Star>, example = "*")]
    if_none_match: Option<String>,
}

/// The edition as a strong tag.
pub fn quoted(edition: &str) -> String {
    format!("\"{edition}\"")
}

/// What `If-Match` asks for; `None` without the header.
pub fn if_match(headers: &HeaderMap) -> Result<Option<ExpectedVersion>, Faults> {
    let Some(text) = joined(headers, &IF_MATCH) else { return Ok(None) };
    if text.trim() == "*" {
        return Ok(Some(ExpectedVersion::Any));
    }
    let tags = tags(&text).ok_or_else(|| {
        let message = "must be an ETag with its quotes, as in If-Match: \"3\", a list of them, or *";
        Faults::one("If-Match", "invalid_header", message)
    })?;
    // The comparison is the strong one: a weak tag promises too little to overwrite anything.
    Ok(Some(ExpectedVersion::OneOf(tags.into_iter().filter(|tag| !tag.weak).map(|tag| tag.edition).collect())))
}

/// Whether `If-None-Match` lets only something new be made; anything but `*` means nothing to a change.
pub fn only_new(headers: &HeaderMap) -> Result<bool, Faults> {
    match joined(headers, &IF_NONE_MATCH).as_deref().map(str::trim) {
        None => Ok(false),
        Some("*") => Ok(true),
        Some(_) => Err(Faults::one("If-None-Match", "invalid_header", "must be * here: only if there is none of that name")),
    }
}

/// The body with its tag, or 304 where the reader has it already.
pub fn unless_known<T: Serialize>(headers: &HeaderMap, edition: &str, body: impl FnOnce() -> T) -> Response {
    let tag = [(ETAG, quoted(edition))];
    if is_known(headers, edition) { (StatusCode::NOT_MODIFIED, tag).into_response() } else { (tag, Json(body())).into_response() }
}

/// A condition that cannot be read spares nothing and harms nothing.
pub fn is_known(headers: &HeaderMap, edition: &str) -> bool {
    let Some(text) = joined(headers, &IF_NONE_MATCH) else { return false };
    text.trim() == "*" || tags(&text).is_some_and(|tags| tags.iter().any(|tag| tag.edition == edition))
}

/// All lines of the header as one list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

#[derive(Debug, PartialEq, Eq)]
struct EntityTag {
    weak: bool,
    edition: String,
}

/// A list of at least one tag; a comma may stand inside the quotes.
fn tags(text: &str) -> Option<Vec<EntityTag>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    loop {
        let weak = rest.starts_with("W/");
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (edition, behind) = quoted.split_once('"')?;
        tags.push(EntityTag { weak, edition: edition.to_owned() });
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn if_match_takes_strong_tags_only_and_refuses_what_is_no_tag() {
        let read = |lines: &[&str]| if_match(&headers(&IF_MATCH, lines));
        let one_of = |tags: &[&str]| Ok(Some(ExpectedVersion::OneOf(tags.iter().map(|&tag| tag.to_owned()).collect())));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[" * "]), Ok(Some(ExpectedVersion::Any)));
        assert_eq!(read(&["\"3\""]), one_of(&["3"]));
        assert_eq!(read(&["\"3\" , W/\"4\"", "\"a,b\""]), one_of(&["3", "a,b"]));
        assert_eq!(read(&["W/\"3\""]), one_of(&[]), "matches nothing");
        for bad in ["", "3", "\"3", "\"3\" \"4\"", "\"3\",", "'3'"] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_is_ignored_when_it_cannot_be_read() {
        let known = |line: &str| is_known(&headers(&IF_NONE_MATCH, &[line]), "3");
        assert!(known("\"3\"") && known("W/\"3\"") && known("\"2\", \"3\"") && known("*"));
        assert!(!known("\"33\"") && !known("3") && !known(""));
    }
}
