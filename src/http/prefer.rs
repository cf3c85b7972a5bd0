//! `Prefer` (RFC 7240): what a caller would like, and `Preference-Applied`: what it got.
//!
//! A preference never makes a request fail: what is not understood is passed over. To honour another one: its field here, and
//! its word in [`Preferences::tell`] only where it made the difference it asks for.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What the caller would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// How long the answer may take, in whole seconds.
    pub wait: Option<u32>,
    /// Rather an answer now than a complete one.
    pub respond_async: bool,
    pub handling: Option<UnknownKeyHandling>,
    began: Instant,
}

/// What to do with a key of the body that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKeyHandling {
    /// A fault.
    Strict,
    /// Passed over, as without any preference.
    Lenient,
}

impl Preferences {
    /// Of each preference the first one counts; later ones are ignored.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut found = Self { wait: None, respond_async: false, handling: None, began: Instant::now() };
        let (mut wait_seen, mut handling_seen) = (false, false);
        for line in headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok()) {
            for (name, value) in split(line, ',').map(preference) {
                match name.to_ascii_lowercase().as_str() {
                    "wait" if !std::mem::replace(&mut wait_seen, true) => found.wait = value.parse().ok(),
                    "handling" if !std::mem::replace(&mut handling_seen, true) => found.handling = handling(&value),
                    "respond-async" => found.respond_async = true,
                    _ => {}
                }
            }
        }
        found
    }

    /// How long to wait for what is not done at once; `None` where nothing was said of it.
    pub fn patience(&self) -> Option<Duration> {
        let wait = if self.respond_async { Some(0) } else { self.wait };
        wait.map(|wait| Duration::from_secs(u64::from(wait)).saturating_sub(self.began.elapsed()))
    }

    pub fn is_strict(&self) -> bool {
        self.handling == Some(UnknownKeyHandling::Strict)
    }

    /// Adds the honoured preferences to the response.
    ///
    /// `wait`: the answer is final and came in time. `handling`: always. `respond-async`: the answer leaves work for later (`done` is
    /// false), and did not wait for it.
    pub fn tell(&self, response: &mut Response, done: bool) {
        let wait = self.wait.filter(|wait| done && self.began.elapsed() <= Duration::from_secs(u64::from(*wait)));
        let later = (self.respond_async && !done).then(|| "respond-async".to_owned());
        let handling = self.handling.map(|handling| match handling {
            UnknownKeyHandling::Strict => "handling=strict",
            UnknownKeyHandling::Lenient => "handling=lenient",
        });
        let applied: Vec<String> =
            wait.map(|wait| format!("wait={wait}")).into_iter().chain(handling.map(str::to_owned)).chain(later).collect();
        if let Ok(value) = HeaderValue::try_from(applied.join(", "))
            && !value.is_empty()
        {
            response.headers_mut().insert(PREFERENCE_APPLIED, value);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Preferences {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

fn handling(value: &str) -> Option<UnknownKeyHandling> {
    match value.to_ascii_lowercase().as_str() {
        "strict" => Some(UnknownKeyHandling::Strict),
        "lenient" => Some(UnknownKeyHandling::Lenient),
        _ => None,
    }
}

/// `name [= value] *( ; parameter )`; no parameter means anything here.
fn preference(text: &str) -> (&str, String) {
    let head = split(text, ';').next().unwrap_or_default();
    let (name, value) = head.split_once('=').unwrap_or((head, ""));
    (name.trim(), unquoted(value.trim()))
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut escaped = false;
    inner
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

/// Splits at `mark`, except inside quotes.
fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let here = !quoted && c == mark;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        here
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> (Option<u32>, bool, Option<UnknownKeyHandling>) {
        let headers = lines.iter().map(|line| (PREFER, HeaderValue::from_str(line).unwrap())).collect();
        let found = Preferences::read(&headers);
        (found.wait, found.respond_async, found.handling)
    }

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        assert_eq!(read(&["respond-async, wait=100"]), (Some(100), true, None));
        assert_eq!(read(&["handling=lenient, wait=100, respond-async"]), (Some(100), true, Some(UnknownKeyHandling::Lenient)));
        assert_eq!(read(&["Wait = \"5\"; foo=bar", "HANDLING=Strict"]), (Some(5), false, Some(UnknownKeyHandling::Strict)));
        assert_eq!(read(&["foo; some-parameter, respond-async"]), (None, true, None));
        assert_eq!(read(&["foo=\"a, wait=3; \\\" respond-async\", wait=7"]), (Some(7), false, None), "quotes hide what is in them");
    }

    #[test]
    fn the_first_of_each_counts_and_nonsense_is_passed_over() {
        assert_eq!(read(&["wait=1, wait=2", "wait=3"]), (Some(1), false, None));
        assert_eq!(read(&["wait=soon, wait=2"]), (None, false, None));
        assert_eq!(read(&["handling=exact", ",,;=;,"]), (None, false, None));
        assert_eq!(read(&["wait=-1"]), (None, false, None));
    }

    #[test]
    fn only_honoured_preferences_are_answered() {
        let told = |line: &str| {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_str(line).unwrap())]);
            let mut response = Response::default();
            Preferences::read(&headers).tell(&mut response, true);
            response.headers().get(PREFERENCE_APPLIED).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told("wait=30, handling=strict").as_deref(), Some("wait=30, handling=strict"));
        assert_eq!(told("respond-async"), None);
        assert_eq!(told("wait=0"), None, "no answer takes no time at all");
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_trouble(line in "[ -~]{0,80}") {
            read(&[&line]);
        }
    }
}
