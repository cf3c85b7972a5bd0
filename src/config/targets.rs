//! The settings of outgoing messages: the workers and the sinks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

use super::{Settings, duration, unset, unset_secret};
use crate::domain::Progress;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerSettings {
    pub bind: SocketAddr,
    pub concurrency: u32,
    pub batch: u32,
    #[serde(with = "duration")]
    pub lease: Duration,
    #[serde(with = "duration")]
    pub poll: Duration,
    #[serde(with = "duration")]
    pub retry_base: Duration,
    #[serde(with = "duration")]
    pub retry_max: Duration,
    pub dispatch_attempts: i32,
    pub publish_attempts: i32,
    pub push_attempts: i32,
    pub breaker_failures: u32,
    #[serde(with = "duration")]
    pub breaker_pause: Duration,
    #[serde(with = "duration")]
    pub breaker_pause_max: Duration,
    #[serde(with = "duration")]
    pub history: Duration,
    #[serde(with = "duration")]
    pub sample: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateHubSettings {
    #[serde(deserialize_with = "unset")]
    pub url: Option<String>,
    #[serde(deserialize_with = "unset_secret")]
    pub token: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub token_file: Option<PathBuf>,
    pub author: String,
    #[serde(with = "duration")]
    pub timeout: Duration,
    #[serde(deserialize_with = "words")]
    pub events: Vec<Progress>,
    #[serde(deserialize_with = "unset_id")]
    pub topic_id: Option<Uuid>,
    #[serde(deserialize_with = "unset_id")]
    pub workstream_id: Option<Uuid>,
    #[serde(deserialize_with = "ids_by_repo")]
    pub topics: HashMap<String, Uuid>,
    #[serde(deserialize_with = "ids_by_repo")]
    pub workstreams: HashMap<String, Uuid>,
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Progress>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|word| word.parse().map_err(de::Error::custom)).collect()
}

fn unset_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    unset::<D, String>(deserializer)?.map(|text| id(&text)).transpose()
}

fn ids_by_repo<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashMap<String, Uuid>, D::Error> {
    let entries = Vec::<String>::deserialize(deserializer)?;
    let pair = |entry: &String| {
        let (repo, text) = entry.split_once('=').ok_or_else(|| de::Error::custom(format!("{entry:?} is not of the form repo=uuid")))?;
        Ok((repo.trim().to_owned(), id(text.trim())?))
    };
    entries.iter().map(pair).collect()
}

fn id<E: de::Error>(text: &str) -> Result<Uuid, E> {
    Uuid::try_parse(text).map_err(|_| E::custom(format!("{text:?} is not a UUID")))
}

/// What the types cannot say: setting, whether it holds, and what is allowed.
pub(super) fn checks(s: &Settings) -> Vec<(&'static str, bool, &'static str)> {
    let (worker, hub) = (&s.worker, &s.state_hub);
    let is_http = hub.url.as_deref().is_none_or(|url| url.starts_with("http://") || url.starts_with("https://"));
    let token_is_sendable = hub.token.as_ref().is_none_or(|token| token.expose_secret().bytes().all(|b| (0x21..0x7f).contains(&b)));
    vec![
        ("worker.concurrency", (1..=1000).contains(&worker.concurrency), "must be from 1 to 1000"),
        ("worker.batch", (1..=1000).contains(&worker.batch), "must be from 1 to 1000"),
        ("worker.lease", worker.lease >= Duration::from_secs(5), "must be at least 5s"),
        ("worker.poll", worker.poll >= Duration::from_millis(10), "must be at least 10ms"),
        ("worker.retry_base", !worker.retry_base.is_zero(), "must be longer than 0s"),
        ("worker.retry_max", worker.retry_max >= worker.retry_base, "must not be shorter than worker.retry_base"),
        ("worker.dispatch_attempts", worker.dispatch_attempts >= 1, "must be at least 1"),
        ("worker.publish_attempts", worker.publish_attempts >= 1, "must be at least 1"),
        ("worker.push_attempts", worker.push_attempts >= 1, "must be at least 1"),
        ("worker.breaker_failures", worker.breaker_failures >= 1, "must be at least 1"),
        ("worker.breaker_pause", !worker.breaker_pause.is_zero(), "must be longer than 0s"),
        ("worker.breaker_pause_max", worker.breaker_pause_max >= worker.breaker_pause, "must not be shorter than worker.breaker_pause"),
        ("worker.sample", worker.sample >= Duration::from_secs(1), "must be at least 1s"),
        ("state_hub.url", is_http, "must begin with http:// or https://"),
        ("state_hub.token", token_is_sendable, "must hold only visible ASCII characters, since it travels in a header"),
        ("state_hub.author", !hub.author.trim().is_empty(), "must not be blank"),
        (
            "state_hub.timeout",
            !hub.timeout.is_zero() && hub.timeout * 2 <= worker.lease,
            "must be longer than 0s and at most half of worker.lease",
        ),
    ]
}
