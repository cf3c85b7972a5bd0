//! What the queue of messages is asked, and what it answers: the words of [`Store`](super::Store) about messages.
//!
//! No SQL here. A lane is what waits for one target about one issue; within it messages are done in the order they were written.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::{Lease, MessageKind, MessageState, QueuePosition};

/// A wish for work.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRequest<'a> {
    pub target: &'a str,
    pub now: DateTime<Utc>,
    /// Pass over what comes before this spot. Where deleted rows cannot be cleaned up (some reader holds a transaction
    /// open), a scan from the very beginning has to step over all of them; somebody must still look there now and then.
    pub since: Option<QueuePosition>,
    pub lease: Duration,
    pub limit: u32,
    /// The proof of the new leases.
    pub token: Uuid,
}

/// The answer to a wish.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeasedMessages {
    pub leases: Vec<Lease>,
    /// As much was looked at as was wished for: there may be more, also where nothing could be leased.
    pub more: bool,
}

/// How the work on a leased message ended, other than well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRelease {
    pub message_id: i64,
    pub token: Uuid,
    pub at: DateTime<Utc>,
    pub then: AfterRelease,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterRelease {
    /// It was not tried: the attempt is not counted, nothing is told.
    PutBack,
    /// Not its fault (a limit, a refused credential): the attempt is not counted, but why it waits is told.
    PutOff {
        due_at: DateTime<Utc>,
        error: String,
    },
    Retry {
        due_at: DateTime<Utc>,
        started: DateTime<Utc>,
        error: String,
    },
    Dead {
        started: DateTime<Utc>,
        error: String,
    },
}

impl MessageRelease {
    #[must_use]
    pub const fn of(lease: &Lease, at: DateTime<Utc>, then: AfterRelease) -> Self {
        Self { message_id: lease.message.id, token: lease.token, at, then }
    }
}

/// Which messages an operator means. An absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub kind: Option<MessageKind>,
    pub target: Option<String>,
    pub state: Option<MessageState>,
}

/// How much waits, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    pub kind: MessageKind,
    pub target: String,
    pub state: MessageState,
    pub depth: i64,
    pub oldest: DateTime<Utc>,
}
