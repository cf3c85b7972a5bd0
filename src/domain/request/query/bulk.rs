//! One change to many issues: the body of `POST /issues/bulk`, unchecked and checked.

use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;

use super::{IssueFilterSpec, MAX_BULK};
use crate::domain::base::fault::Faults;
use crate::domain::base::id::IssueRef;
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::vocabulary::{CloseReason, StateName};
use crate::domain::base::word::word;
use crate::domain::decide::{BulkChange, SetWish, StateWish};
use crate::domain::find::{IssueQuery, ListFilter, Order, Sort};
use crate::domain::request::edit::{UnknownKeys, refuse_unknown};

/// The body of `POST /issues/bulk`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BulkSpec {
    pub ids: Input<Vec<Input<String>>>,
    pub filter: Input<IssueFilterSpec>,
    pub change: Input<ChangeSpec>,
    pub dry_run: Input<bool>,
    pub limit: Input<i64>,
    pub cursor: Input<String>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// What is to be changed of each, unchecked.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ChangeSpec {
    pub labels: Input<Vec<Input<String>>>,
    pub labels_add: Input<Vec<Input<String>>>,
    pub labels_remove: Input<Vec<Input<String>>>,
    pub assignees: Input<Vec<Input<String>>>,
    pub assignees_add: Input<Vec<Input<String>>>,
    pub assignees_remove: Input<Vec<Input<String>>>,
    pub milestone: Input<String>,
    pub state: Input<String>,
    pub close_reason: Input<String>,
    pub blocked_reason: Input<String>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

impl JsonType for ChangeSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

/// Many issues and one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkEdit {
    pub target: BulkTarget,
    pub change: BulkChange,
    /// Decide about each, and write nothing.
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkTarget {
    /// These, as they were named.
    Named(Vec<(String, Option<IssueRef>)>),
    /// Those of a list, oldest first.
    Matching(Box<IssueQuery>),
}

impl BulkSpec {
    pub fn parse(self) -> Result<BulkEdit, Faults> {
        let mut faults = Faults::default();
        let f = &mut faults;
        let dry_run = text::typed(self.dry_run, "/dry_run", f).unwrap_or(false);
        let change = match self.change {
            Input::Absent | Input::Null => {
                f.add("/change", "missing", "is required");
                BulkChange::default()
            }
            other @ (Input::Value(_) | Input::WrongType(_)) => text::typed(other, "/change", f).unwrap_or_default().parse(f),
        };
        let ids = text::typed(self.ids, "/ids", f).map(|ids| named(ids, f));
        let filter = text::typed(self.filter, "/filter", f).map(|filter| filter.parse(f));
        let limit = limit(self.limit, f);
        let cursor = text::typed(self.cursor, "/cursor", f);
        refuse_unknown(&self.unknown, "", f);
        let target = match (ids, filter) {
            (Some(ids), None) => BulkTarget::Named(ids),
            (None, Some(filter)) => BulkTarget::Matching(Box::new(matching(filter, limit, cursor, f))),
            (Some(ids), Some(_)) => {
                f.add("/filter", "contradiction", "give ids or filter, not both");
                BulkTarget::Named(ids)
            }
            (None, None) => {
                f.add("/ids", "missing", "give ids or filter");
                BulkTarget::Named(Vec::new())
            }
        };
        faults.into_result(BulkEdit { target, change, dry_run })
    }
}

fn limit(limit: Input<i64>, faults: &mut Faults) -> u32 {
    let Some(limit) = text::typed(limit, "/limit", faults) else { return MAX_BULK };
    u32::try_from(limit).ok().filter(|limit| (1..=MAX_BULK).contains(limit)).unwrap_or_else(|| {
        faults.add("/limit", "out_of_range", format!("must be an integer from 1 to {MAX_BULK}"));
        MAX_BULK
    })
}

fn named(ids: Vec<Input<String>>, faults: &mut Faults) -> Vec<(String, Option<IssueRef>)> {
    if ids.is_empty() || ids.len() > MAX_BULK as usize {
        faults.add("/ids", "too_many", format!("must hold 1 to {MAX_BULK} ids or numbers"));
        return Vec::new();
    }
    let mut seen = std::collections::HashSet::new();
    let read = |(n, id)| text::required(id, &format!("/ids/{n}"), text::TRACE_FIELD, faults);
    let ids: Vec<String> = ids.into_iter().enumerate().map(read).collect();
    ids.into_iter().filter(|id| seen.insert(id.clone())).map(|id| (id.parse().ok(), id)).map(|(name, id)| (id, name)).collect()
}

/// By number, oldest first: what changes in the middle of it does not move.
fn matching(filter: ListFilter, limit: u32, cursor: Option<String>, faults: &mut Faults) -> IssueQuery {
    let mut query = IssueQuery { sort: Sort::Number, order: Order::Ascending, limit, ..IssueQuery::of(filter) };
    match cursor.map(|cursor| query.place(&cursor)).transpose() {
        Ok(place) => query.after = place,
        Err(wrong) => faults.add("/cursor", "not_a_cursor", wrong.to_string()),
    }
    query
}

