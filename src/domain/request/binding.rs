//! What may be said about a binding or a conflict, types unchecked, and the same once every fault is ruled out.
//!
//! Every key is known or refused: a misspelt rule must not let a sync overwrite what it should have kept. To add a field: here, in
//! [`Binding`], in `config/bindings.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;

use crate::domain::base::fault::Faults;
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::word::word;
use crate::domain::request::edit::{UnknownKeys, refuse_others};
use crate::domain::sync::{AdoptFilter, Binding, Direction, Owner, StateFilter, Strategy};
use crate::domain::tracker::{Field, Project, leaves_its_folder};

/// The longest time between two sync runs, in seconds, and the default intervals.
pub const MAX_EVERY: i64 = 30 * 24 * 60 * 60;
pub const DEFAULT_EVERY: i64 = 60;
pub const DEFAULT_AUDIT_EVERY: i64 = 24 * 60 * 60;
/// How many labels a filter may name.
pub const MAX_FILTER_LABELS: usize = text::MAX_LABELS;

/// What a binding shows but its rules do not hold, and the way that changes it.
const NOT_RULES: &[(&str, &str)] = &[
    ("name", "it stands in the path"),
    ("source", "it says where the rules are written down"),
    ("paused", "use POST /bindings/{name}/pause or /resume"),
    ("state", "it is kept by the service; for issues by their state use filter.state"),
    ("behind_seconds", "it is kept by the service"),
    ("due_at", "use POST /bindings/{name}/sync"),
    ("progress", "it is kept by the service"),
    ("last_run", "it is kept by the service"),
];

/// The body of `PUT /bindings/{name}`: all of its rules, those not given at their usual values.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BindingSpec {
    pub backend: Input<String>,
    pub owner: Input<String>,
    pub repo: Input<String>,
    pub project: Input<String>,
    pub target_repo: Input<String>,
    pub direction: Input<String>,
    pub adopt: Input<bool>,
    pub filter: Input<AdoptFilterSpec>,
    pub authority: Input<String>,
    pub fields: Input<OwnersSpec>,
    pub strategy: Input<String>,
    pub every_seconds: Input<i64>,
    pub audit_every_seconds: Input<i64>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// Which issues of the tracker are adopted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AdoptFilterSpec {
    pub labels: Input<Vec<Input<String>>>,
    pub state: Input<String>,
    pub since: Input<String>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// Fields with an owner of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct OwnersSpec(BTreeMap<String, Input<String>>);

impl JsonType for AdoptFilterSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

impl JsonType for OwnersSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

impl BindingSpec {
    pub fn parse(self, name: &str) -> Result<Binding, Faults> {
        let mut faults = Faults::default();
        let f = &mut faults;
        if let Some(fault) = Binding::name_fault(name) {
            f.add("name", "not_a_slug", fault);
        }
        let mut part = |input, pointer: &str| {
            let text = text::optional(input, pointer, text::PLACE_PART, f).unwrap_or_default();
            if leaves_its_folder(&text) {
                f.add(pointer, "not_a_slug", "no part may be '.' or '..'");
            }
            text
        };
        let place = Project { owner: part(self.owner, "/owner"), repo: part(self.repo, "/repo"), project: part(self.project, "/project") };
        let binding = Binding {
            name: name.to_owned(),
            backend: text::required(self.backend, "/backend", text::TARGET, f),
            place,
            target_repo: text::optional(self.target_repo, "/target_repo", text::TARGET_REPO, f),
            direction: word(self.direction, "/direction", f).unwrap_or(Direction::Both),
            adopt: text::typed(self.adopt, "/adopt", f).unwrap_or(false),
            filter: text::typed(self.filter, "/filter", f).unwrap_or_default().parse(f),
            owner: word(self.authority, "/authority", f).unwrap_or(Owner::Shared),
            fields: text::typed(self.fields, "/fields", f).unwrap_or_default().parse(f),
            strategy: word(self.strategy, "/strategy", f).unwrap_or(Strategy::ExternalWins),
            every: seconds(self.every_seconds, "/every_seconds", DEFAULT_EVERY, f),
            audit_every: seconds(self.audit_every_seconds, "/audit_every_seconds", DEFAULT_AUDIT_EVERY, f),
        };
        refuse_others(&self.unknown, "", NOT_RULES, &mut faults);
        faults.into_result(binding)
    }
}

