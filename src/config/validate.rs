//! What the types alone cannot say: secret files, ranges, and settings that contradict each other. All problems at once.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;

use super::keys::{NamedKey, read_all as read_keys};
use super::layers::{ConfigError, LoadedSettings, SettingOrigin, SettingProblem};
use super::targets;
use super::{AuthSettings, backends, bindings};
use crate::domain::queue::quota::Quota;

impl LoadedSettings {
    /// Reads each `*_file` secret. The file and the value itself at once are a contradiction.
    pub(super) fn resolve_secret_files(&mut self) -> Result<(), ConfigError> {
        let settings = &mut self.settings;
        let mut problems = Vec::new();
        let pairs = [
            ("database.password", "database.password_file", &mut settings.database.password, &settings.database.password_file),
            ("nats.password", "nats.password_file", &mut settings.nats.password, &settings.nats.password_file),
            ("nats.token", "nats.token_file", &mut settings.nats.token, &settings.nats.token_file),
            ("state_hub.token", "state_hub.token_file", &mut settings.state_hub.token, &settings.state_hub.token_file),
        ];
        for (name, backend) in &mut settings.backends {
            let files = [
                ("token", &mut backend.token, &backend.token_file),
                ("webhook_secret", &mut backend.webhook_secret, &backend.webhook_secret_file),
            ];
            for (field, secret, file) in files {
                let Some(path) = file else { continue };
                let setting = format!("backends.{name}.{field}_file");
                let read = if secret.is_some() { Err(format!("give {field} or {field}_file, not both")) } else { read_secret(path) };
                match read {
                    Ok(text) => *secret = Some(text),
                    Err(message) => {
                        let origin = self.values.get(&setting).map_or(SettingOrigin::Default, |(_, origin)| origin.clone());
                        problems.push(SettingProblem { setting, origin, message });
                    }
                }
            }
        }
        for (setting, file_setting, secret, file) in pairs {
            let Some(path) = file else { continue };
            let problem =
                |message| SettingProblem { setting: file_setting.to_owned(), origin: self.values[file_setting].1.clone(), message };
            if secret.is_some() {
                problems.push(problem(format!("give {setting} or {file_setting}, not both")));
                continue;
            }
            match read_secret(path) {
                Ok(text) => *secret = Some(text),
                Err(reason) => problems.push(problem(reason)),
            }
        }
        done(problems)
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let s = &self.settings;
        let mut problems = Vec::new();
        let mut check = |setting: &str, holds: bool, message: &str| {
            if !holds {
                problems.push(SettingProblem { setting: setting.to_owned(), origin: self.origin(setting), message: message.to_owned() });
            }
        };
        check(
            "server.bind",
            s.server.bind.ip().is_loopback() || s.auth.is_keyed(),
            "is not a loopback address and no key is configured, so any client could file tasks: set ISSUE_CORE_API_KEY (or auth.api_key_file, or auth.keys), or bind to 127.0.0.1",
        );
        check("server.body_limit", (1024..=64 << 20).contains(&s.server.body_limit), "must be from 1024 to 67108864 bytes");
        check("server.request_timeout", !s.server.request_timeout.is_zero(), "must be longer than 0s");
        check("server.batch_body_limit", (1024..=256 << 20).contains(&s.server.batch_body_limit), "must be from 1024 to 268435456 bytes");
        check("server.batch_timeout", !s.server.batch_timeout.is_zero(), "must be longer than 0s");
        check("server.body_timeout", !s.server.body_timeout.is_zero(), "must be longer than 0s");
        check("server.header_timeout", !s.server.header_timeout.is_zero(), "must be longer than 0s");
        check("server.idle_timeout", !s.server.idle_timeout.is_zero(), "must be longer than 0s");
        check("server.max_connections", (1..=1_000_000).contains(&s.server.max_connections), "must be from 1 to 1000000");
        check("server.max_in_flight", (1..=1_000_000).contains(&s.server.max_in_flight), "must be from 1 to 1000000");
        let origins_are_known = s.server.cors_origins.iter().all(|origin| is_origin(origin));
        check("server.cors_origins", origins_are_known, "must be origins like https://tasks.example.org, without a path, or *");
        check(
            "auth.api_key_file",
            s.auth.api_key.is_none() || s.auth.api_key_file.is_none(),
            "give auth.api_key or auth.api_key_file, not both",
        );
        if let Some(fault) = keys_fault(&s.auth) {
            check(fault.0, false, &fault.1);
        }
        check("auth.reload_interval", !s.auth.reload_interval.is_zero(), "must be longer than 0s");
        let quota_is_fine = s.rate_limit.requests == 0 || Quota::new(s.rate_limit.requests, s.rate_limit.window).is_some();
        check("rate_limit.window", quota_is_fine, "must be longer than 0s, and long enough for that many requests");
        check("database.url", self.url_is_known(), "must begin with sqlite: or postgres://");
        check("database.host", s.database.url.is_none() || s.database.host.is_none(), "stands for database.url; give one of them");
        let modes = ["disable", "prefer", "require", "verify-ca", "verify-full"];
        let mode_is_known = s.database.ssl_mode.as_deref().is_none_or(|mode| modes.contains(&mode));
        check("database.ssl_mode", mode_is_known, "must be one of disable, prefer, require, verify-ca, verify-full");
        check("database.statement_timeout", !s.database.statement_timeout.is_zero(), "must be longer than 0s");
        check("database.max_connections", (1..=500).contains(&s.database.max_connections), "must be from 1 to 500");
        check("database.acquire_timeout", !s.database.acquire_timeout.is_zero(), "must be longer than 0s");
        check("ingest.batch", (1..=1000).contains(&s.ingest.batch), "must be from 1 to 1000");
        check("ingest.committers", (1..=16).contains(&s.ingest.committers), "must be from 1 to 16");
        check("ingest.queue", (1..=1_000_000).contains(&s.ingest.queue), "must be from 1 to 1000000");
        // A publish waits twice: to be sent, and to be acknowledged.
        let fits = s.nats.url.is_none() || s.nats.timeout <= s.worker.lease / 4;
        check("nats.timeout", fits, "must be at most a quarter of worker.lease");
        for (setting, holds, message) in s.nats.checks().into_iter().chain(targets::checks(s)) {
            check(setting, holds, message);
        }
        for (setting, message) in backends::faults(s).into_iter().chain(bindings::faults(s)) {
            check(&setting, false, &message);
        }
        let is_http = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        check("webhooks.public_url", s.webhooks.public_url.as_deref().is_none_or(is_http), "must begin with https:// or http://");
        check("webhooks.body_limit", (1024..=64 << 20).contains(&s.webhooks.body_limit), "must be from 1024 to 67108864 bytes");
        check("webhooks.history", s.webhooks.history >= Duration::from_mins(10), "must be 10m or more: for as long a repeat is known");
        check("http.wait", s.http.wait < s.server.request_timeout, "must be shorter than server.request_timeout");
        check("log.filter", EnvFilter::from_str(&s.log.filter).is_ok(), "must be a filter like \"info\" or \"warn,issue_core=debug\"");
        check("telemetry.sample_ratio", (0.0..=1.0).contains(&s.telemetry.sample_ratio), "must be from 0.0 to 1.0");
        let endpoint = s.telemetry.otlp_endpoint.as_deref();
        let is_http = endpoint.is_none_or(|url| url.starts_with("http://") || url.starts_with("https://"));
        check("telemetry.otlp_endpoint", is_http, "must begin with http:// or https://");
        done(problems)
    }

