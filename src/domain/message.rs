//! A durable intent to do something outside, written with the fact that causes it.

use chrono::{DateTime, Utc};

use super::event::Event;
use super::id::IssueId;
use super::vocabulary::vocabulary;

vocabulary! {
    /// What a message asks for.
    MessageKind {
        /// Decide who must hear of an event, and write one message for each of them.
        Dispatch = "dispatch",
    }
}

/// A message about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub kind: MessageKind,
    /// Who it is for. One message, one target, one retry clock.
    pub target: String,
    pub issue_id: IssueId,
    /// The event it is about.
    pub event_seq: i64,
    pub due_at: DateTime<Utc>,
    pub trace: Option<String>,
}

/// A message as it waits in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: i64,
    pub kind: MessageKind,
    pub target: String,
    pub issue_id: IssueId,
    pub event_seq: i64,
    /// How often it was tried.
    pub attempt: i32,
    pub due_at: DateTime<Utc>,
    pub trace: Option<String>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl NewMessage {
    /// The message that follows every event, once anybody outside is configured to hear of them.
    #[must_use]
    pub fn dispatch(event: &Event) -> Self {
        Self {
            kind: MessageKind::Dispatch,
            target: MessageKind::Dispatch.as_str().to_owned(),
            issue_id: event.issue_id,
            event_seq: event.seq,
            due_at: event.at,
            trace: event.trace.clone(),
        }
    }
}
