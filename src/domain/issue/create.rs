//! A task without faults, ready to become an issue.

use chrono::{Days, NaiveDate};

use super::relation::{IssueRelation, WantedRelation};
use super::{Issue, Review, State, TaskOrigin};
use crate::domain::base::id::{IssueId, IssueNumber};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::vocabulary::{Kind, Priority};

/// When the task is due: a number of days after it is accepted, or a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueDate {
    InDays(u64),
    On(NaiveDate),
}

impl DueDate {
    /// The date, for a task accepted on `today`.
    #[must_use]
    pub fn date(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::InDays(days) => today.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX),
            Self::On(date) => date,
        }
    }
}

impl std::fmt::Display for DueDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InDays(days) => write!(f, "+{days}"),
            Self::On(date) => date.fmt(f),
        }
    }
}

/// A creation without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIssue {
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub priority: Priority,
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub milestone: Option<String>,
    pub due: Option<DueDate>,
    pub target_repo: Option<String>,
    pub origin: TaskOrigin,
    pub review_required: bool,
    /// As the caller names the other ends.
    pub relations: Vec<WantedRelation>,
}

impl CreateIssue {
    /// The issue as it stands before it is filed: without a number, and held by the store. The store looked up the other ends.
    #[must_use]
    pub fn into_issue(self, relations: Vec<IssueRelation>, store: &str, stamp: Stamp) -> Issue {
        Issue {
            id: IssueId(stamp.id),
            number: IssueNumber::UNASSIGNED,
            due_on: self.due.map(|due| due.date(stamp.now.date_naive())),
            title: self.title,
            description: self.description,
            state: State::Open,
            priority: self.priority,
            kind: self.kind,
            labels: self.labels,
            assignees: self.assignees,
            milestone: self.milestone,
            relations,
            target_repo: self.target_repo,
            backend: store.to_owned(),
            url: None,
            origin: self.origin,
            review: if self.review_required { Review::Pending } else { Review::None },
            claim: None,
            version: 1,
            created_at: stamp.now,
            updated_at: stamp.now,
            archived_at: None,
        }
    }
}
