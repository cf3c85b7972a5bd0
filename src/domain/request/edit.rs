//! An edit as a caller sends it, a JSON merge patch: an absent field stays, `null` clears one that may be empty.
//!
//! What is not in the list is a fault that says what to use instead: an edit that is silently not made is worse than a
//! refusal. To add a field: here, in [`EditIssue`], and out of `READ_ONLY`.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::base::fault::Faults;
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::word::{date, word};
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::relation;
use crate::domain::issue::relation::{RelationSpec, WantedRelation};

/// The keys of a body that its shape does not know, in order: the rest of a flattened struct.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UnknownKeys(BTreeSet<String>);

impl<'de> Deserialize<'de> for UnknownKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = UnknownKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.insert(key);
                }
                Ok(UnknownKeys(keys))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// The body of an edit, types unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PatchSpec {
    pub title: Input<String>,
    pub description: Input<String>,
    pub priority: Input<String>,
    pub kind: Input<String>,
    pub labels: Input<Vec<Input<String>>>,
    pub assignees: Input<Vec<Input<String>>>,
    pub milestone: Input<String>,
    pub due_on: Input<String>,
    pub relations: Input<Vec<Input<RelationSpec>>>,
    #[serde(flatten)]
    pub unknown: UnknownKeys,
}

/// An edit without faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuePatch {
    /// Without the relations: the issues they name must still be looked up.
    pub edit: EditIssue,
    pub relations: Option<Vec<WantedRelation>>,
}

/// As a part of another body.
impl JsonType for PatchSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

/// What an issue shows but an edit does not change, and the way that does.
const READ_ONLY: &[(&str, &str)] = &[
    ("state", "use POST /issues/{id}/start, /block, /unblock, /close or /reopen"),
    ("blocked_reason", "use POST /issues/{id}/block"),
    ("blocked_at", "use POST /issues/{id}/block"),
    ("close_reason", "use POST /issues/{id}/close"),
    ("closed_at", "use POST /issues/{id}/close"),
    ("review", "use POST /issues/{id}/review/approve or /review/reject"),
    ("review_reason", "use POST /issues/{id}/review/reject"),
    ("review_required", "it is decided when the task is filed"),
    ("claimed_by", "use POST /issues/{id}/claim or /release"),
    ("claimed_until", "use POST /issues/{id}/claim"),
    ("archived_at", "use DELETE /issues/{id}, or POST /issues/{id}/restore"),
    ("version", "send it as If-Match instead"),
    ("due_in_days", "use due_on"),
    ("id", "it never changes"),
    ("number", "it never changes"),
    ("target_repo", "it is part of what the task is; file another task"),
    ("backend", "it follows from the routing"),
    ("url", "it comes from the tracker"),
    ("source_type", "it says where the task came from"),
    ("source_id", "it says where the task came from"),
    ("triggering_event_id", "it says where the task came from"),
    ("activity_definition_id", "it says where the task came from"),
    ("created_at", "it is kept by the service"),
    ("updated_at", "it is kept by the service"),
];

impl PatchSpec {
    /// Checks meaning, collecting every fault; pointers begin with `root`.
    pub fn parse(self, root: &str, faults: &mut Faults) -> IssuePatch {
        let at = |field: &str| format!("{root}/{field}");
        let edit = EditIssue {
            title: filled(self.title, &at("title"), faults).map(|title| text::required(title, &at("title"), text::TITLE, faults)),
            description: sent(self.description).map(|description| text::kept(description, &at("description"), text::DESCRIPTION, faults)),
            priority: filled(self.priority, &at("priority"), faults).and_then(|priority| word(priority, &at("priority"), faults)),
            kind: filled(self.kind, &at("kind"), faults).and_then(|kind| word(kind, &at("kind"), faults)),
            labels: sent(self.labels).map(|labels| text::set(labels, &at("labels"), text::LABEL, text::MAX_LABELS, faults)),
            assignees: sent(self.assignees)
                .map(|assignees| text::set(assignees, &at("assignees"), text::ASSIGNEE, text::MAX_ASSIGNEES, faults)),
            milestone: sent(self.milestone).map(|milestone| text::optional(milestone, &at("milestone"), text::MILESTONE, faults)),
            due_on: sent(self.due_on).map(|due| date(due, &at("due_on"), faults)),
            relations: None,
        };
        let relations = sent(self.relations).map(|set| relation::wishes(set, &at("relations"), faults));
        refuse_unknown(&self.unknown, root, faults);
        IssuePatch { edit, relations }
    }
}

