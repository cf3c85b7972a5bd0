//! Many callers, one round trip: changes that wait at the same time are committed together, and so are single reads.
//!
//! Works on any [`Store`] and knows nothing of SQL or of what a change means. One caller alone never
//! waits for others; where many come, they are gathered while earlier work is under way. Everything is bounded: the batch, the
//! queue, and the bytes that wait in it. To group another call: a struct like [`GroupRead`] over `Queue`.

mod queue;
mod span;

use std::fmt;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use self::queue::CallQueue;
use super::queue::MessageRelease;
use super::wake::Wake;
use super::{CommitOutcome, Store, StoreError};
use crate::domain::{Change, CommentWrite, Issue, IssueRef, NewMessage};

/// How much is put together, and how much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    /// How many batches may be under way at once.
    pub tasks: usize,
    /// How many calls go into one batch.
    pub batch: usize,
    /// How many calls may wait; the next one is refused.
    pub queue: usize,
    /// How many bytes the calls that wait or are under way may hold together, roughly.
    pub bytes: usize,
}

impl GroupLimits {
    /// Two committers overlap one's work here with the other's wait for the disk; more only make the batches smaller.
    pub const COMMIT: Self = Self { tasks: 2, batch: 64, queue: 4096, bytes: 64 << 20 };
    /// For workers: they come in batches, and one transaction at a time is the cheapest for the database.
    pub const SETTLE: Self = Self { tasks: 2, batch: 256, queue: 1 << 16, bytes: 64 << 20 };
    pub const READ: Self = Self { tasks: 4, batch: 64, queue: 4096, bytes: 64 << 20 };
}

/// Why a grouped call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError {
    /// Too much waits already; this call was not taken, and nothing of it was done. Try again a little later.
    #[error("too many calls wait for the store")]
    Overloaded,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// [`Store::commit`] for single changes. Cheap to clone; the tasks end when the last clone is gone and the queue is empty.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    queue: CallQueue<Change, CommitOutcome>,
    writer: WakingWriter,
    announces: bool,
}

/// The store, and the workers to wake when messages are written.
#[derive(Clone)]
struct WakingWriter {
    store: Arc<dyn Store>,
    wake: Arc<Wake>,
}

impl GroupCommit {
    /// Starts the committers on `tracker`. Needs a running tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, limits: GroupLimits, tracker: &TaskTracker) -> Self {
        Self::waking(Arc::default(), store, limits, tracker)
    }

    /// The same, and wakes the workers of the messages that are committed.
    #[must_use]
    pub fn waking(wake: Arc<Wake>, store: Arc<dyn Store>, limits: GroupLimits, tracker: &TaskTracker) -> Self {
        let name = store.name();
        let writer = WakingWriter { store, wake };
        let committing = writer.clone();
        let commit = move |changes: Vec<Change>| {
            let writer = committing.clone();
            async move { writer.write(&changes).await.map_err(|error| (error, changes)) }
        };
        Self { queue: CallQueue::start(name, limits, tracker, commit), writer, announces: false }
    }

    /// From here on every event of every change gets a dispatch message. Set once, if a sink or a
    /// tracker is configured, so that no use case can forget it.
    #[must_use]
    pub fn announcing(mut self, announces: bool) -> Self {
        self.announces = announces;
        self
    }

    /// Commits the change together with the other waiting changes. One bad change does not fail the
    /// others.
    ///
    /// Once the change is taken it is committed, whether the caller still waits or not; it is never half done.
    pub async fn commit(&self, mut change: Change) -> Result<CommitOutcome, GroupError> {
        if self.announces {
            change.announce();
        }
        let weight = weight(&change);
        span::traced(span::commit(self.queue.name()), self.queue.call(change, weight)).await
    }

    /// Commits changes that are a batch already, past the queue and in one transaction: one by one in the queue they would
    /// make every single change behind them wait. One bad change does not sink the others here either; the error says that
    /// nothing is known of any of them.
    pub async fn commit_batch(&self, mut changes: Vec<Change>) -> Result<Vec<Result<CommitOutcome, StoreError>>, StoreError> {
        if self.announces {
            changes.iter_mut().for_each(Change::announce);
        }
        match self.writer.write(&changes).await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(Ok).collect()),
            Err(StoreError::Broken { .. }) if changes.len() > 1 => {
                let mut outcomes = Vec::with_capacity(changes.len());
                for change in &changes {
                    let written = self.writer.write(std::slice::from_ref(change)).await;
                    outcomes.push(written.map(|outcomes| outcomes.into_iter().next().expect("one change has one outcome")));
                }
                Ok(outcomes)
            }
            Err(error) => Err(error),
        }
    }
}

