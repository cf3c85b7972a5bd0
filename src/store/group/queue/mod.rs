//! Calls that wait for the same work, taken together. Knows neither stores nor changes: the work is a function.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{GroupError, GroupLimits};
use crate::store::StoreError;

/// The longest that calls wait for others beside work that is under way already.
const GATHERING: Duration = Duration::from_millis(5);

/// Calls that wait, and the tasks that answer them.
#[derive(Debug)]
pub(super) struct CallQueue<I, O> {
    name: &'static str,
    calls: mpsc::Sender<QueuedCall<I, O>>,
    room: Arc<Semaphore>,
    bytes: usize,
}

#[derive(Debug)]
struct QueuedCall<I, O> {
    input: I,
    answer: oneshot::Sender<Result<O, StoreError>>,
    /// Given back when the call is answered.
    room: OwnedSemaphorePermit,
}

impl<I, O> Clone for CallQueue<I, O> {
    fn clone(&self) -> Self {
        Self { name: self.name, calls: self.calls.clone(), room: Arc::clone(&self.room), bytes: self.bytes }
    }
}

impl<I: Clone + Send + 'static, O: Send + 'static> CallQueue<I, O> {
    pub(super) fn start<W, F>(name: &'static str, limits: GroupLimits, tracker: &TaskTracker, work: W) -> Self
    where
        W: Fn(Vec<I>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Vec<O>, (StoreError, Vec<I>)>> + Send + 'static,
    {
        let (calls, waiting) = mpsc::channel(limits.queue.max(1));
        let desk = Arc::new(BatchQueue { waiting: Mutex::new(waiting), most: limits.batch.max(1), under_way: watch::Sender::new(0) });
        let bytes = limits.bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        for _ in 0..limits.tasks.max(1) {
            tracker.spawn(serve(name, Arc::clone(&desk), work.clone()));
        }
        Self { name, calls, room: Arc::new(Semaphore::new(bytes)), bytes }
    }

    /// The name of the queue's work.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) async fn call(&self, input: I, weight: usize) -> Result<O, GroupError> {
        // One call heavier than the whole room still gets in when it is alone.
        let weight = u32::try_from(weight.min(self.bytes)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| GroupError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        self.calls.try_send(QueuedCall { input, answer, room }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => GroupError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => GroupError::Store(gone(self.name)),
        })?;
        Ok(answered.await.unwrap_or_else(|_| Err(gone(self.name)))?)
    }
}

/// Where the tasks take the calls from, one task at a time.
#[derive(Debug)]
struct BatchQueue<I, O> {
    waiting: Mutex<mpsc::Receiver<QueuedCall<I, O>>>,
    most: usize,
    under_way: watch::Sender<usize>,
}

impl<I, O> BatchQueue<I, O> {
    /// The calls of the next batch, which counts as under way from here on. None: every sender is gone.
    ///
    /// While no batch is under way, all waiting calls are taken at once, so one caller alone never
    /// waits. Beside another batch, a batch begins only when it has a fair size: many small ones
    /// cost the database several times what a few large ones do. A long batch delays other calls by
    /// at most [`GATHERING`].
    async fn take(&self) -> Option<(Vec<QueuedCall<I, O>>, UnderWay<'_>)> {
        let mut calls = Vec::with_capacity(self.most);
        let mut waiting = self.waiting.lock().await;
        if waiting.recv_many(&mut calls, self.most).await == 0 {
            return None;
        }
        let _ = timeout(GATHERING, self.gather(&mut waiting, &mut calls)).await;
        while calls.len() < self.most
            && let Ok(call) = waiting.try_recv()
        {
            calls.push(call);
        }
        Some((calls, UnderWay::begin(&self.under_way)))
    }

    async fn gather(&self, waiting: &mut mpsc::Receiver<QueuedCall<I, O>>, calls: &mut Vec<QueuedCall<I, O>>) {
        let mut under_way = self.under_way.subscribe();
        while calls.len() < self.most.div_ceil(4) {
            tokio::select! {
                biased;
                _ = under_way.wait_for(|batches| *batches == 0) => return,
                more = waiting.recv_many(calls, self.most - calls.len()) => if more == 0 { return },
            }
        }
    }
}

/// One batch more, until it is dropped.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn begin(batches: &'a watch::Sender<usize>) -> Self {
        batches.send_modify(|batches| *batches += 1);
        Self(batches)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|batches| *batches -= 1);
    }
}

/// Takes what waits, works on it, answers; until every sender is gone.
async fn serve<I, O, W, F>(name: &'static str, desk: Arc<BatchQueue<I, O>>, work: W)
where
    I: Clone,
    W: Fn(Vec<I>) -> F,
    F: Future<Output = Result<Vec<O>, (StoreError, Vec<I>)>>,
{
    while let Some((calls, under_way)) = desk.take().await {
        let (inputs, waiters): (Vec<I>, Vec<_>) = calls.into_iter().map(|call| (call.input, (call.answer, call.room))).unzip();
        let answers = match work(inputs).await {
            Ok(outputs) => outputs.into_iter().map(Ok).collect(),
            Err((StoreError::Broken { .. }, inputs)) if inputs.len() > 1 => one_by_one(name, inputs, &work).await,
            Err((error, inputs)) => inputs.iter().map(|_| Err(error.clone())).collect::<Vec<_>>(),
        };
        drop(under_way);
        for ((answer, room), output) in waiters.into_iter().zip(answers) {
            drop(room);
            // A caller that no longer waits is no failure.
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

#[cfg(test)]
mod tests;
