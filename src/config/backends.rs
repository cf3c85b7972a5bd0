//! The trackers (`[backends.NAME]`) and the routes to them (`[[routes]]`, `[routing]`).
//!
//! What a kind needs beyond this stands in its `options`, which the tracker itself checks. To add a setting for all: its field and
//! default here, its line in [`FIELDS`], its check below, its comment in `config/default.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

use super::{Settings, duration, unset, unset_secret, word, words};
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::{BudgetWindow, Glob, LOCAL, LabelNames, ProjectTemplate, RouteCondition, RouteRule, TrackerKind, UserMap};
use crate::domain::{Kind, MessageKind, Priority, SourceType};

vocabulary! {
    /// How requests get to a tracker.
    TransportKind { Direct = "direct", Nango = "nango" }
}

/// One `[backends.NAME]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSettings {
    #[serde(deserialize_with = "word")]
    pub kind: TrackerKind,
    #[serde(default, deserialize_with = "unset")]
    pub base_url: Option<String>,
    #[serde(default, deserialize_with = "unset_secret")]
    pub token: Option<SecretString>,
    #[serde(default, deserialize_with = "unset")]
    pub token_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "unset_secret")]
    pub webhook_secret: Option<SecretString>,
    #[serde(default, deserialize_with = "unset")]
    pub webhook_secret_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "unset_secret")]
    pub webhook_secret_previous: Option<SecretString>,
    #[serde(default = "issue_core")]
    pub webhook_user: String,
    #[serde(default = "direct", deserialize_with = "word")]
    pub transport: TransportKind,
    #[serde(default, deserialize_with = "unset")]
    pub nango_url: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub nango_connection_id: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub nango_provider_config_key: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub repo: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub project: Option<String>,
    #[serde(default)]
    pub users: BTreeMap<String, String>,
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    #[serde(default = "ten_seconds", with = "duration")]
    pub timeout: Duration,
    #[serde(default = "one_minute", with = "duration")]
    pub doubt: Duration,
    #[serde(default = "fifty")]
    pub page_size: u32,
    #[serde(default)]
    pub body_limit: Option<usize>,
    #[serde(default)]
    pub allow_mentions: bool,
    #[serde(default)]
    pub allow_references: bool,
    /// Not given: what the vendor allows.
    #[serde(default, deserialize_with = "windows")]
    pub budget: Option<Vec<BudgetWindow>>,
}

/// What a variable's text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VariableReading {
    Text,
    Number,
    Flag,
    List,
    /// Texts by name.
    Table,
}

/// Every field of a backend.
pub(super) const FIELDS: &[(&str, VariableReading)] = &[
    ("kind", VariableReading::Text),
    ("base_url", VariableReading::Text),
    ("token", VariableReading::Text),
    ("token_file", VariableReading::Text),
    ("webhook_secret", VariableReading::Text),
    ("webhook_secret_file", VariableReading::Text),
    ("webhook_secret_previous", VariableReading::Text),
    ("webhook_user", VariableReading::Text),
    ("transport", VariableReading::Text),
    ("nango_url", VariableReading::Text),
    ("nango_connection_id", VariableReading::Text),
    ("nango_provider_config_key", VariableReading::Text),
    ("owner", VariableReading::Text),
    ("repo", VariableReading::Text),
    ("project", VariableReading::Text),
    ("users", VariableReading::Table),
    ("names", VariableReading::Table),
    ("options", VariableReading::Table),
    ("timeout", VariableReading::Text),
    ("doubt", VariableReading::Text),
    ("page_size", VariableReading::Number),
    ("body_limit", VariableReading::Number),
    ("allow_mentions", VariableReading::Flag),
    ("allow_references", VariableReading::Flag),
    ("budget", VariableReading::List),
];

/// One `[[routes]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    pub name: String,
    #[serde(default)]
    pub target_repo: Vec<String>,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default, deserialize_with = "words")]
    pub priority: Vec<Priority>,
    #[serde(default, deserialize_with = "words")]
    pub kind: Vec<Kind>,
    #[serde(default, deserialize_with = "words")]
    pub source_type: Vec<SourceType>,
    #[serde(default)]
    pub source_id: Vec<String>,
    pub backends: Vec<String>,
    #[serde(default, deserialize_with = "unset")]
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub repo: Option<String>,
    #[serde(default, deserialize_with = "unset")]
    pub project: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingSettings {
    pub default: Vec<String>,
}

