//! The one connection to NATS: made in the background, repaired for ever, and each of its failures
//! logged once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ClientError, ConnectOptions, Event, ServerAddr, ServerError};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::config::NatsSettings;

/// Commands that may wait for the connection; more wait in front of it.
const BUFFER: usize = 1024;
/// Refused permissions that are remembered: each is logged once.
const MOST_REFUSALS: usize = 100;

/// Why there is no link at all: the settings name something that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("{setting}: cannot read {path}: {reason}")]
    File { setting: &'static str, path: String, reason: std::io::Error },
    #[error("nats.credentials_file: {path} is not a credentials file: {reason}")]
    Credentials { path: String, reason: std::io::Error },
    #[error("nats.url: {0}")]
    Address(String),
}

/// Whether the connection stands, and how often it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkPulse {
    pub up: bool,
    pub made: u64,
}

/// A connection that stands or is being made. Cheap to clone.
#[derive(Clone)]
pub struct NatsLink {
    pub(super) client: Client,
    jetstream: jetstream::Context,
    pulse: watch::Receiver<LinkPulse>,
    refusals: Arc<Mutex<BTreeSet<String>>>,
}

impl NatsLink {
    /// Answers at once: the connection is made in the background.
    pub async fn open(settings: &NatsSettings) -> Result<Self, LinkError> {
        let servers = servers(settings)?;
        let place = servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect::<Vec<_>>().join(", ");
        let (pulse, watched) = watch::channel(LinkPulse::default());
        let refusals = Arc::new(Mutex::new(BTreeSet::new()));
        let encrypted = settings.tls_ca_file.is_some() || servers.iter().any(|server| server.scheme() == "tls");
        let news = ClientEvents { place, encrypted, pulse, refusals: refusals.clone(), told: Mutex::default() };
        let options = login(from_url(&servers), settings)?
            .name("issue-core")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .client_capacity(BUFFER)
            .request_timeout(Some(settings.timeout))
            .connection_timeout(settings.timeout)
            .reconnect_delay_callback(delay)
            .event_callback(move |event| {
                news.hear(event);
                std::future::ready(())
            });
        let client = options.connect(servers).await.map_err(|error| LinkError::Address(error.to_string()))?;
        let jetstream = ContextBuilder::new().timeout(settings.timeout).build(client.clone());
        Ok(Self { client, jetstream, pulse: watched, refusals })
    }

    /// For the sink, which shares the connection.
    #[must_use]
    pub fn jetstream(&self) -> jetstream::Context {
        self.jetstream.clone()
    }

    #[must_use]
    pub fn pulse(&self) -> watch::Receiver<LinkPulse> {
        self.pulse.clone()
    }

    /// Waits until the connection stands.
    pub async fn connected(&self) {
        // The sender lives as long as the client, which this holds.
        _ = self.pulse().wait_for(|pulse| pulse.up).await;
    }

    /// Whether the server refused a permission for this subject.
    pub(super) fn refused(&self, subject: &str) -> bool {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).contains(subject)
    }
}

fn servers(settings: &NatsSettings) -> Result<Vec<ServerAddr>, LinkError> {
    let urls = settings.url.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    // The parser's message could repeat the URL, and with it a password.
    let parse = |url: &str| url.trim().parse().map_err(|_| LinkError::Address("one of the servers is not a URL".to_owned()));
    urls.split(',').map(parse).collect()
}

/// The user and password of the first URL; the client itself reads only its options. A name alone
/// is a token.
fn from_url(servers: &[ServerAddr]) -> ConnectOptions {
    let options = ConnectOptions::new();
    let named = servers.iter().find_map(|server| Some((server.username()?, server.password())));
    match named {
        None => options,
        Some((token, None)) => options.token(decoded(token)),
        Some((user, Some(password))) => options.user_and_password(decoded(user), decoded(password)),
    }
}

