//! A conflict: its field, the values of both sides, and its resolution.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::base::id::IssueId;
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::Field;

vocabulary! {
    ConflictState {
        /// The field waits for an operator's decision.
        Open = "open",
        /// An operator decided; the value is on its way to both sides.
        Decided = "decided",
        /// Settled, by a rule or by an operator.
        Resolved = "resolved",
    }
}

vocabulary! {
    /// What became of it.
    Resolution {
        /// Ours stands; it goes to the tracker.
        Local = "local",
        /// Theirs stands; it comes here.
        External = "external",
        /// Another value, which an operator wrote.
        Other = "other",
        /// Both sides came to the same value without a decision.
        Agreed = "agreed",
    }
}

vocabulary! {
    /// Why the two sides do not agree by themselves.
    ConflictCause {
        /// Both sides changed the field, or one changed a field that the other owns.
        Diverged = "diverged",
        /// The field went back and forth between the sides too often.
        PingPong = "ping_pong",
    }
}

/// One conflict, even if many pushes meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub id: Uuid,
    pub issue_id: IssueId,
    /// The backend's configured name.
    pub backend: String,
    pub field: Field,
    /// The comment, where it is about one.
    pub comment: Option<Uuid>,
    pub base: Value,
    pub ours: Value,
    pub theirs: Value,
    pub state: ConflictState,
    pub resolution: Option<Resolution>,
    pub cause: ConflictCause,
    /// Which rule settled it, or why it waits.
    pub why: String,
    pub opened_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<String>,
    /// Raised by every change of it.
    pub edition: i64,
}

/// Which records are asked for. An absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    pub state: Option<ConflictState>,
    pub issue: Option<IssueId>,
    pub backend: Option<String>,
}

/// What becomes of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictWrite {
    New(Conflict),
    /// Only if it still has the edition the decision was taken on; else the whole change is stale.
    Change {
        conflict: Conflict,
        read_edition: i64,
    },
}

/// What the history keeps of it. The record of the conflict holds both values, because texts can be
/// long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictNote {
    pub id: Uuid,
    pub backend: String,
    pub field: Field,
    /// `None`: it waits for an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    pub why: String,
}
