//! The queue of messages: leases, attempts, what operators read and do, and the calls between processes.
//!
//! [`Store::commit`](super::Store::commit) writes messages and settles them. A lane is what waits for one target about one
//! issue; within it messages are done in the order they were written.

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{Attempt, IssueId, Lease, Message, MessageKind, MessageState, Notice, QueuePosition};

/// Leases messages, keeps their attempts, and shows the queue.
#[async_trait]
pub trait QueueStore: Send + Sync + 'static {
    /// Leases messages of one target that are due, oldest first, whole heads of lanes in order: a message is leased only
    /// together with, or after the end of, every message before it in its lane that is not dead. Waits for no lock.
    ///
    /// - Each lease counts as an attempt and runs out by itself; then the message can be leased again.
    /// - Messages that are due but not first in their lane are put off until the first one may be done. They are due again
    ///   the moment it is settled, so that a dead target's backlog is not read again and again.
    async fn lease_messages(&self, request: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError>;

    /// Gives leases back after work that did not succeed. A lease with an outdated token changes
    /// nothing.
    async fn release(&self, releases: &[MessageRelease]) -> Result<(), StoreError>;

    /// The notice of each of these events, in the order asked; `None` where its issue was deleted meanwhile.
    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError>;

    /// Messages after the one of that id, oldest first, at most `limit`.
    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// The message of that id, `None` if it does not exist.
    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError>;

    /// Makes a message due now, a dead one alive, and its attempts none. One that is leased is left alone.
    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Deletes a message, leased or not, and keeps the reason in the history. `false`: it does not exist.
    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// How much waits, by kind, target and state. Reads every message: for a sampler, not for a request.
    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError>;

    /// How many messages wait for a target; counting stops at `most`.
    async fn count_waiting(&self, target: &str, most: u32) -> Result<u64, StoreError>;

    /// Of these issues, those with a message about the tracker's side
    /// ([`NewMessage::REMOTE`](crate::domain::NewMessage::REMOTE)) for that target that waits and is not leased: one more
    /// would say nothing new.
    async fn queued_pushes(&self, target: &str, issues: &[IssueId]) -> Result<Vec<IssueId>, StoreError>;

    /// The attempts made for these events of an issue, in their order, of each event the newest `most`.
    async fn attempts_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Attempt>, StoreError>;

    /// Deletes the oldest attempts that ended before that moment, at most `limit`; answers how many.
    async fn purge_attempts(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Notifies the other processes on this database that messages were written. Only an
    /// optimisation: it may get lost.
    async fn notify_processes(&self) -> Result<(), StoreError>;

    /// Calls `heard` for every notification of another process (and once at the start, for missed
    /// ones), until it fails.
    /// Where no other process can call it never ends.
    async fn listen(&self, heard: &(dyn Fn() + Sync)) -> Result<(), StoreError>;
}

/// A request for messages.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRequest<'a> {
    pub target: &'a str,
    pub now: DateTime<Utc>,
    /// Skips the messages before this position. Where deleted rows cannot be cleaned up (a reader
    /// holds a transaction open), a scan from the very beginning has to step over all of them. A
    /// worker must still scan from there now and then.
    pub since: Option<QueuePosition>,
    pub lease: Duration,
    pub limit: u32,
    /// The proof of the new leases.
    pub token: Uuid,
}

/// The answer to a request for messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeasedMessages {
    pub leases: Vec<Lease>,
    /// The poll read as many rows as requested: there may be more, even if nothing could be leased.
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
    /// It was not tried: the attempt is not counted, and nothing is recorded.
    PutBack,
    /// Not its fault (a limit, a refused credential): the attempt is not counted, but the reason
    /// for the wait is recorded.
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
