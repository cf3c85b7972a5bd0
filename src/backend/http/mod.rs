//! The one HTTP client of the house, with its limits: how long to connect, to wait for the next byte, and in all; how much
//! of an answer is read; and where a redirect may lead.
//!
//! It knows nothing of the target. The caller interprets the answer; only a missing answer is an
//! error.

mod span;

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode};
pub use reqwest::{Method, header};
use serde::Serialize;
use tracing::Instrument as _;

/// What one client may spend on one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    pub connect: Duration,
    /// The longest pause between two pieces of the answer.
    pub read: Duration,
    pub total: Duration,
    /// Bytes of an answer that are read; the rest is left.
    pub body: usize,
    /// Connections kept open to one host.
    pub idle: usize,
}

/// No client, or no answer, and why; safe to keep and to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(String);

/// No whole answer, and whether the request can have done something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct HttpFailure {
    pub reason: String,
    /// `false`: there was no connection, so nothing was sent.
    pub may_have_arrived: bool,
}

/// One request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
}

/// The target's answer, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// There was more of it than is read.
    pub truncated: bool,
    /// What the request was for: it decides what an unreadable answer means.
    pub effect: Effect,
}

/// The longest wait that another system may ask for. A broken answer could ask for a year.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What a request does in the tracker. A lost or unreadable answer to a write may mean that it was done
/// ([`ErrorKind::Unknown`](super::ErrorKind::Unknown)); to a read it is a reason to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effect {
    #[default]
    Reads,
    Writes,
}

/// Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client,
    limits: HttpLimits,
}

const USER_AGENT: &str = concat!("issue-core/", env!("CARGO_PKG_VERSION"));

impl HttpClient {
    pub fn new(limits: HttpLimits) -> Result<Self, HttpError> {
        #[expect(clippy::disallowed_methods, reason = "the one client of the house")]
        let builder = Client::builder();
        let client = builder
            .user_agent(USER_AGENT)
            .connect_timeout(limits.connect)
            .read_timeout(limits.read)
            .timeout(limits.total)
            .pool_max_idle_per_host(limits.idle)
            .redirect(Policy::custom(redirect))
            .build()
            .map_err(|error| failure(&error))?;
        Ok(Self { client, limits })
    }

    /// Sends a JSON document, and reads what comes back.
    pub async fn post_json(&self, url: &str, headers: &HeaderMap, body: &impl Serialize) -> Result<HttpAnswer, HttpError> {
        let body = serde_json::to_vec(body).map_err(|error| HttpError(format!("cannot be written as JSON: {error}")))?;
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let request = HttpRequest { method: Method::POST, url: url.to_owned(), query: Vec::new(), headers, body: Some(body) };
        self.send(request).await.map_err(|failure| HttpError(failure.reason))
    }

    /// Sends it once, and reads what comes back, up to the limit.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let span = span::call(&request.method, &request.url);
        let answer = self.exchange(request).instrument(span.clone()).await;
        span::ended(&span, answer.as_ref().ok());
        answer
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let HttpRequest { method, url, query, headers, body } = request;
        let mut building = self.client.request(method, with_query(&url, &query)).headers(headers);
        if let Some(body) = body {
            building = building.body(body);
        }
        let mut response = building.send().await.map_err(|error| lost(&error))?;
        let (status, retry_after, headers) = (response.status().as_u16(), retry_after(response.headers()), response.headers().clone());
        let (mut body, mut truncated) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
            let room = self.limits.body - body.len();
            truncated = chunk.len() > room;
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if truncated {
                break;
            }
        }
        Ok(HttpAnswer { status, retry_after, headers, body, truncated, effect: Effect::Reads })
    }
}

/// The address with its query escaped.
fn with_query(url: &str, query: &[(String, String)]) -> String {
    use std::fmt::Write as _;
    let mut full = url.to_owned();
    for (n, (name, value)) in query.iter().enumerate() {
        full.push(if n == 0 { '?' } else { '&' });
        for (part, end) in [(name, "="), (value, "")] {
            for byte in part.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    full.push(char::from(byte));
                } else {
                    _ = write!(full, "%{byte:02X}");
                }
            }
            full.push_str(end);
        }
    }
    full
}

fn lost(error: &reqwest::Error) -> HttpFailure {
    // A request that could not even be built was not sent either.
    HttpFailure { reason: failure(error).0, may_have_arrived: !error.is_connect() && !error.is_builder() }
}

impl HttpAnswer {
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// The beginning of the answer on one line, for an operator.
    #[must_use]
    pub fn excerpt(&self) -> String {
        const MOST: usize = 300;
        let text = String::from_utf8_lossy(&self.body);
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().filter(|c| !c.is_control()).take(MOST).collect()
    }
}

/// Only within the same origin, and only where method and body stay as they are: a POST that quietly becomes a GET would
/// be taken for a success, and a credential must not travel to another host.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    const MOST: usize = 5;
    let keeps_method = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&attempt.status());
    let same_origin = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= MOST { attempt.follow() } else { attempt.stop() }
}

/// The failure as text, without the URL, which the caller knows and which may hold a secret.
fn failure(error: &reqwest::Error) -> HttpError {
    let what = if error.is_connect() {
        "cannot connect"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection failed"
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    HttpError(cause.map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}")))
}

/// Seconds, or a date, which is read by the other side's own clock. At most [`LONGEST_WAIT`].
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    wished_wait(headers).map(|wait| wait.min(LONGEST_WAIT))
}

fn wished_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
    let wait = date(text)? - date(headers.get(DATE)?.to_str().ok()?)?;
    Some(wait.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_other_sides_clock() {
        let wait = |pairs: &[(header::HeaderName, &str)]| {
            retry_after(&pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect())
        };
        assert_eq!(wait(&[(RETRY_AFTER, "120")]), Some(Duration::from_mins(2)));
        let now = (DATE, "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(wait(&[now.clone(), (RETRY_AFTER, "Wed, 21 Oct 2015 07:28:30 GMT")]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[now, (RETRY_AFTER, "Wed, 21 Oct 2015 07:00:00 GMT")]), Some(Duration::ZERO));
        for endless in ["31536000", "18446744073709551615"] {
            assert_eq!(wait(&[(RETRY_AFTER, endless)]), Some(LONGEST_WAIT), "{endless:?}");
        }
        for bad in ["", "-1", "soon", "99999999999999999999"] {
            assert_eq!(wait(&[(RETRY_AFTER, bad)]), None, "{bad:?}");
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let answer = HttpAnswer {
            status: 400,
            retry_after: None,
            headers: HeaderMap::new(),
            truncated: false,
            body: format!("a\n\tb\u{1b}{}", "x".repeat(1000)).into_bytes(),
            effect: Effect::Reads,
        };
        assert!(answer.excerpt().starts_with("a bx") && answer.excerpt().len() == 300);
    }
}
