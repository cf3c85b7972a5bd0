//! The fields of an issue to change.

use chrono::NaiveDate;

use super::Issue;
use super::relation::IssueRelation;
use crate::domain::base::vocabulary::{Kind, Priority};

/// The fields to change. An absent field stays; the inner `None` clears one that may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditIssue {
    pub title: Option<String>,
    pub description: Option<String>,
    pub priority: Option<Priority>,
    pub kind: Option<Kind>,
    pub labels: Option<Vec<String>>,
    pub assignees: Option<Vec<String>>,
    pub milestone: Option<Option<String>>,
    pub due_on: Option<Option<NaiveDate>>,
    pub relations: Option<Vec<IssueRelation>>,
}

impl EditIssue {
    pub(in crate::domain) fn apply(self, issue: &mut Issue) {
        let Self { title, description, priority, kind, labels, assignees, milestone, due_on, relations } = self;
        set(&mut issue.title, title);
        set(&mut issue.description, description);
        set(&mut issue.priority, priority);
        set(&mut issue.kind, kind);
        set(&mut issue.labels, labels);
        set(&mut issue.assignees, assignees);
        set(&mut issue.milestone, milestone);
        set(&mut issue.due_on, due_on);
        set(&mut issue.relations, relations);
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