    fn url_is_known(&self) -> bool {
        let url = self.settings.database.url.as_ref().map(|url| url.expose_secret().to_owned());
        url.is_none_or(|url| ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)))
    }
}

/// The first thing wrong with the keys: the setting and why.
fn keys_fault(auth: &AuthSettings) -> Option<(&'static str, String)> {
    if let Some(fault) = auth.keys.iter().find_map(NamedKey::fault) {
        return Some(("auth.keys", fault));
    }
    let sources = auth.sources();
    for source in &sources {
        let setting = match (&source.name, source.is_file()) {
            (Some(_), _) => "auth.keys",
            (None, true) => "auth.api_key_file",
            (None, false) => "auth.api_key",
        };
        let name = source.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
        match source.read() {
            Ok(secrets) if secrets.is_empty() => return Some((setting, format!("{name}the file of its keys is empty"))),
            Ok(_) => {}
            Err(reason) => return Some((setting, format!("{name}{reason}"))),
        }
    }
    read_keys(&sources).err().map(|reason| ("auth.keys", reason))
}

/// `scheme://host[:port]`, as browsers send it, or the star that stands for every origin.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b)))
}

/// The secret that lies in a file.
pub fn read_secret(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(secret.into()),
    }
}

fn done(problems: Vec<SettingProblem>) -> Result<(), ConfigError> {
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Settings(problems)) }
}