impl WakingWriter {
    async fn write(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError> {
        let outcomes = self.store.commit(changes).await?;
        self.wake.written(written_messages(changes, &outcomes));
        Ok(outcomes)
    }
}

impl fmt::Debug for WakingWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("store", &self.store.name()).finish_non_exhaustive()
    }
}

fn written_messages<'a>(changes: &'a [Change], outcomes: &'a [CommitOutcome]) -> impl Iterator<Item = &'a NewMessage> {
    let written = |(change, outcome): (&'a Change, &CommitOutcome)| {
        matches!(outcome, CommitOutcome::Inserted(_) | CommitOutcome::Written).then_some(change)
    };
    changes.iter().zip(outcomes).filter_map(written).flat_map(|change| &change.messages)
}

/// [`QueueStore::release`](super::QueueStore::release) for single leases. Cheap to clone; the tasks end when the last clone is gone and the queue is empty.
#[derive(Debug, Clone)]
pub struct GroupRelease {
    queue: CallQueue<MessageRelease, ()>,
}

impl GroupRelease {
    /// Starts the tasks on `tracker`. Needs a running tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, limits: GroupLimits, tracker: &TaskTracker) -> Self {
        let name = store.name();
        let release = move |releases: Vec<MessageRelease>| {
            let store = Arc::clone(&store);
            async move {
                match store.release(&releases).await {
                    Ok(()) => Ok(vec![(); releases.len()]),
                    Err(error) => Err((error, releases)),
                }
            }
        };
        Self { queue: CallQueue::start(name, limits, tracker, release) }
    }

    /// Gives one lease back, together with the other waiting releases.
    pub async fn release(&self, release: MessageRelease) -> Result<(), GroupError> {
        self.queue.call(release, size_of::<MessageRelease>()).await
    }
}

/// [`IssueStore::issues`](super::IssueStore::issues) for single issues. Cheap to clone; the tasks end when the last clone is gone and the queue is empty.
#[derive(Debug, Clone)]
pub struct GroupRead {
    queue: CallQueue<IssueRef, Option<Issue>>,
}

impl GroupRead {
    /// Starts the readers on `tracker`. Needs a running tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, limits: GroupLimits, tracker: &TaskTracker) -> Self {
        let name = store.name();
        let read = move |refs: Vec<IssueRef>| {
            let store = Arc::clone(&store);
            async move { store.issues(&refs).await.map_err(|error| (error, refs)) }
        };
        Self { queue: CallQueue::start(name, limits, tracker, read) }
    }

    /// Reads the issue by a query that starts after this call, so a caller always sees its own writes.
    pub async fn issue(&self, wanted: IssueRef) -> Result<Option<Issue>, GroupError> {
        span::traced(span::select(self.queue.name()), self.queue.call(wanted, size_of::<IssueRef>())).await
    }
}

/// Roughly the bytes a change holds: the texts that may be large, and a flat sum for the rest.
fn weight(change: &Change) -> usize {
    const REST: usize = 1024;
    let issue = change.issue().map_or(0, |issue| issue.description.len());
    let comments = change.comments.iter().map(|write| match write {
        CommentWrite::Add(comment) | CommentWrite::Edit(comment) => comment.body.len(),
        CommentWrite::Delete(_) => 0,
    });
    REST + issue + comments.sum::<usize>()
}