impl AdoptFilterSpec {
    fn parse(self, faults: &mut Faults) -> AdoptFilter {
        let filter = AdoptFilter {
            labels: text::set(self.labels, "/filter/labels", text::LABEL, MAX_FILTER_LABELS, faults),
            state: word(self.state, "/filter/state", faults).unwrap_or(StateFilter::All),
            since: moment(self.since, "/filter/since", faults),
        };
        refuse_others(&self.unknown, "/filter", &[], faults);
        filter
    }
}

impl OwnersSpec {
    fn parse(self, faults: &mut Faults) -> BTreeMap<Field, Owner> {
        let mut owners = BTreeMap::new();
        for (name, owner) in self.0 {
            let pointer = format!("/fields/{}", name.replace('~', "~0").replace('/', "~1"));
            let Ok(field) = name.parse::<Field>() else {
                faults.add(pointer, "unknown_field", format!("is not a field; there are {}", Field::WORDS.join(", ")));
                continue;
            };
            owners.extend(word(owner, &pointer, faults).map(|owner| (field, owner)));
        }
        owners
    }
}

fn seconds(input: Input<i64>, pointer: &str, usual: i64, faults: &mut Faults) -> Duration {
    let seconds = text::typed(input, pointer, faults).unwrap_or(usual);
    if !(1..=MAX_EVERY).contains(&seconds) {
        faults.add(pointer, "out_of_range", format!("must be an integer from 1 to {MAX_EVERY}"));
    }
    Duration::from_secs(seconds.clamp(1, MAX_EVERY).unsigned_abs())
}

fn moment(input: Input<String>, pointer: &str, faults: &mut Faults) -> Option<DateTime<Utc>> {
    let text = text::typed(input, pointer, faults)?;
    let moment = DateTime::parse_from_rfc3339(&text).ok().map(|moment| moment.to_utc());
    if moment.is_none() {
        faults.add(pointer, "not_a_moment", "must be a moment like 2026-06-30T07:00:00Z");
    }
    moment
}

/// The body of `POST /bindings/{name}/sync`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SyncSpec {
    pub dry_run: Input<bool>,
    pub audit: Input<bool>,
    pub allow_deletions: Input<bool>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// The kind of sync run that is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncRequest {
    /// A dry run: it writes nothing and answers the plan.
    Rehearsal,
    Pass {
        audit: bool,
        allow_deletions: bool,
    },
}

impl SyncSpec {
    pub fn parse(self) -> Result<SyncRequest, Faults> {
        let mut faults = Faults::default();
        let mut flag = |input, pointer| text::typed(input, pointer, &mut faults).unwrap_or(false);
        let rehearsal = flag(self.dry_run, "/dry_run");
        let (audit, allow_deletions) = (flag(self.audit, "/audit"), flag(self.allow_deletions, "/allow_deletions"));
        for (wanted, pointer) in [(audit, "/audit"), (allow_deletions, "/allow_deletions")] {
            if rehearsal && wanted {
                faults.add(pointer, "contradiction", "a dry run lists what changed, not what is deleted; leave it out");
            }
        }
        refuse_others(&self.unknown, "", &[], &mut faults);
        faults.into_result(if rehearsal { SyncRequest::Rehearsal } else { SyncRequest::Pass { audit, allow_deletions } })
    }
}

/// The body of `POST /conflicts/{id}/resolve`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResolveSpec {
    pub take: Input<String>,
    pub value: Input<String>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// The operator's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictDecision {
    Local,
    External,
    /// This text instead. Only for text fields.
    Other(String),
}

