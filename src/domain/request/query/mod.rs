//! Queries and requests about many issues: first with unchecked types, then without faults.
//!
//! A filter in a body has the names and the meaning of the query string's. To add one: its spec and its `parse`.

mod bulk;

pub use bulk::{BulkEdit, BulkSpec, BulkTarget, ChangeSpec};

use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde_json::Value;

use super::action::ClaimSpec;
use crate::domain::base::fault::Faults;
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::vocabulary::StateName;
use crate::domain::find::{ListFilter, QueryParams};
use crate::domain::request::edit::{UnknownKeys, refuse_unknown};

/// How many issues one bulk edit may touch, and how many ids one lookup may name.
pub const MAX_BULK: u32 = 1000;
pub const MAX_LOOKUP: usize = 1000;

/// A filter as a JSON object, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct IssueFilterSpec(serde_json::Map<String, Value>);

impl JsonType for IssueFilterSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

impl IssueFilterSpec {
    /// As a query string would have it; a value that a query string cannot hold is a fault.
    fn pairs(self, faults: &mut Faults) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, value) in self.0 {
            let values = match value {
                Value::Array(values) => values,
                one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
            };
            for value in values {
                match value {
                    Value::String(text) => pairs.push((name.clone(), text)),
                    Value::Bool(value) if name == "unassigned" => pairs.push((name.clone(), value.to_string())),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        faults.add(
                            format!("/filter/{name}"),
                            "wrong_type",
                            "must be a string or an array of strings (unassigned: true or false)",
                        );
                    }
                }
            }
        }
        pairs
    }

    fn parse(self, faults: &mut Faults) -> ListFilter {
        let pairs = self.pairs(faults);
        let mut params = QueryParams::new(&pairs, "/filter/");
        let filter = ListFilter::read(&mut params);
        if let Err(found) = params.done() {
            found.into_vec().into_iter().for_each(|fault| faults.add(fault.pointer, fault.code, fault.message));
        }
        filter
    }
}

/// The body of `POST /issues/next`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NextSpec {
    pub holder: Input<String>,
    pub lease_seconds: Input<i64>,
    pub filter: Input<IssueFilterSpec>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// The caller that asks for the next issue, the length of its claim, and the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextIssue {
    pub holder: Option<String>,
    pub lease: TimeDelta,
    pub filter: ListFilter,
}

impl NextSpec {
    pub fn parse(self) -> Result<NextIssue, Faults> {
        let mut faults = Faults::default();
        let filter = text::typed(self.filter, "/filter", &mut faults).map_or_else(ListFilter::default, |filter| filter.parse(&mut faults));
        if !(filter.states.is_empty() || filter.states == [StateName::Open]) {
            faults.add("/filter/state", "contradiction", "only open issues are handed out; leave it out");
        }
        let claim = ClaimSpec { holder: self.holder, lease_seconds: self.lease_seconds, unknown: self.unknown };
        match claim.parse() {
            Ok(claim) => faults.into_result(NextIssue { holder: claim.holder, lease: claim.lease, filter }),
            Err(found) => {
                found.into_vec().into_iter().for_each(|fault| faults.add(fault.pointer, fault.code, fault.message));
                Err(faults)
            }
        }
    }
}

/// The body of `POST /issues/lookup`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LookupSpec {
    pub triggering_event_ids: Input<Vec<Input<String>>>,
    pub activity_definition_ids: Input<Vec<Input<String>>>,
    pub tracker_keys: Input<Vec<Input<String>>>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// Ids to look up, each list in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupIssues {
    pub triggering_events: Vec<String>,
    pub activity_definitions: Vec<String>,
    pub tracker_keys: Vec<String>,
}

impl LookupSpec {
    pub fn parse(self) -> Result<LookupIssues, Faults> {
        let mut faults = Faults::default();
        let asked = LookupIssues {
            triggering_events: ids(self.triggering_event_ids, "/triggering_event_ids", &mut faults),
            activity_definitions: ids(self.activity_definition_ids, "/activity_definition_ids", &mut faults),
            tracker_keys: ids(self.tracker_keys, "/tracker_keys", &mut faults),
        };
        refuse_unknown(&self.unknown, "", &mut faults);
        let count = asked.triggering_events.len() + asked.activity_definitions.len() + asked.tracker_keys.len();
        if count == 0 && faults.is_empty() {
            faults.add("/triggering_event_ids", "missing", "give at least one id, here, in activity_definition_ids or in tracker_keys");
        }
        faults.into_result(asked)
    }
}

/// Ids as they were filed: spaces are folded as there, and one asked for twice is answered twice.
fn ids(input: Input<Vec<Input<String>>>, pointer: &str, faults: &mut Faults) -> Vec<String> {
    let items = text::typed(input, pointer, faults).unwrap_or_default();
    if items.len() > MAX_LOOKUP {
        faults.add(pointer, "too_many", format!("must hold at most {MAX_LOOKUP} ids"));
        return Vec::new();
    }
    let item = |(n, item)| text::required(item, &format!("{pointer}/{n}"), text::TRACE_FIELD, faults);
    items.into_iter().enumerate().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn codes<T: std::fmt::Debug>(parsed: Result<T, Faults>) -> Vec<(String, &'static str)> {
        parsed.map_or_else(Faults::into_vec, |_| Vec::new()).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn a_lookup_names_ids_and_only_open_issues_are_handed_out() {
        let lookup = |json: &str| serde_json::from_str::<LookupSpec>(json).unwrap().parse();
        assert_eq!(lookup(r#"{"triggering_event_ids":["a","a"]}"#).unwrap().triggering_events.len(), 2);
        assert_eq!(codes(lookup("{}")), [("/triggering_event_ids".to_owned(), "missing")]);
        assert_eq!(codes(lookup(r#"{"activity_definition_ids":["",null]}"#)).len(), 2);
        let next = |json: &str| serde_json::from_str::<NextSpec>(json).unwrap().parse();
        assert_eq!(next("{}").unwrap().lease.num_seconds(), 900);
        let faults = codes(next(r#"{"filter":{"state":"closed"},"lease_seconds":0,"x":1}"#));
        assert_eq!(faults.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/filter/state", "/lease_seconds", "/x"]);
    }
}
