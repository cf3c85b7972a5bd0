//! Many callers, one round trip: changes that wait at the same time are committed together, and so are single reads.
//!
//! Works on any [`Store`] and knows nothing of SQL or of what a change means. Nothing waits on a timer: a task takes what
//! is there the moment it is free, so one caller alone pays nothing and many share. Everything is bounded: the batch, the
//! queue, and the bytes that wait in it. To group another call: a struct like [`GroupRead`] over `Queue`.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

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

/// Calls that wait, and the tasks that answer them.
#[derive(Debug)]
struct Queue<I, O> {
    name: &'static str,
    calls: mpsc::Sender<Call<I, O>>,
    room: Arc<Semaphore>,
    bytes: usize,
}

#[derive(Debug)]
struct Call<I, O> {
    input: I,
    answer: oneshot::Sender<Result<O, StoreError>>,
    /// Given back when the call is answered.
    room: OwnedSemaphorePermit,
}

impl<I, O> Clone for Queue<I, O> {
    fn clone(&self) -> Self {
        Self { name: self.name, calls: self.calls.clone(), room: Arc::clone(&self.room), bytes: self.bytes }
    }
}

impl<I: Clone + Send + 'static, O: Send + 'static> Queue<I, O> {
    fn start<W, F>(name: &'static str, limits: GroupLimits, tracker: &TaskTracker, work: W) -> Self
    where
        W: Fn(Vec<I>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Vec<O>, (StoreError, Vec<I>)>> + Send + 'static,
    {
        let (calls, waiting) = mpsc::channel(limits.queue.max(1));
        let waiting = Arc::new(Mutex::new(waiting));
        let bytes = limits.bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        for _ in 0..limits.tasks.max(1) {
            tracker.spawn(serve(name, Arc::clone(&waiting), limits.batch.max(1), work.clone()));
        }
        Self { name, calls, room: Arc::new(Semaphore::new(bytes)), bytes }
    }

    async fn call(&self, input: I, weight: usize) -> Result<O, GroupError> {
        // One call heavier than the whole room still gets in when it is alone.
        let weight = u32::try_from(weight.min(self.bytes)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| GroupError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        self.calls.try_send(Call { input, answer, room }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => GroupError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => GroupError::Store(gone(self.name)),
        })?;
        Ok(answered.await.unwrap_or_else(|_| Err(gone(self.name)))?)
    }
}

/// Takes what waits, works on it, answers; until every sender is gone.
async fn serve<I, O, W, F>(name: &'static str, waiting: Arc<Mutex<mpsc::Receiver<Call<I, O>>>>, most: usize, work: W)
where
    I: Clone,
    W: Fn(Vec<I>) -> F,
    F: Future<Output = Result<Vec<O>, (StoreError, Vec<I>)>>,
{
    let mut calls = Vec::with_capacity(most);
    loop {
        // One task at a time waits at the queue; the others wait here, and are woken when it has its batch.
        if waiting.lock().await.recv_many(&mut calls, most).await == 0 {
            return;
        }
        let (inputs, waiters): (Vec<I>, Vec<_>) = calls.drain(..).map(|call| (call.input, (call.answer, call.room))).unzip();
        let answers = match work(inputs).await {
            Ok(outputs) => outputs.into_iter().map(Ok).collect(),
            Err((StoreError::Broken { .. }, inputs)) if inputs.len() > 1 => one_by_one(name, inputs, &work).await,
            Err((error, inputs)) => inputs.iter().map(|_| Err(error.clone())).collect::<Vec<_>>(),
        };
        for ((answer, room), output) in waiters.into_iter().zip(answers) {
            drop(room);
            // A caller that no longer waits is no trouble.
            let _ = answer.send(output);
        }
    }
}

/// The batch was refused for the sake of one of them: find out which, and serve the others.
async fn one_by_one<I, O, W, F>(name: &'static str, inputs: Vec<I>, work: &W) -> Vec<Result<O, StoreError>>
where
    W: Fn(Vec<I>) -> F,
    F: Future<Output = Result<Vec<O>, (StoreError, Vec<I>)>>,
{
    let mut answers = Vec::with_capacity(inputs.len());
    for input in inputs {
        let answer = work(vec![input]).await.map_err(|(error, _)| error);
        answers.push(answer.and_then(|outputs| outputs.into_iter().next().ok_or_else(|| gone(name))));
    }
    answers
}

fn gone(store: &'static str) -> StoreError {
    StoreError::Unavailable { store, reason: "it is shutting down".to_owned() }
}
