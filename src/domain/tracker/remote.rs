//! An issue as a tracker holds it, and how it is addressed there.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::project::Project;
use super::set::RemoteRelation;
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, StateName};

/// The address of an issue in a tracker. Kept with the link; never built from an answer's URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRef {
    pub place: Project,
    /// The API's id within the project (an index, an iid, a key, a UUID).
    pub id: String,
    /// What people call it: `acme/tools#12`, `OPS-7`.
    pub key: String,
    pub url: Option<String>,
}

/// What is there now. What a tracker does not have is absent, which is not the same as empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteIssue {
    pub at: RemoteRef,
    pub title: String,
    /// As Markdown, whatever format the tracker keeps.
    pub body: String,
    /// Open where neither a field nor a label says more.
    pub state: StateName,
    pub close_reason: Option<CloseReason>,
    pub priority: Option<Priority>,
    pub kind: Option<Kind>,
    /// The free ones, as [`LabelNames::read`](super::LabelNames::read) leaves them.
    pub labels: Vec<String>,
    /// The tracker's own names of people.
    pub assignees: Vec<String>,
    pub milestone: Option<String>,
    pub due_on: Option<NaiveDate>,
    /// The relations that the tracker can hold; absent where this answer does not contain them (a
    /// list).
    pub relations: Option<Vec<RemoteRelation>>,
    /// What is left where something was moved away from: to be read, which leads to where it is, and not to be taken for an issue.
    pub moved_away: bool,
    /// The number of comments, if the tracker returns it with the issue.
    pub comments: Option<u32>,
    /// By the tracker's clock: to be compared with other moments of the same clock only.
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The tracker's name of this edition, if an update can require it.
    pub version: Option<String>,
}

impl RemoteIssue {
    /// The remote issue as a draft. Fields that the tracker does not return are as in `like`.
    /// Relations are the exception, because a list may leave them out: they are sent again. The
    /// difference to the new draft is what must be sent.
    #[must_use]
    pub fn as_draft(&self, like: &Draft) -> Draft {
        Draft {
            title: self.title.clone(),
            body: self.body.clone(),
            state: self.state,
            close_reason: self.close_reason.or(like.close_reason),
            priority: self.priority.unwrap_or(like.priority),
            kind: self.kind.unwrap_or(like.kind),
            labels: self.labels.clone(),
            assignees: self.assignees.clone(),
            milestone: self.milestone.clone(),
            due_on: self.due_on,
            relations: self.relations.clone().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteComment {
    /// What the API calls it.
    pub id: String,
    pub url: Option<String>,
    pub author: Option<String>,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePage<T> {
    pub items: Vec<T>,
    /// What to ask with for the next page; none after the last. An empty page may have a next one.
    pub next: Option<String>,
}
