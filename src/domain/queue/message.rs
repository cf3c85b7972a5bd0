//! A durable intent to do something outside, written with the fact that causes it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::base::id::IssueId;
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::event::Event;

vocabulary! {
    /// What a message asks for.
    MessageKind {
        /// Find the targets of an event, and write one message for each of them.
        Dispatch = "dispatch",
        /// Send an event to one sink; the target is the sink's name.
        Publish = "publish",
        /// Push an issue to one tracker, in its state at that time; the target is the backend's
        /// name.
        Push = "push",
    }
}

vocabulary! {
    /// How a message stands, as an operator sees it.
    MessageState {
        /// Not tried yet, or being tried for the first time.
        Pending = "pending",
        /// It failed, and will be tried again.
        Retrying = "retrying",
        /// Given up: kept until an operator retries or discards it. The messages behind it in its
        /// lane continue.
        Dead = "dead",
    }
}

/// A message about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub kind: MessageKind,
    /// The target. One message, one target, one retry clock.
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
    /// How often it was tried, an attempt under way included.
    pub attempt: i32,
    pub due_at: DateTime<Utc>,
    /// The end of the worker's lease.
    pub leased_until: Option<DateTime<Utc>>,
    pub trace: Option<String>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub dead_at: Option<DateTime<Utc>>,
}

impl Message {
    #[must_use]
    pub const fn state(&self) -> MessageState {
        match (self.dead_at, &self.last_error) {
            (Some(_), _) => MessageState::Dead,
            (None, Some(_)) => MessageState::Retrying,
            (None, None) => MessageState::Pending,
        }
    }
}

/// A position in the order in which the messages of a target are due. Many may be due at one
/// moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePosition {
    pub due_at: DateTime<Utc>,
    pub id: i64,
}

impl QueuePosition {
    pub const BEGINNING: Self = Self::before_all(DateTime::UNIX_EPOCH);

    /// Before everything that is due at the moment.
    #[must_use]
    pub const fn before_all(due_at: DateTime<Utc>) -> Self {
        Self { due_at, id: 0 }
    }
}

/// The proof that a message is ours to settle: a stale token settles nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settle {
    pub message_id: i64,
    pub token: Uuid,
    /// When the attempt began, if the history records it.
    pub started: Option<DateTime<Utc>>,
    pub at: DateTime<Utc>,
}

/// The proof that a message is ours to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub message_id: i64,
    pub token: Uuid,
}

/// A message that is ours until `until`, and the token that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub message: Message,
    pub token: Uuid,
    pub until: DateTime<Utc>,
}

impl Lease {
    /// The work is done, at `at`. With the moment it began, the attempt is kept in the history.
    #[must_use]
    pub const fn settle(&self, started: Option<DateTime<Utc>>, at: DateTime<Utc>) -> Settle {
        Settle { message_id: self.message.id, token: self.token, started, at }
    }
}

impl Lease {
    /// The proof that it is ours, for what is written before the work is done.
    #[must_use]
    pub const fn hold(&self) -> Hold {
        Hold { message_id: self.message.id, token: self.token }
    }
}

impl NewMessage {
    /// Stands for an event's number: the message is about a change in the tracker.
    pub const REMOTE: i64 = 0;

    /// The remote issue changed: the push reconciles both sides.
    #[must_use]
    pub fn agree(issue_id: IssueId, backend: &str, now: DateTime<Utc>) -> Self {
        Self { kind: MessageKind::Push, target: backend.to_owned(), issue_id, event_seq: Self::REMOTE, due_at: now, trace: None }
    }

    /// The message that follows every event, if a sink or a tracker is configured.
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

    /// The message by which a dispatch sends an event to one sink.
    #[must_use]
    pub fn publish(dispatch: &Message, sink: &str, now: DateTime<Utc>) -> Self {
        Self::following(dispatch, MessageKind::Publish, sink, now)
    }

    /// What it becomes for one tracker that holds the issue, or shall.
    #[must_use]
    pub fn push(dispatch: &Message, backend: &str, now: DateTime<Utc>) -> Self {
        Self::following(dispatch, MessageKind::Push, backend, now)
    }

    fn following(dispatch: &Message, kind: MessageKind, target: &str, now: DateTime<Utc>) -> Self {
        Self {
            kind,
            target: target.to_owned(),
            issue_id: dispatch.issue_id,
            event_seq: dispatch.event_seq,
            due_at: now,
            trace: dispatch.trace.clone(),
        }
    }
}