/// A part of a URL without its `%xx`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn login(mut options: ConnectOptions, settings: &NatsSettings) -> Result<ConnectOptions, LinkError> {
    if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
        options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
    }
    if let Some(token) = &settings.token {
        options = options.token(token.expose_secret().to_owned());
    }
    if let Some(path) = &settings.credentials_file {
        let text = read("nats.credentials_file", path)?;
        options = options.credentials(&text).map_err(|reason| LinkError::Credentials { path: path.display().to_string(), reason })?;
    }
    if let Some(path) = &settings.tls_ca_file {
        read("nats.tls_ca_file", path)?;
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(certificate), Some(key)) = (&settings.tls_cert_file, &settings.tls_key_file) {
        read("nats.tls_cert_file", certificate)?;
        read("nats.tls_key_file", key)?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options)
}

/// The client reads some of these files itself, but only when it connects: a wrong path is better
/// reported at the start.
fn read(setting: &'static str, path: &Path) -> Result<String, LinkError> {
    std::fs::read_to_string(path).map_err(|reason| LinkError::File { setting, path: path.display().to_string(), reason })
}

/// At once, then doubled up to four seconds.
fn delay(attempt: usize) -> Duration {
    const LONGEST: u64 = 4_000;
    let doublings = u32::try_from(attempt.saturating_sub(2)).unwrap_or(u32::MAX).min(10);
    if attempt < 2 { Duration::ZERO } else { Duration::from_millis((50 << doublings).min(LONGEST)) }
}

/// Receives the client's events and logs the important ones, once.
struct ClientEvents {
    place: String,
    encrypted: bool,
    pulse: watch::Sender<LinkPulse>,
    refusals: Arc<Mutex<BTreeSet<String>>>,
    /// Logged since the connection last stood; not logged again before it stands.
    told: Mutex<BTreeSet<String>>,
}

impl ClientEvents {
    fn hear(&self, event: Event) {
        match event {
            Event::Connected => {
                self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.pulse.send_modify(|pulse| *pulse = LinkPulse { up: true, made: pulse.made + 1 });
                tracing::info!(nats.server = %self.place, "connected to NATS");
            }
            Event::Disconnected => {
                self.pulse.send_modify(|pulse| pulse.up = false);
                self.tell("the connection was lost");
            }
            Event::ServerError(ServerError::AuthorizationViolation) => self.tell("authorization violation"),
            Event::ServerError(ServerError::SlowConsumer(_)) | Event::SlowConsumer(_) => {
                tracing::warn!("NATS: messages came too fast; some will come again");
            }
            Event::ServerError(ServerError::Other(text)) => self.server_error(&text),
            Event::ClientError(ClientError::Other(text)) => self.tell(&text),
            Event::ClientError(error @ (ClientError::MaxReconnects | ClientError::ServerNotInPool)) => self.tell(&error.to_string()),
            Event::LameDuckMode => tracing::info!("the NATS server is about to shut down"),
            Event::Draining | Event::Closed => {}
        }
    }

    fn tell(&self, trouble: &str) {
        if !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(trouble.to_owned()) {
            return;
        }
        let advice = match trouble {
            "authorization violation" => "it refuses our login: check nats.user and nats.password, nats.token or nats.credentials_file",
            // The client says no more of a handshake that failed.
            "IO error" if self.encrypted => {
                "nothing is lost: events wait in the store, tasks in their stream; if it should be there, one of us may not accept the \
                 other's certificate: check nats.tls_ca_file, nats.tls_cert_file and the names in the server's"
            }
            _ => "nothing is lost: events wait in the store, tasks in their stream",
        };
        tracing::warn!(nats.server = %self.place, reason = trouble, "no connection to NATS, trying on in the background; {advice}");
    }

    fn server_error(&self, text: &str) {
        let Some(refusal) = PermissionRefusal::parse(text) else { return tracing::warn!(reason = text, "NATS reports an error") };
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() < MOST_REFUSALS && refusals.insert(refusal.subject.to_owned()) {
            tracing::warn!(nats.subject = refusal.subject, "{}", refusal.advice());
        }
    }
}

/// A permission that our user lacks, as the server's error line names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PermissionRefusal<'a> {
    verb: &'static str,
    subject: &'a str,
}

