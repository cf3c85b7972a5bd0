//! The bindings of the settings (`[bindings.NAME]`). More of them may be created over the API;
//! those of the settings change only here.
//!
//! To add a setting: its field and default here, its line in [`FIELDS`], its check below, its comment in `config/default.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::backends::VariableReading;
use super::{Settings, duration, unset, word};
use crate::domain::base::text;
use crate::domain::sync::{AdoptFilter, Binding, Direction, Owner, StateFilter, Strategy};
use crate::domain::tracker::Field;
use crate::domain::tracker::Project;

/// One `[bindings.NAME]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingSettings {
    pub backend: String,
    #[serde(default)]
    pub owner: String,
    #[serde(default)]
    pub repo: String,
    #[serde(default)]
    pub project: String,
    #[serde(default, deserialize_with = "unset")]
    pub target_repo: Option<String>,
    #[serde(default = "both", deserialize_with = "word")]
    pub direction: Direction,
    #[serde(default)]
    pub adopt: bool,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default = "all", deserialize_with = "word")]
    pub state: StateFilter,
    #[serde(default, deserialize_with = "moment")]
    pub since: Option<DateTime<Utc>>,
    #[serde(default = "shared", deserialize_with = "word")]
    pub authority: Owner,
    #[serde(default, deserialize_with = "fields")]
    pub fields: BTreeMap<Field, Owner>,
    #[serde(default = "external_wins", deserialize_with = "word")]
    pub strategy: Strategy,
    #[serde(default = "one_minute", with = "duration")]
    pub every: Duration,
    #[serde(default = "one_day", with = "duration")]
    pub audit_every: Duration,
}

/// Every field of a binding.
pub(super) const FIELDS: &[(&str, VariableReading)] = &[
    ("backend", VariableReading::Text),
    ("owner", VariableReading::Text),
    ("repo", VariableReading::Text),
    ("project", VariableReading::Text),
    ("target_repo", VariableReading::Text),
    ("direction", VariableReading::Text),
    ("adopt", VariableReading::Flag),
    ("labels", VariableReading::List),
    ("state", VariableReading::Text),
    ("since", VariableReading::Text),
    ("authority", VariableReading::Text),
    ("fields", VariableReading::Table),
    ("strategy", VariableReading::Text),
    ("every", VariableReading::Text),
    ("audit_every", VariableReading::Text),
];

const fn both() -> Direction {
    Direction::Both
}

const fn all() -> StateFilter {
    StateFilter::All
}

const fn shared() -> Owner {
    Owner::Shared
}

const fn external_wins() -> Strategy {
    Strategy::ExternalWins
}

const fn one_minute() -> Duration {
    Duration::from_mins(1)
}

const fn one_day() -> Duration {
    Duration::from_hours(24)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("{text:?} is not a moment like 2026-01-01T00:00:00Z")))
}

fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Field, Owner>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
    let read = |(field, owner): (&String, &String)| {
        let field = field.parse().map_err(|error| serde::de::Error::custom(format!("a field {error}")))?;
        let owner = owner.parse().map_err(|error| serde::de::Error::custom(format!("an owner {error}")))?;
        Ok((field, owner))
    };
    texts.iter().map(read).collect()
}

impl BindingSettings {
    #[must_use]
    pub fn binding(&self, name: &str) -> Binding {
        Binding {
            name: name.to_owned(),
            backend: self.backend.clone(),
            place: Project { owner: self.owner.clone(), repo: self.repo.clone(), project: self.project.clone() },
            target_repo: self.target_repo.clone(),
            direction: self.direction,
            adopt: self.adopt,
            filter: AdoptFilter { labels: self.labels.clone(), state: self.state, since: self.since },
            owner: self.authority,
            fields: self.fields.clone(),
            strategy: self.strategy,
            every: self.every,
            audit_every: self.audit_every,
        }
    }
}

/// What is wrong with the bindings: setting and message.
pub(super) fn faults(s: &Settings) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (name, binding) in &s.bindings {
        let mut add = |field: &str, message: String| faults.push((format!("bindings.{name}.{field}"), message));
        if Binding::name_fault(name).is_some() {
            add("backend", "a binding's name must be 1 to 64 lower-case letters, digits, _ or -".to_owned());
        }
        if !s.backends.contains_key(&binding.backend) {
            let there: Vec<&str> = s.backends.keys().map(String::as_str).collect();
            add("backend", format!("there is no backend {}; there are: {}", binding.backend, there.join(", ")));
        }
        if let Some((_, message)) = binding.target_repo.as_deref().and_then(|repo| text::TARGET_REPO.check_present(repo).err()) {
            add("target_repo", message);
        }
        if binding.every.is_zero() {
            add("every", "must be longer than 0s".to_owned());
        }
        let place = binding.binding(name).place;
        let same = |(other, with): &(&String, &BindingSettings)| {
            *other < name && with.backend == binding.backend && with.binding(other).place == place
        };
        if let Some((other, _)) = s.bindings.iter().find(same) {
            add("backend", format!("{place} is followed by binding {other} already"));
        }
    }
    faults
}
