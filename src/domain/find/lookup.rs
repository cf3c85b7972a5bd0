//! What was filed for a trigger or a definition, and what is known under a tracker's name: how a caller compares its own log with what is here.

use chrono::{DateTime, Utc};

use crate::domain::base::id::{IssueId, IssueNumber};
use crate::domain::base::vocabulary::StateName;
use crate::domain::issue::TaskOrigin;

/// Ids to look up, and the limit of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueLookup {
    pub by: LookupBy,
    pub ids: Vec<String>,
    pub per_id: u32,
    pub most: u32,
}

/// What the ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupBy {
    TriggeringEvent,
    ActivityDefinition,
    /// What people call it in a tracker, alone (`acme/tools#12`) or behind the backend's name (`gitea:acme/tools#12`).
    TrackerKey,
}

/// An issue that was found, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIssue {
    /// Which of the ids it was found under.
    pub place: usize,
    pub id: IssueId,
    pub number: IssueNumber,
    pub title: String,
    pub state: StateName,
    pub target_repo: Option<String>,
    pub backend: String,
    pub url: Option<String>,
    pub origin: TaskOrigin,
    pub created_at: DateTime<Utc>,
}
