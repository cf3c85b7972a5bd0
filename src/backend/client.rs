//! The way to one tracker: where it is, through what, with which credential, and what its answers
//! mean before the tracker's own rules apply. It holds what every tracker would otherwise do for
//! itself.
//!
//! It knows no tracker. The tracker's `wire.rs` reads what is the vendor's own (its limit signals,
//! its error bodies) from the [`HttpAnswer`] that [`TrackerClient::send`] returns for any status.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::http::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use super::http::{Effect, HttpAnswer, HttpClient, HttpFailure, HttpRequest, Method};
use super::{BackendError, ErrorKind, Secret};
use crate::domain::base::text::is_dots;

/// How requests get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To the tracker itself, with its own scheme of credentials.
    Direct,
    /// Through the Nango proxy, which holds the tracker's credential: ours is for the proxy, and the tracker's own headers of
    /// identity are left out.
    Nango { base: String, connection_id: String, provider_config_key: String },
}

/// How a secret is shown to the tracker, when directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthScheme {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: WORD SECRET`.
    Word(&'static str),
    /// `Authorization: SECRET`.
    Bare,
    /// HTTP basic, the secret as the password.
    Basic { user: String },
    /// A header of its own.
    Header(&'static str),
    /// The tracker shows it by itself, with [`TrackerCall::header`] (tokens that are made from the secret).
    Own,
}

#[derive(Debug, Clone)]
pub struct LineOptions {
    pub http: HttpClient,
    /// Where the tracker is, without a slash at its end. Under it lie the paths of the calls, when directly.
    pub base: String,
    pub transport: Transport,
    pub secret: Secret,
    /// The time of this machine, to compare with the tracker's.
    pub now: fn() -> DateTime<Utc>,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct TrackerClient {
    http: HttpClient,
    base: String,
    transport: Transport,
    secret: Secret,
    scheme: AuthScheme,
    headers: HeaderMap,
    /// Milliseconds by which the other side's clock is ahead, by its last answer.
    ahead: Arc<AtomicI64>,
    now: fn() -> DateTime<Utc>,
}

/// One request about to be sent. Its method shows whether it writes, unless [`TrackerCall::reads`]
/// says otherwise (a GraphQL query).
#[derive(Debug, Clone)]
pub struct TrackerCall {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    effect: Effect,
}

impl TrackerClient {
    /// The scheme is the tracker's to say: see [`Self::with_scheme`].
    #[must_use]
    pub fn new(options: LineOptions) -> Self {
        let LineOptions { http, base, transport, secret, now } = options;
        Self { http, base, transport, secret, scheme: AuthScheme::Bearer, headers: HeaderMap::new(), ahead: Arc::default(), now }
    }

    #[must_use]
    pub fn with_scheme(mut self, scheme: AuthScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sent with every call: versions, media types.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Where the tracker is: for addresses that its answers do not hold.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    #[must_use]
    pub const fn is_direct(&self) -> bool {
        matches!(self.transport, Transport::Direct)
    }

    /// Sends it and returns every answer, whatever its status. The error for a missing answer
    /// depends on whether the request writes and whether it can have arrived.
    pub async fn send(&self, call: TrackerCall) -> Result<HttpAnswer, BackendError> {
        let effect = call.effect;
        let (secret, _) = self.secret.get();
        let request = self.request(call, secret.as_ref())?;
        let mut answer = self.http.send(request).await.map_err(|failure| lost(&failure, effect))?;
        answer.effect = effect;
        if let Some(ahead) = ahead(&answer, self.now()) {
            self.ahead.store(ahead.num_milliseconds(), Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// The time of this machine.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// How far the tracker's clock is ahead of ours; zero until an answer contained its time.
    #[must_use]
    pub fn clock_ahead(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// Where a redirect that was not followed leads, as a path for a [`TrackerCall`]. Only within the same server.
    #[must_use]
    pub fn leads_to(&self, answer: &HttpAnswer) -> Option<String> {
        if !(300..400).contains(&answer.status) || answer.status == 304 {
            return None;
        }
        let to = answer.headers.get(LOCATION)?.to_str().ok()?;
        let path = to.strip_prefix(&self.base).unwrap_or(to);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        (path.starts_with('/') && !path.starts_with("//")).then(|| path.to_owned())
    }

    fn request(&self, call: TrackerCall, secret: Option<&SecretString>) -> Result<HttpRequest, BackendError> {
        let mut headers = self.headers.clone();
        headers.extend(call.headers);
        let base = match &self.transport {
            Transport::Direct => {
                if let Some((name, value)) = self.shown(secret)? {
                    headers.insert(name, value);
                }
                self.base.clone()
            }
            Transport::Nango { base, connection_id, provider_config_key } => {
                headers.remove(AUTHORIZATION);
                if let Some(secret) = secret {
                    headers.insert(AUTHORIZATION, value(&format!("Bearer {}", secret.expose_secret()))?);
                }
                headers.insert(HeaderName::from_static("connection-id"), value(connection_id)?);
                headers.insert(HeaderName::from_static("provider-config-key"), value(provider_config_key)?);
                format!("{base}/proxy")
            }
        };
        Ok(HttpRequest { method: call.method, url: format!("{base}{}", call.path), query: call.query, headers, body: call.body })
    }

    fn shown(&self, secret: Option<&SecretString>) -> Result<Option<(HeaderName, HeaderValue)>, BackendError> {
        let Some(secret) = secret.map(SecretString::expose_secret) else { return Ok(None) };
        Ok(Some(match &self.scheme {
            AuthScheme::Bearer => (AUTHORIZATION, value(&format!("Bearer {secret}"))?),
            AuthScheme::Word(word) => (AUTHORIZATION, value(&format!("{word} {secret}"))?),
            AuthScheme::Bare => (AUTHORIZATION, value(secret)?),
            AuthScheme::Basic { user } => (AUTHORIZATION, value(&format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))))?),
            AuthScheme::Header(name) => (HeaderName::from_static(name), value(secret)?),
            AuthScheme::Own => return Ok(None),
        }))
    }
}

/// By the `Date` of an answer, which is no finer than a second: less than that is nothing.
fn ahead(answer: &HttpAnswer, now: DateTime<Utc>) -> Option<TimeDelta> {
    let theirs = DateTime::parse_from_rfc2822(answer.headers.get(DATE)?.to_str().ok()?).ok()?.to_utc() + TimeDelta::milliseconds(500);
    let ahead = theirs - now;
    Some(if ahead.abs() < TimeDelta::seconds(1) { TimeDelta::zero() } else { ahead })
}

/// Never logged: marked as sensitive.
fn value(text: &str) -> Result<HeaderValue, BackendError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| BackendError::new(ErrorKind::Paused, "the secret (or the connection's name) cannot be sent in a header: mend it"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn lost(failure: &HttpFailure, effect: Effect) -> BackendError {
    let trouble = if effect == Effect::Writes && failure.may_have_arrived { ErrorKind::Unknown } else { ErrorKind::Retry { after: None } };
    BackendError::new(trouble, failure.to_string())
}

impl TrackerCall {
    fn new(method: Method, path: impl Into<String>) -> Self {
        let effect = if method == Method::GET { Effect::Reads } else { Effect::Writes };
        Self { method, path: path.into(), query: Vec::new(), headers: HeaderMap::new(), body: None, effect }
    }

    /// `path` begins with a slash; its parts are escaped with [`segment`].
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Shown by the tracker itself; left out where the proxy shows its own. The value is never logged.
    #[must_use]
    pub fn header(mut self, name: HeaderName, text: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(text) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// To be answered with 304 where nothing is otherwise than what was called so.
    #[must_use]
    pub fn unless(self, etag: Option<&str>) -> Self {
        match etag {
            Some(etag) => self.header(super::http::header::IF_NONE_MATCH, etag),
            None => self,
        }
    }

    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        self.json_as("application/json", body)
    }

    /// JSON under another name, such as `application/json-patch+json`.
    #[must_use]
    pub fn json_as(mut self, media_type: &'static str, body: &impl Serialize) -> Self {
        self.headers.insert(super::http::header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        // Wire types are plain structs with text keys: there is nothing in them that JSON cannot say.
        self.body = serde_json::to_vec(body).ok();
        self
    }

    /// A POST that changes nothing.
    #[must_use]
    pub const fn reads(mut self) -> Self {
        self.effect = Effect::Reads;
        self
    }
}

/// One part of a path, escaped, slashes too: a repository called `a/b` stays one part.
#[must_use]
pub fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            _ = write!(escaped, "%{byte:02X}");
        }
    }
    // URL parsers resolve dots also where they are escaped once. Escaped twice they are a name that no project has.
    if is_dots(&escaped) { escaped.replace('.', "%252E") } else { escaped }
}

/// What an answer's status means where the vendor says nothing else. For a tracker's `wire.rs`,
/// after its own signals.
///
/// `None`: it is a success.
#[must_use]
pub fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    let after = answer.retry_after;
    let trouble = match answer.status {
        200..=299 => return None,
        401 => ErrorKind::Paused,
        429 => ErrorKind::Limited { after: after.unwrap_or(std::time::Duration::from_mins(1)) },
        // Not done, and it says so.
        503 if after.is_some() => ErrorKind::Retry { after },
        // Some gateway gave up: what is behind it may go on. Only a write can have done something.
        500..=599 if answer.effect == Effect::Writes => ErrorKind::Unknown,
        408 | 425 | 500..=599 => ErrorKind::Retry { after },
        // A wrong address, a missing permission, a project that is not there: an operator fixes it.
        300..=399 | 403..=405 | 407 | 410 | 423 => ErrorKind::Denied,
        _ => ErrorKind::Fail,
    };
    let hint = match answer.status {
        300..=399 => " (a redirect to another address; check base_url)",
        401 => " (the credential was refused; check the token)",
        403 => " (the credential may not do this)",
        404 => " (not there, or not to be seen with this credential)",
        _ => "",
    };
    Some(BackendError::new(trouble, format!("answered {}{hint}: {}", answer.status, answer.excerpt())))
}

/// Reads a whole JSON answer. One that broke off or makes no sense is lost, for a write, and to be read again, for a read.
pub fn read_json<T: DeserializeOwned>(answer: &HttpAnswer, what: &str) -> Result<T, BackendError> {
    let read = if answer.truncated {
        Err("it is too long".to_owned())
    } else {
        serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
    };
    read.map_err(|why| {
        if answer.effect == Effect::Writes {
            BackendError::new(ErrorKind::Unknown, format!("the answer about {what} cannot be read: {why}"))
        } else {
            BackendError::unreadable(what, why)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_clock_is_read_to_the_second_and_less_is_nothing() {
        let now: DateTime<Utc> = "2026-11-21T04:00:00.700Z".parse().unwrap();
        let told = |date: &str| {
            let headers = [(DATE, date.parse().unwrap())].into_iter().collect();
            ahead(&HttpAnswer { headers, ..HttpAnswer::default() }, now)
        };
        assert_eq!(told("Sat, 21 Nov 2026 04:00:00 GMT"), Some(TimeDelta::zero()));
        assert_eq!(told("Sat, 21 Nov 2026 04:05:00 GMT"), Some(TimeDelta::milliseconds(299_800)));
        assert_eq!(told("Sat, 21 Nov 2026 03:59:00 GMT"), Some(TimeDelta::milliseconds(-60_200)));
        assert_eq!((told("soon"), ahead(&HttpAnswer::default(), now)), (None, None));
    }

    #[test]
    fn a_redirect_is_followed_within_the_server_only() {
        let limits = super::super::http::HttpLimits {
            connect: std::time::Duration::ZERO,
            read: std::time::Duration::ZERO,
            total: std::time::Duration::ZERO,
            body: 0,
            idle: 0,
        };
        let http = HttpClient::new(limits).unwrap();
        let base = "https://ghe.example.org/api/v3".to_owned();
        let line = TrackerClient::new(LineOptions {
            http,
            base,
            transport: Transport::Direct,
            secret: Secret::new(None),
            now: || DateTime::UNIX_EPOCH,
        });
        let leads = |status, to: &str| {
            let headers = [(LOCATION, to.parse().unwrap())].into_iter().collect();
            line.leads_to(&HttpAnswer { status, headers, ..HttpAnswer::default() })
        };
        let path = Some("/repositories/7/issues/3".to_owned());
        assert_eq!(leads(301, "https://ghe.example.org/api/v3/repositories/7/issues/3?x=1"), path);
        assert_eq!(leads(302, "/repositories/7/issues/3"), path);
        for (status, to) in [(301, "https://evil.example/x"), (301, "//evil.example/x"), (304, "/x"), (200, "/x"), (301, "x")] {
            assert_eq!(leads(status, to), None, "{status} {to}");
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(segment("activity-core"), "activity-core");
        assert_eq!(segment("a/b ü"), "a%2Fb%20%C3%BC");
        for dots in [".", ".."] {
            let url = format!("http://tracker.test/repos/{}/issues", segment(dots));
            let sent = reqwest::Url::parse(&url).unwrap();
            assert_eq!(sent.path_segments().unwrap().count(), 3, "{sent} left its folder");
        }
        assert_eq!((segment("."), segment(".."), segment("..a")), ("%252E".to_owned(), "%252E%252E".to_owned(), "..a".to_owned()));
    }
}
