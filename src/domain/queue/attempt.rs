//! One attempt to do what a message asks for, as the history keeps it.

use chrono::{DateTime, Utc};

use super::message::MessageKind;
use crate::domain::base::id::IssueId;
use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// How an attempt ended.
    AttemptOutcome {
        Delivered = "delivered",
        /// It will be tried again.
        Failed = "failed",
        /// It was the last attempt: the message is kept as a dead letter.
        Dead = "dead",
        /// No attempt: an operator discarded the message. The error names the operator and the
        /// reason.
        Discarded = "discarded",
    }
}

/// Append-only, and dropped after a while. The message itself is gone once it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub id: i64,
    pub message_id: i64,
    pub kind: MessageKind,
    pub target: String,
    pub issue_id: IssueId,
    pub event_seq: i64,
    pub attempt: i32,
    pub outcome: AttemptOutcome,
    pub error: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub trace: Option<String>,
}
