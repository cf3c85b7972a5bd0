//! Changing what an issue says.

use chrono::NaiveDate;

use super::{Cause, Decision, Refusal, not_archived, step};
use crate::domain::event::EventKind;
use crate::domain::issue::Issue;
use crate::domain::relation::{self, IssueRelation};
use crate::domain::stamp::Stamp;
use crate::domain::vocabulary::{Kind, Priority};

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
    pub(super) fn apply(self, issue: &mut Issue) {
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

/// Closed issues may be edited too: a wrong label on a closed issue is still wrong.
pub fn edit(issue: &Issue, edit: EditIssue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    if edit.relations.iter().any(|set| relation::issues(set).any(|id| id == issue.id)) {
        return Err(Refusal::new("relation_to_itself", format!("issue #{} cannot stand in a relation to itself", issue.number)));
    }
    let mut wished = issue.clone();
    edit.apply(&mut wished);
    if wished == *issue {
        return Ok(None);
    }
    Ok(Some(step(issue, EventKind::Edited, cause, stamp, |issue, _| *issue = wished)))
}
