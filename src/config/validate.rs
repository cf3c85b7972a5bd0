//! What the types alone cannot say: secret files, ranges, and settings that contradict each other. All problems at once.

use std::path::Path;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;

use super::layers::{ConfigError, Loaded, Problem};
use super::outlets;

impl Loaded {
    /// Reads each `*_file` secret. The file and the value itself at once are a contradiction.
    pub(super) fn resolve_secret_files(&mut self) -> Result<(), ConfigError> {
        let settings = &mut self.settings;
        let mut problems = Vec::new();
        let pairs = [
            ("auth.api_key", "auth.api_key_file", &mut settings.auth.api_key, &settings.auth.api_key_file),
            ("database.password", "database.password_file", &mut settings.database.password, &settings.database.password_file),
            ("state_hub.token", "state_hub.token_file", &mut settings.state_hub.token, &settings.state_hub.token_file),
        ];
        for (setting, file_setting, secret, file) in pairs {
            let Some(path) = file else { continue };
            let problem = |message| Problem { setting: file_setting.to_owned(), origin: self.values[file_setting].1.clone(), message };
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
                problems.push(Problem { setting: setting.to_owned(), origin: self.origin(setting), message: message.to_owned() });
            }
        };
        check(
            "server.bind",
            s.server.bind.ip().is_loopback() || s.auth.api_key.is_some(),
            "is not a loopback address and no key is configured, so anybody could file tasks: set ISSUE_CORE_API_KEY (or auth.api_key_file), or bind to 127.0.0.1",
        );
        check("server.body_limit", (1024..=64 << 20).contains(&s.server.body_limit), "must be from 1024 to 67108864 bytes");
        check("server.request_timeout", !s.server.request_timeout.is_zero(), "must be longer than 0s");
        let key_is_sendable = s.auth.api_key.as_ref().is_none_or(|key| key.expose_secret().bytes().all(|b| (0x21..0x7f).contains(&b)));
        check("auth.api_key", key_is_sendable, "must hold only visible ASCII characters, since it travels in a header");
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
        check("log.filter", EnvFilter::from_str(&s.log.filter).is_ok(), "must be a filter like \"info\" or \"warn,issue_core=debug\"");
        check("telemetry.sample_ratio", (0.0..=1.0).contains(&s.telemetry.sample_ratio), "must be from 0.0 to 1.0");
        let endpoint = s.telemetry.otlp_endpoint.as_deref();
        let is_http = endpoint.is_none_or(|url| url.starts_with("http://") || url.starts_with("https://"));
        check("telemetry.otlp_endpoint", is_http, "must begin with http:// or https://");
        outlets::checks(s).into_iter().for_each(|(setting, holds, message)| check(setting, holds, message));
        done(problems)
    }

    fn url_is_known(&self) -> bool {
        let url = self.settings.database.url.as_ref().map(|url| url.expose_secret().to_owned());
        url.is_none_or(|url| ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)))
    }
}

fn read_secret(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(secret.into()),
    }
}

fn done(problems: Vec<Problem>) -> Result<(), ConfigError> {
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Settings(problems)) }
}