impl ResolveSpec {
    pub fn parse(self) -> Result<ConflictDecision, Faults> {
        let mut faults = Faults::default();
        let has_value = !matches!(self.value, Input::Absent | Input::Null);
        let has_side = !matches!(self.take, Input::Absent | Input::Null);
        let value = text::kept(self.value, "/value", text::DESCRIPTION, &mut faults);
        let side = text::typed(self.take, "/take", &mut faults);
        let decided = match side.as_deref() {
            Some("local") => ConflictDecision::Local,
            Some("external") => ConflictDecision::External,
            Some(_) => {
                faults.add("/take", "unknown_word", "must be one of local, external");
                ConflictDecision::Local
            }
            None => ConflictDecision::Other(value),
        };
        match (has_side, has_value) {
            (true, true) => faults.add("/value", "contradiction", "give take or value, not both"),
            (false, false) => faults.add("/take", "missing", "give take (local or external), or value, the words that shall stand"),
            (true, false) | (false, true) => {}
        }
        refuse_others(&self.unknown, "", &[], &mut faults);
        faults.into_result(decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes<T>(parsed: Result<T, Faults>) -> Vec<(String, &'static str)> {
        parsed.map_or_else(Faults::into_vec, |_| Vec::new()).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    fn at(pointer: &str, code: &'static str) -> (String, &'static str) {
        (pointer.to_owned(), code)
    }

    #[test]
    fn what_is_not_said_of_a_binding_has_the_usual_value() {
        let binding = read::<BindingSpec>(r#"{"backend":"gitea","owner":"acme","repo":"tools","fields":{"labels":"local"}}"#);
        let binding = binding.parse("tools").unwrap();
        assert_eq!(binding.place, Project { owner: "acme".into(), repo: "tools".into(), project: String::new() });
        assert_eq!((binding.direction, binding.adopt, binding.owner), (Direction::Both, false, Owner::Shared));
        assert_eq!((binding.every.as_secs(), binding.audit_every.as_secs()), (60, 86_400));
        assert_eq!(binding.fields, BTreeMap::from([(Field::Labels, Owner::Local)]));
        assert_eq!((binding.filter, binding.strategy), (AdoptFilter::default(), Strategy::ExternalWins));
    }

    #[test]
    fn every_fault_of_a_binding_is_listed_and_no_key_is_ignored() {
        let body = r#"{"direction":"sideways","adopt":"yes","filter":{"labels":[1],"state":"blocked","since":"soon","label":"x"},
            "fields":{"a/b":"local","title":"nobody"},"every_seconds":0,"paused":true,"athority":"local"}"#;
        let expected = [
            at("name", "not_a_slug"),
            at("/backend", "missing"),
            at("/direction", "unknown_word"),
            at("/adopt", "wrong_type"),
            at("/filter/labels/0", "wrong_type"),
            at("/filter/state", "unknown_word"),
            at("/filter/since", "not_a_moment"),
            at("/filter/label", "unknown_field"),
            at("/fields/a~1b", "unknown_field"),
            at("/fields/title", "unknown_word"),
            at("/every_seconds", "out_of_range"),
            at("/athority", "unknown_field"),
            at("/paused", "read_only"),
        ];
        assert_eq!(codes(read::<BindingSpec>(body).parse("No Slug")), expected);
    }

    #[test]
    fn a_conflict_is_decided_for_one_side_or_with_a_text_and_never_both() {
        let resolve = |json: &str| read::<ResolveSpec>(json).parse();
        assert_eq!(resolve(r#"{"take":"external"}"#), Ok(ConflictDecision::External));
        assert_eq!(resolve(r#"{"take":null,"value":""}"#), Ok(ConflictDecision::Other(String::new())));
        assert_eq!(codes(resolve("{}")), [at("/take", "missing")]);
        assert_eq!(codes(resolve(r#"{"take":"theirs"}"#)), [at("/take", "unknown_word")]);
        assert_eq!(
            codes(resolve(r#"{"take":"local","value":"x","side":1}"#)),
            [at("/value", "contradiction"), at("/side", "unknown_field")]
        );
        assert_eq!(codes(resolve(r#"{"value":7}"#)), [at("/value", "wrong_type")]);
    }

    #[test]
    fn a_dry_run_of_deletions_is_refused() {
        let sync = |json: &str| read::<SyncSpec>(json).parse();
        assert_eq!(sync("{}"), Ok(SyncRequest::Pass { audit: false, allow_deletions: false }));
        assert_eq!(sync(r#"{"dry_run":true,"audit":false}"#), Ok(SyncRequest::Rehearsal));
        let faults = codes(sync(r#"{"dry_run":true,"audit":true,"allow_deletions":true}"#));
        assert_eq!(faults, [at("/audit", "contradiction"), at("/allow_deletions", "contradiction")]);
    }
}