impl<'a> PermissionRefusal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (before, rest) = text.split_once(" to \"")?;
        let verb = match before.to_ascii_lowercase().as_str() {
            "permissions violation for publish" => "publish",
            "permissions violation for subscription" => "subscribe",
            _ => return None,
        };
        Some(Self { verb, subject: rest.split('"').next()? })
    }

    fn advice(&self) -> String {
        let Self { verb, subject } = self;
        format!(
            "NATS does not let our user {verb} to {subject:?}, which is needed to {}: add {:?} to the {verb} permissions of that user{}",
            purpose(subject),
            grant(subject),
            instead(subject)
        )
    }
}

/// What a subject of ours is for.
fn purpose(subject: &str) -> &'static str {
    let is = |prefix: &str| subject.starts_with(prefix);
    if is("$JS.API.STREAM.INFO.") {
        "read a stream's settings"
    } else if is("$JS.API.STREAM.CREATE.") {
        "create a stream"
    } else if is("$JS.API.CONSUMER.INFO.") {
        "read a consumer's settings"
    } else if is("$JS.API.CONSUMER.CREATE.") {
        "create a consumer"
    } else if is("$JS.API.CONSUMER.MSG.NEXT.") {
        "fetch tasks"
    } else if is("$JS.ACK.") {
        "acknowledge tasks"
    } else if is("_INBOX.") {
        "receive or send answers"
    } else {
        "publish a message of ours"
    }
}

/// The permission to ask for: not one message's own subject where there are many of them.
fn grant(subject: &str) -> String {
    let tokens: Vec<_> = subject.split('.').collect();
    match tokens.as_slice() {
        ["$JS", "ACK", stream, consumer, ..] => format!("$JS.ACK.{stream}.{consumer}.>"),
        ["_INBOX", ..] => "_INBOX.>".to_owned(),
        _ => subject.to_owned(),
    }
}

fn instead(subject: &str) -> &'static str {
    let creates = ["$JS.API.STREAM.CREATE.", "$JS.API.CONSUMER.CREATE."].iter().any(|prefix| subject.starts_with(prefix));
    if creates { "; or create it yourself and set nats.create_streams = false" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_permission_is_reported_with_what_to_do() {
        let advice = |text: &str| PermissionRefusal::parse(text).map(|refusal| refusal.advice());
        assert_eq!(
            advice("Permissions Violation for Publish to \"$JS.API.STREAM.CREATE.TASKS\"").unwrap(),
            "NATS does not let our user publish to \"$JS.API.STREAM.CREATE.TASKS\", which is needed to create a stream: add \
             \"$JS.API.STREAM.CREATE.TASKS\" to the publish permissions of that user; or create it yourself and set nats.create_streams = false"
        );
        assert!(
            advice("Permissions Violation for Publish to \"$JS.ACK.TASKS.issue-core.1.2.3.4.5\"")
                .unwrap()
                .contains("add \"$JS.ACK.TASKS.issue-core.>\"")
        );
        assert!(advice("Permissions Violation for Subscription to \"_INBOX.abc\"").unwrap().contains("add \"_INBOX.>\" to the subscribe"));
        assert!(
            advice("Permissions Violation for Publish to \"org.issuecore.task.created\"").unwrap().contains("publish a message of ours")
        );
        assert_eq!(advice("Stale Connection"), None);
    }

    #[test]
    fn a_login_in_a_url_is_read_as_it_was_meant() {
        for (text, expected) in [("plain", "plain"), ("p%40ss%2Fw%3D", "p@ss/w="), ("50%", "50%"), ("%zz%c3%a9", "%zzé")] {
            assert_eq!(decoded(text), expected);
        }
    }

    #[test]
    fn reconnecting_starts_at_once_and_slows_down_to_four_seconds() {
        let delays: Vec<_> = [0, 1, 2, 3, 4, 8, 9, 1000, usize::MAX].map(delay).iter().map(Duration::as_millis).collect();
        assert_eq!(delays, [0, 0, 50, 100, 200, 3200, 4000, 4000, 4000]);
    }
}
