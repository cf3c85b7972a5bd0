//! Many callers, one round trip: changes that wait at the same time are committed together, and so are single reads.
//!
//! Works on any [`Store`] and knows nothing of SQL or of what a change means. Nothing waits on a timer: a task takes what
//! is there the moment it is free, so one caller alone pays nothing and many share. Everything is bounded: the batch, the
//! queue, and the bytes that wait in it. To group another call: a struct like [`GroupRead`] over `Queue`.

mod queue;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use self::queue::Queue;

use super::{Outcome, Store, StoreError};
use crate::domain::{Change, CommentWrite, Issue, IssueRef};

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
    queue: Queue<Change, Outcome>,
}

impl GroupCommit {
    /// Starts the committers on `tracker`. Needs a running tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, limits: GroupLimits, tracker: &TaskTracker) -> Self {
        let name = store.name();
        let commit = move |changes: Vec<Change>| {
            let store = Arc::clone(&store);
            async move { store.commit(&changes).await.map_err(|error| (error, changes)) }
        };
        Self { queue: Queue::start(name, limits, tracker, commit) }
    }

    /// Commits the change together with whatever else waits. One bad change does not sink the others.
    ///
    /// Once the change is taken it is committed, whether the caller still waits or not; it is never half done.
    pub async fn commit(&self, change: Change) -> Result<Outcome, GroupError> {
        let weight = weight(&change);
        self.queue.call(change, weight).await
    }
}

/// [`Store::issues`] for single issues. Cheap to clone; the tasks end when the last clone is gone and the queue is empty.
#[derive(Debug, Clone)]
pub struct GroupRead {
    queue: Queue<IssueRef, Option<Issue>>,
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
        Self { queue: Queue::start(name, limits, tracker, read) }
    }

    /// Reads the issue by a query that starts after this call, so a caller always sees its own writes.
    pub async fn issue(&self, wanted: IssueRef) -> Result<Option<Issue>, GroupError> {
        self.queue.call(wanted, size_of::<IssueRef>()).await
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