const fn direct() -> TransportKind {
    TransportKind::Direct
}

fn issue_core() -> String {
    "issue-core".to_owned()
}

const fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

const fn one_minute() -> Duration {
    Duration::from_mins(1)
}

const fn fifty() -> u32 {
    50
}

/// `["80/1m", "500/1h"]`.
fn windows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<BudgetWindow>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let window = |text: &String| {
        let read = text.split_once('/').and_then(|(writes, length)| {
            let window = BudgetWindow { writes: writes.trim().parse().ok()?, length: duration::parse(length.trim())? };
            (window.writes > 0 && !window.length.is_zero()).then_some(window)
        });
        read.ok_or_else(|| de::Error::custom(format!("{text:?} is not a number of writes and a time, like \"80/1m\"")))
    };
    texts.iter().map(window).collect::<Result<_, _>>().map(Some)
}

impl BackendSettings {
    #[must_use]
    pub fn template(&self) -> ProjectTemplate {
        ProjectTemplate { owner: self.owner.clone(), repo: self.repo.clone(), project: self.project.clone() }
    }

    #[must_use]
    pub fn names(&self) -> LabelNames {
        let usual = LabelNames::default();
        let named = |key: &str, usual: &str| self.names.get(key).map_or(usual, String::as_str).to_owned();
        LabelNames {
            in_progress: named("in_progress", &usual.in_progress),
            blocked: named("blocked", &usual.blocked),
            priorities: [Priority::High, Priority::Medium, Priority::Low].map(|word| named(word.as_str(), usual.priority(word))),
            kinds: [Kind::Task, Kind::Bug, Kind::Feature, Kind::Chore].map(|word| named(word.as_str(), usual.kind(word))),
        }
    }

    #[must_use]
    pub fn users(&self) -> UserMap {
        UserMap::new(self.users.clone())
    }

    fn faults(&self, settings: &Settings) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut check = |field: &'static str, holds: bool, message: &str| {
            if !holds {
                faults.push((field, message.to_owned()));
            }
        };
        let is_http = |url: &Option<String>| url.as_deref().is_none_or(|url| url.starts_with("http://") || url.starts_with("https://"));
        let nango = self.transport == TransportKind::Nango;
        check("base_url", is_http(&self.base_url), "must begin with http:// or https://");
        check("base_url", nango || self.base_url.is_some(), "is needed: where the tracker is, like https://git.example.org");
        check("nango_url", is_http(&self.nango_url), "must begin with http:// or https://");
        check("nango_url", !nango || self.nango_url.is_some(), "is needed with transport = \"nango\"");
        check("nango_connection_id", !nango || self.nango_connection_id.is_some(), "is needed with transport = \"nango\"");
        check("nango_provider_config_key", !nango || self.nango_provider_config_key.is_some(), "is needed with transport = \"nango\"");
        check("token", self.token.is_some() || self.token_file.is_some(), "is needed: give token, or token_file");
        let sendable = |secret: &SecretString| secret.expose_secret().bytes().all(|b| (0x21..0x7f).contains(&b));
        check("token", self.token.as_ref().is_none_or(sendable), "must hold only visible ASCII characters, since it travels in a header");
        for (field, secret) in [("webhook_secret", &self.webhook_secret), ("webhook_secret_previous", &self.webhook_secret_previous)] {
            let strong = secret.as_ref().is_none_or(|secret| secret.expose_secret().len() >= 16 && sendable(secret));
            check(field, strong, "must be 16 visible ASCII characters or more: only it distinguishes a delivery from a forged one");
        }
        let rotates = self.webhook_secret_previous.is_none() || self.webhook_secret.is_some() || self.webhook_secret_file.is_some();
        check("webhook_secret_previous", rotates, "is the one before webhook_secret, which is not given");
        let user = !self.webhook_user.is_empty() && !self.webhook_user.contains(':') && !self.webhook_user.contains(char::is_control);
        check("webhook_user", user, "must be a name without a colon");
        let fits = !self.timeout.is_zero() && self.timeout * 4 <= settings.worker.lease;
        check("timeout", fits, "must be longer than 0s and at most a quarter of worker.lease");
        check("page_size", (1..=100).contains(&self.page_size), "must be from 1 to 100");
        check("body_limit", self.body_limit.is_none_or(|limit| limit >= 2000), "must be at least 2000 characters");
        if let Some(fault) = self.template().fault() {
            check("owner", false, &fault);
        }
        let known = ["in_progress", "blocked"].into_iter().chain(Priority::WORDS.iter().copied()).chain(Kind::WORDS.iter().copied());
        let known: Vec<&str> = known.collect();
        if let Some(other) = self.names.keys().find(|name| !known.contains(&name.as_str())) {
            check("names", false, &format!("{other} is none of {}", known.join(", ")));
        }
        faults
    }
}

