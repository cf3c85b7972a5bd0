//! An issue as we ask a tracker to hold it: our fields, its user names, a body with its footer,
//! everything within its limits.
//!
//! The draft last sent is kept with the link, so that an update carries only what changed since ([`DraftEdit`]).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::capability::Capabilities;
use super::label_names::LabelNames;
use super::set::{RemoteRelation, SetChange};
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, StateName};
use crate::domain::tracker::Field;

/// Made by [`fit`](super::fit()) only. To add a field: here, in `fit`, in each tracker's `convert`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub title: String,
    /// With the footer that holds the marker.
    pub body: String,
    pub state: StateName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<CloseReason>,
    pub priority: Priority,
    pub kind: Kind,
    /// The free ones, without those that stand for a state, a priority or a kind; [`Draft::all_labels`] has both.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The tracker's own names of people.
    #[serde(default)]
    pub assignees: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<NaiveDate>,
    /// Those that the tracker can hold, to issues it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<RemoteRelation>,
}

impl Draft {
    /// Every label the issue shall carry there: the free ones, and those that stand for what the tracker has no field for.
    #[must_use]
    pub fn all_labels(&self, names: &LabelNames, capabilities: &Capabilities) -> Vec<String> {
        if !capabilities.labels {
            return Vec::new();
        }
        let mut labels = self.labels.clone();
        labels.extend(names.labels_for(self, capabilities));
        labels
    }
}

/// The change from the last sent draft to the new one. Each method answers `None` where nothing
/// changed: then the field is left out of the request, and changes that users made in the tracker
/// stay.
#[derive(Debug, Clone, Copy)]
pub struct DraftEdit<'a> {
    pub before: &'a Draft,
    pub after: &'a Draft,
}

impl<'a> DraftEdit<'a> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// Which fields differ.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let all = [
            (Field::Title, self.title().is_some()),
            (Field::Description, self.body().is_some()),
            (Field::State, self.state().is_some()),
            (Field::Priority, self.priority().is_some()),
            (Field::Kind, self.kind().is_some()),
            (Field::Labels, SetChange::between(&self.before.labels, &self.after.labels).is_some()),
            (Field::Assignees, self.assignees().is_some()),
            (Field::Milestone, self.milestone().is_some()),
            (Field::DueOn, self.due_on().is_some()),
            (Field::Relations, self.relations().is_some()),
        ];
        all.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
    }

    #[must_use]
    pub fn title(&self) -> Option<&'a str> {
        (self.before.title != self.after.title).then_some(&self.after.title)
    }

    #[must_use]
    pub fn body(&self) -> Option<&'a str> {
        (self.before.body != self.after.body).then_some(&self.after.body)
    }

    /// The state, and why where it is closed.
    #[must_use]
    pub fn state(&self) -> Option<(StateName, Option<CloseReason>)> {
        let of = |draft: &Draft| (draft.state, draft.close_reason);
        (of(self.before) != of(self.after)).then(|| of(self.after))
    }

    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        (self.before.priority != self.after.priority).then_some(self.after.priority)
    }

    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        (self.before.kind != self.after.kind).then_some(self.after.kind)
    }

    /// Free labels and those that stand for something, together.
    #[must_use]
    pub fn labels(&self, names: &LabelNames, capabilities: &Capabilities) -> Option<SetChange> {
        SetChange::between(&self.before.all_labels(names, capabilities), &self.after.all_labels(names, capabilities))
    }

    #[must_use]
    pub fn assignees(&self) -> Option<SetChange> {
        SetChange::between(&self.before.assignees, &self.after.assignees)
    }

    /// `Some(None)`: take it away.
    #[must_use]
    pub fn milestone(&self) -> Option<Option<&'a str>> {
        (self.before.milestone != self.after.milestone).then_some(self.after.milestone.as_deref())
    }

    /// `Some(None)`: take it away.
    #[must_use]
    pub fn due_on(&self) -> Option<Option<NaiveDate>> {
        (self.before.due_on != self.after.due_on).then_some(self.after.due_on)
    }
    #[must_use]
    pub fn relations(&self) -> Option<SetChange<RemoteRelation>> {
        SetChange::between(&self.before.relations, &self.after.relations)
    }
}
