//! A task without faults, ready to become an issue.

use chrono::{Days, NaiveDate};

use super::TaskOrigin;
use super::relation::WantedRelation;
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