impl ChangeSpec {
    fn parse(self, f: &mut Faults) -> BulkChange {
        let silent = self == Self::default();
        let labels = (text::LABEL, text::MAX_LABELS);
        let people = (text::ASSIGNEE, text::MAX_ASSIGNEES);
        let change = BulkChange {
            labels: set_wish((self.labels, self.labels_add, self.labels_remove), "labels", labels, f),
            assignees: set_wish((self.assignees, self.assignees_add, self.assignees_remove), "assignees", people, f),
            milestone: match self.milestone {
                Input::Absent => None,
                sent @ (Input::Null | Input::Value(_) | Input::WrongType(_)) => {
                    Some(text::optional(sent, "/change/milestone", text::MILESTONE, f))
                }
            },
            state: state_wish(self.state, self.close_reason, self.blocked_reason, f),
        };
        refuse_unknown(&self.unknown, "/change", f);
        if silent {
            f.add("/change", "missing", "must name something to change");
        }
        change
    }
}

type Texts = Input<Vec<Input<String>>>;

fn set_wish((all, add, remove): (Texts, Texts, Texts), name: &str, (rule, most): (text::TextRule, usize), f: &mut Faults) -> SetWish {
    let mut set = |input: Texts, pointer: String| match input {
        Input::Absent => None,
        sent @ (Input::Null | Input::Value(_) | Input::WrongType(_)) => Some(text::set(sent, &pointer, rule, most, f)),
    };
    let all = set(all, format!("/change/{name}"));
    let add = set(add, format!("/change/{name}_add")).unwrap_or_default();
    let remove = set(remove, format!("/change/{name}_remove")).unwrap_or_default();
    if all.is_some() && !(add.is_empty() && remove.is_empty()) {
        f.add(format!("/change/{name}"), "contradiction", format!("give {name}, or {name}_add and {name}_remove"));
    }
    SetWish { all, add, remove }
}

fn state_wish(state: Input<String>, close_reason: Input<String>, blocked_reason: Input<String>, f: &mut Faults) -> Option<StateWish> {
    let state = word::<StateName>(state, "/change/state", f);
    let closing = word::<CloseReason>(close_reason, "/change/close_reason", f);
    let blocking = text::optional(blocked_reason, "/change/blocked_reason", text::REASON, f);
    if closing.is_some() && state != Some(StateName::Closed) {
        f.add("/change/close_reason", "contradiction", "belongs to state closed");
    }
    if blocking.is_some() && state != Some(StateName::Blocked) {
        f.add("/change/blocked_reason", "contradiction", "belongs to state blocked");
    }
    Some(match state? {
        StateName::Open => StateWish::Open,
        StateName::InProgress => StateWish::InProgress,
        StateName::Closed => StateWish::Closed(closing.unwrap_or(CloseReason::Completed)),
        StateName::Blocked => StateWish::Blocked(blocking.unwrap_or_else(|| {
            f.add("/change/blocked_reason", "missing", "is required with state blocked");
            String::new()
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::codes;
    use super::*;

    fn bulk(json: &str) -> Result<BulkEdit, Faults> {
        serde_json::from_str::<BulkSpec>(json).unwrap().parse()
    }

    #[test]
    fn a_bulk_edit_has_a_target_and_a_change() {
        let edit = bulk(
            r#"{"filter":{"state":["open","blocked"],"unassigned":true},"change":{"labels_add":["a"],"milestone":null},"dry_run":true}"#,
        );
        let edit = edit.unwrap();
        assert!(
            edit.dry_run
                && matches!(&edit.target, BulkTarget::Matching(query) if query.filter.states.len() == 2 && query.limit == MAX_BULK)
        );
        assert_eq!(edit.change.milestone, Some(None));
        let BulkTarget::Named(ids) = bulk(r#"{"ids":["7","7","x"],"change":{"state":"closed"}}"#).unwrap().target else { panic!("named") };
        assert_eq!(ids.iter().map(|(_, name)| name.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn every_fault_of_a_bulk_edit_is_listed() {
        let at = |pointer: &str, code| (pointer.to_owned(), code);
        assert_eq!(codes(bulk("{}")), [at("/change", "missing"), at("/ids", "missing")]);
        let faults = codes(bulk(
            r#"{"ids":["1"],"filter":{"stat":"open","label":7},"change":{"state":"blocked","close_reason":"completed","labels":[],"labels_add":["x"],"due":1},"limit":0,"more":1}"#,
        ));
        let expected = [
            at("/change/labels", "contradiction"),
            at("/change/close_reason", "contradiction"),
            at("/change/blocked_reason", "missing"),
            at("/change/due", "unknown_field"),
            at("/filter/label", "wrong_type"),
            at("/filter/stat", "unknown_field"),
            at("/limit", "out_of_range"),
            at("/more", "unknown_field"),
            at("/filter", "contradiction"),
        ];
        assert_eq!(faults, expected);
    }
}
