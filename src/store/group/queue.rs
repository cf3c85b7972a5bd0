//! Calls that wait for the same work, taken together. Knows neither stores nor changes: the work is a function.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::{GroupError, GroupLimits};
use crate::store::StoreError;

/// Calls that wait, and the tasks that answer them.
#[derive(Debug)]
pub(super) struct Queue<I, O> {
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
    pub(super) fn start<W, F>(name: &'static str, limits: GroupLimits, tracker: &TaskTracker, work: W) -> Self
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

    /// Whose work it is.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) async fn call(&self, input: I, weight: usize) -> Result<O, GroupError> {
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

#[cfg(test)]
mod tests;
