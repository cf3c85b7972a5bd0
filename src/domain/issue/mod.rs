//! An issue as it stands now. Every change to one goes through [`super::decide`].

pub mod comment;
pub mod create;
pub mod edit;
pub mod relation;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::base::id::{IssueId, IssueNumber};
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, ReviewState, SourceType, StateName};
use crate::domain::issue::relation::IssueRelation;

/// The whole current state of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub id: IssueId,
    pub number: IssueNumber,
    pub title: String,
    pub description: String,
    pub state: State,
    pub priority: Priority,
    pub kind: Kind,
    /// Unique ignoring case, in the order given.
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub milestone: Option<String>,
    pub due_on: Option<NaiveDate>,
    /// Each once, in the order given; one parent at most.
    pub relations: Vec<IssueRelation>,
    pub target_repo: Option<String>,
    /// The kind of backend that holds the task (`sqlite`, `postgres`, `gitea`, …).
    pub backend: String,
    /// Where the issue is seen in its tracker, once it is there.
    pub url: Option<String>,
    pub origin: TaskOrigin,
    pub review: Review,
    pub claim: Option<Claim>,
    /// How many events the issue has: each event raises it by one, so it is also the newest event's sequence number.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
}

/// What an issue is doing, with what belongs to each state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open,
    InProgress,
    Blocked {
        reason: String,
        since: DateTime<Utc>,
        /// Work had started before; unblocking goes back to `in_progress` instead of `open`.
        was_started: bool,
    },
    Closed {
        reason: CloseReason,
        at: DateTime<Utc>,
    },
}

impl State {
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Open => StateName::Open,
            Self::InProgress => StateName::InProgress,
            Self::Blocked { .. } => StateName::Blocked,
            Self::Closed { .. } => StateName::Closed,
        }
    }
}

/// Which trigger produced the task: the four trace fields of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskOrigin {
    pub source_type: Option<SourceType>,
    pub source_id: Option<String>,
    pub triggering_event_id: Option<String>,
    pub activity_definition_id: Option<String>,
}

/// Where the issue stands in the review queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    None,
    Pending,
    Approved,
    Rejected { reason: String },
}

impl Review {
    #[must_use]
    pub const fn state(&self) -> ReviewState {
        match self {
            Self::None => ReviewState::None,
            Self::Pending => ReviewState::Pending,
            Self::Approved => ReviewState::Approved,
            Self::Rejected { .. } => ReviewState::Rejected,
        }
    }
}

/// The holder of an issue, and the time until which the claim excludes other holders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub holder: String,
    pub until: DateTime<Utc>,
}

impl Claim {
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        now < self.until
    }
}

impl Issue {
    /// Whether the issue may go to a tracker: nothing of it leaves before its review is approved, where it needs one.
    #[must_use]
    pub const fn may_leave(&self) -> bool {
        match self.review {
            Review::None | Review::Approved => true,
            Review::Pending | Review::Rejected { .. } => false,
        }
    }

    /// The name of this edition of it: what a caller gives back to change this edition and no other.
    #[must_use]
    pub fn edition(&self) -> String {
        self.version.to_string()
    }

    #[must_use]
    pub fn closed_at(&self) -> Option<DateTime<Utc>> {
        match self.state {
            State::Closed { at, .. } => Some(at),
            State::Open | State::InProgress | State::Blocked { .. } => None,
        }
    }

    /// The claim, unless it has run out.
    #[must_use]
    pub fn live_claim(&self, now: DateTime<Utc>) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.is_live(now))
    }
}