impl RouteSettings {
    #[must_use]
    pub fn rule(&self) -> RouteRule {
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect();
        RouteRule {
            name: self.name.clone(),
            when: RouteCondition {
                target_repo: globs(&self.target_repo),
                labels: globs(&self.labels),
                priority: self.priority.clone(),
                kind: self.kind.clone(),
                source_type: self.source_type.clone(),
                source_id: globs(&self.source_id),
            },
            to: self.backends.clone(),
            place: ProjectTemplate { owner: self.owner.clone(), repo: self.repo.clone(), project: self.project.clone() },
        }
    }
}

/// What is wrong with the trackers and the routes: setting and message.
pub(super) fn faults(s: &Settings) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (name, backend) in &s.backends {
        let plain =
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        if !plain {
            faults.push((format!("backends.{name}"), "a name must be 1 to 32 lower-case letters, digits, _ or -".to_owned()));
        }
        // Targets of other messages.
        if [LOCAL, "nats", "state_hub", MessageKind::Dispatch.as_str()].contains(&name.as_str()) {
            faults.push((format!("backends.{name}"), "this name is taken; choose another".to_owned()));
        }
        faults.extend(backend.faults(s).into_iter().map(|(field, message)| (format!("backends.{name}.{field}"), message)));
    }
    let known = |name: &String| name == LOCAL || s.backends.contains_key(name);
    let lists = s.routes.iter().map(|route| {
        let name = route.name.as_str();
        ("routes", name, &route.backends)
    });
    for (setting, name, list) in lists.chain([("routing.default", "", &s.routing.default)]) {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        if let Some(unknown) = list.iter().find(|backend| !known(backend)) {
            let there: Vec<&str> = [LOCAL].into_iter().chain(s.backends.keys().map(String::as_str)).collect();
            faults.push((setting.to_owned(), format!("{name}there is no backend {unknown}; there are {}", there.join(", "))));
        }
        let mut unique: Vec<&String> = list.iter().collect();
        unique.sort();
        unique.dedup();
        if unique.len() != list.len() {
            faults.push((setting.to_owned(), format!("{name}a backend is named twice")));
        }
    }
    faults.extend(route_faults(&s.routes).map(|message| ("routes".to_owned(), message)));
    faults
}

fn route_faults(routes: &[RouteSettings]) -> impl Iterator<Item = String> {
    routes.iter().enumerate().filter_map(|(n, route)| {
        let name = &route.name;
        let patterns = [&route.target_repo, &route.labels, &route.source_id];
        if name.trim().is_empty() {
            Some(format!("route {} has no name", n + 1))
        } else if routes[..n].iter().any(|other| other.name == *name) {
            Some(format!("{name}: there are two routes of this name"))
        } else if route.backends.is_empty() {
            Some(format!("{name}: backends must name at least one"))
        } else if patterns.into_iter().flatten().any(String::is_empty) {
            Some(format!("{name}: a pattern is empty"))
        } else {
            route.rule().place.fault().map(|fault| format!("{name}: {fault}"))
        }
    })
}
