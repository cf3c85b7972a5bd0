//! Every setting, each with its check. `config/default.toml` is the reference; this module gives it types.
//!
//! To add a setting: its line and comment in `config/default.toml`, its field here, its check in `validate.rs`.
//! Nothing outside this room reads the environment.

mod backends;
mod bindings;
mod contexts;
mod duration;
mod keys;
mod layers;
mod nats;
mod show;
mod targets;
mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::domain::base::vocabulary::vocabulary;
pub use backends::{BackendSettings, RouteSettings, RoutingSettings, TransportKind};
pub use bindings::BindingSettings;
pub use contexts::{CommandEnvironment, ServerContext, ServerContexts, read_key_file};
pub use keys::{KeySource, NamedKey, read_all as read_keys};
pub use layers::{ConfigError, LoadedSettings, SettingOrigin, SettingProblem};
pub use nats::NatsSettings;
pub use show::show;
pub use targets::{StateHubSettings, WorkerSettings};
pub use validate::read_secret;

/// The settings in force, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub server: ServerSettings,
    pub http: HttpSettings,
    pub auth: AuthSettings,
    pub rate_limit: RateLimitSettings,
    pub database: DatabaseSettings,
    pub ingest: IngestSettings,
    pub nats: NatsSettings,
    pub worker: WorkerSettings,
    pub state_hub: StateHubSettings,
    #[serde(default)]
    pub backends: BTreeMap<String, BackendSettings>,
    #[serde(default)]
    pub bindings: BTreeMap<String, BindingSettings>,
    pub routes: Vec<RouteSettings>,
    pub routing: RoutingSettings,
    pub webhooks: WebhookSettings,
    pub log: LogSettings,
    pub telemetry: TelemetrySettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    pub bind: SocketAddr,
    pub body_limit: usize,
    pub batch_body_limit: usize,
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    #[serde(with = "duration")]
    pub batch_timeout: Duration,
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    pub max_connections: usize,
    pub max_in_flight: usize,
    pub compress_above: u64,
    pub cors_origins: Vec<String>,
    #[serde(with = "duration")]
    pub drain_delay: Duration,
    #[serde(with = "duration")]
    pub shutdown_timeout: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub require_if_match: bool,
    #[serde(with = "duration")]
    pub wait: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    #[serde(deserialize_with = "unset_secret")]
    pub api_key: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub api_key_file: Option<PathBuf>,
    pub keys: Vec<NamedKey>,
    #[serde(with = "duration")]
    pub reload_interval: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    pub requests: u32,
    #[serde(with = "duration")]
    pub window: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    #[serde(deserialize_with = "unset_secret")]
    pub url: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub host: Option<String>,
    pub port: u16,
    pub name: String,
    pub user: String,
    #[serde(deserialize_with = "unset_secret")]
    pub password: Option<SecretString>,
    #[serde(deserialize_with = "unset")]
    pub password_file: Option<PathBuf>,
    #[serde(deserialize_with = "unset")]
    pub ssl_mode: Option<String>,
    #[serde(deserialize_with = "unset")]
    pub data_dir: Option<PathBuf>,
    pub max_connections: u32,
    #[serde(with = "duration")]
    pub acquire_timeout: Duration,
    #[serde(with = "duration")]
    pub statement_timeout: Duration,
    pub migrate_on_start: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    pub batch: usize,
    pub committers: usize,
    pub queue: usize,
}

/// How trackers reach us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    #[serde(deserialize_with = "unset")]
    pub public_url: Option<String>,
    pub body_limit: usize,
    #[serde(with = "duration")]
    pub history: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    #[serde(deserialize_with = "word")]
    pub format: LogFormat,
    pub filter: String,
}

vocabulary! {
    /// The format of log lines. `auto`: readable on a terminal, JSON elsewhere.
    LogFormat { Auto = "auto", Pretty = "pretty", Json = "json" }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    #[serde(deserialize_with = "unset")]
    pub otlp_endpoint: Option<String>,
    pub sample_ratio: f64,
    pub service_name: String,
}

impl DatabaseSettings {
    /// Where the embedded database lives when no other is named.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(layers::user_data_dir)
    }
}

/// In the reference file an empty string means "not set".
fn unset<'de, D: serde::Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| T::from(text)))
}

/// A word out of its list; the error names the list.
fn word<'de, D: serde::Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Several of them.
fn words<'de, D: serde::Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    words.iter().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
}

fn unset_secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    unset::<D, String>(deserializer).map(|text| text.map(SecretString::from))
}

#[cfg(test)]
mod tests;