/// The field if it was sent at all.
fn sent<T>(input: Input<T>) -> Option<Input<T>> {
    match input {
        Input::Absent => None,
        sent @ (Input::Null | Input::Value(_) | Input::WrongType(_)) => Some(sent),
    }
}

/// The field if it was sent, where `null` is a fault.
fn filled<T>(input: Input<T>, pointer: &str, faults: &mut Faults) -> Option<Input<T>> {
    match input {
        Input::Absent => None,
        Input::Null => {
            faults.add(pointer, "not_nullable", "must have a value; leave the field out to keep it as it is");
            None
        }
        sent @ (Input::Value(_) | Input::WrongType(_)) => Some(sent),
    }
}

/// Every key that is not known, with what to use instead where there is something.
pub(in crate::domain) fn refuse_unknown(unknown: &UnknownKeys, root: &str, faults: &mut Faults) {
    refuse_others(unknown, root, READ_ONLY, faults);
}

/// The same, with another hint for each key about what to use instead.
pub(in crate::domain) fn refuse_others(unknown: &UnknownKeys, root: &str, instead_of: &[(&str, &str)], faults: &mut Faults) {
    for name in &unknown.0 {
        let pointer = format!("{root}/{}", name.replace('~', "~0").replace('/', "~1"));
        match instead_of.iter().find(|(field, _)| field == name) {
            Some((_, instead)) => faults.add(pointer, "read_only", format!("cannot be set here: {instead}")),
            None => faults.add(pointer, "unknown_field", "is not a field of this request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<IssuePatch, Vec<(String, &'static str)>> {
        let mut faults = Faults::default();
        let edit = serde_json::from_str::<PatchSpec>(json).unwrap().parse("", &mut faults);
        faults.into_result(edit).map_err(|faults| faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect())
    }

    #[test]
    fn an_absent_field_stays_and_null_clears_what_may_be_empty() {
        assert_eq!(parse("{}"), Ok(IssuePatch::default()));
        let edit = EditIssue {
            description: Some(String::new()),
            labels: Some(vec![]),
            assignees: Some(vec![]),
            milestone: Some(None),
            due_on: Some(None),
            ..EditIssue::default()
        };
        let cleared = IssuePatch { edit, relations: Some(vec![]) };
        assert_eq!(
            parse(r#"{"description":null,"labels":null,"assignees":null,"milestone":null,"due_on":null,"relations":null}"#),
            Ok(cleared)
        );
    }

    #[test]
    fn all_faults_are_listed_at_once_and_what_cannot_be_edited_says_what_to_use() {
        let faults = parse(
            r#"{"title":null,"priority":null,"kind":"story","labels":[1],"due_on":"soon","milestone":5,"state":"closed","a/b~c":{"x":[1]}}"#,
        );
        let expected = [
            ("/title", "not_nullable"),
            ("/priority", "not_nullable"),
            ("/kind", "unknown_word"),
            ("/labels/0", "wrong_type"),
            ("/milestone", "wrong_type"),
            ("/due_on", "not_a_date"),
            ("/a~1b~0c", "unknown_field"),
            ("/state", "read_only"),
        ];
        assert_eq!(faults, Err(expected.map(|(pointer, code)| (pointer.to_owned(), code)).to_vec()));
    }

    #[test]
    fn every_field_of_an_issue_can_be_edited_or_says_why_not() {
        for (field, _) in READ_ONLY {
            assert_eq!(parse(&format!(r#"{{"{field}":null}}"#)), Err(vec![(format!("/{field}"), "read_only")]));
        }
    }
}
