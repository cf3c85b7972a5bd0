//! The settings of NATS: one connection, what is published over it, what is consumed.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{duration, unset, unset_secret};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsSettings {
    #[serde(deserialize_with = "unset_secret")]
    pub url: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub user: Option<String>,
    #[serde(deserialize_with = "unset_secret")]
    pub password: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub password_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset_secret")]
    pub token: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub token_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset")]
    pub credentials_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset")]
    pub tls_ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset")]
    pub tls_cert_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset")]
    pub tls_key_file: Option<PathBuf>,
    #[serde(with = "duration")]
    pub timeout: Duration,
    pub publish: bool,
    pub consume: bool,
    pub create_streams: bool,
    pub replicas: usize,
    #[serde(with = "duration")]
    pub max_age: Duration,
    #[serde(with = "duration")]
    pub duplicate_window: Duration,
    pub events_stream: String,
    pub events_prefix: String,
    pub tasks_stream: String,
    pub tasks_prefix: String,
    pub consumer: String,
    pub repos: Vec<String>,
    #[serde(deserialize_with = "unset")]
    pub caller: Option<String>,
    pub concurrency: usize,
    #[serde(with = "duration")]
    pub ack_wait: Duration,
    pub max_deliver: u32,
    #[serde(with = "duration")]
    pub retry_delay: Duration,
    #[serde(with = "duration")]
    pub retry_delay_max: Duration,
    pub reply_prefix: String,
}

/// The most a consumer's acknowledgement may be waited for, and the longest a stream may remember message ids.
const DAY: Duration = Duration::from_hours(24);

impl NatsSettings {
    /// What the types alone cannot say: each setting, whether it holds, and the message when it does not.
    pub(super) fn checks(&self) -> Vec<(&'static str, bool, &'static str)> {
        const PREFIX: &str = "must be subject tokens of lower-case letters, digits and '_', joined by dots, like \"act.tasks\"";
        const NAME: &str = "must be letters, digits, '-' and '_' only, at most 100 of them";
        vec![
            ("nats.url", self.url_is_known(), "must begin with nats:// or tls://; several servers are joined by commas"),
            ("nats.password", self.password.is_none() || self.user.is_some(), "needs nats.user"),
            ("nats.user", self.user.is_none() || self.password.is_some(), "needs nats.password or nats.password_file"),
            ("nats.credentials_file", self.ways_in() <= 1, "give one of nats.user, nats.token and nats.credentials_file"),
            ("nats.tls_key_file", self.tls_cert_file.is_some() == self.tls_key_file.is_some(), "goes together with nats.tls_cert_file"),
            ("nats.timeout", !self.timeout.is_zero(), "must be longer than 0s"),
            ("nats.replicas", (1..=5).contains(&self.replicas), "must be from 1 to 5"),
            ("nats.max_age", self.max_age >= self.duplicate_window, "must not be shorter than nats.duplicate_window"),
            ("nats.duplicate_window", in_range(self.duplicate_window, Duration::from_mins(2), 7 * DAY), "must be from 2m to 7d"),
            ("nats.events_stream", is_name(&self.events_stream), NAME),
            ("nats.tasks_stream", is_name(&self.tasks_stream), NAME),
            ("nats.tasks_stream", self.tasks_stream != self.events_stream, "must differ from nats.events_stream"),
            ("nats.consumer", is_name(&self.consumer), NAME),
            ("nats.events_prefix", is_prefix(&self.events_prefix), PREFIX),
            ("nats.tasks_prefix", is_prefix(&self.tasks_prefix), PREFIX),
            ("nats.tasks_prefix", self.prefixes_are_apart(), "must not overlap nats.events_prefix"),
            ("nats.repos", self.repos.iter().all(|repo| is_repo(repo)), "must be bare repository names, like \"activity-core\""),
            ("nats.concurrency", (1..=1000).contains(&self.concurrency), "must be from 1 to 1000"),
            ("nats.ack_wait", in_range(self.ack_wait, Duration::from_secs(1), DAY), "must be from 1s to 1d"),
            ("nats.max_deliver", (1..=1000).contains(&self.max_deliver), "must be from 1 to 1000"),
            ("nats.retry_delay", !self.retry_delay.is_zero(), "must be longer than 0s"),
            ("nats.retry_delay_max", self.retry_delay_max >= self.retry_delay, "must not be shorter than nats.retry_delay"),
            ("nats.reply_prefix", self.reply_prefix.ends_with('.') && self.reply_prefix.len() > 1, "must end with a dot, like \"_INBOX.\""),
        ]
    }

    fn url_is_known(&self) -> bool {
        let known = |url: &str| ["nats://", "tls://"].iter().any(|scheme| url.trim().starts_with(scheme));
        self.url.as_ref().is_none_or(|urls| urls.expose_secret().split(',').all(known))
    }

    fn ways_in(&self) -> usize {
        usize::from(self.user.is_some()) + usize::from(self.token.is_some()) + usize::from(self.credentials_file.is_some())
    }

    fn prefixes_are_apart(&self) -> bool {
        let (events, tasks) = (format!("{}.", self.events_prefix), format!("{}.", self.tasks_prefix));
        !events.starts_with(&tasks) && !tasks.starts_with(&events)
    }
}

fn in_range(value: Duration, least: Duration, most: Duration) -> bool {
    (least..=most).contains(&value)
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn is_prefix(text: &str) -> bool {
    let token = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    text.len() <= 100 && text.split('.').all(token)
}

fn is_repo(text: &str) -> bool {
    let token = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    text.len() <= 100 && text.split('.').all(token)
}
