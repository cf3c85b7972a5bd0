//! Syncs the bindings: each when it is due, or after a webhook delivery, a few at once.
//!
//! When and how many; a use case does the work. A binding under another replica's lease is left
//! alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::WorkerLimits;
use crate::app::{App, SYNC};

/// Bindings followed at once.
const AT_ONCE: usize = 4;

pub(super) async fn run(app: &Arc<App>, limits: WorkerLimits, tasks: &TaskTracker, stop: &CancellationToken) {
    if app.trackers.is_empty() {
        return;
    }
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let busy: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut away = false;
    while !stop.is_cancelled() {
        let wait = match begin(app, &room, &busy, tasks, stop).await {
            Ok(wait) => {
                away = false;
                wait.unwrap_or(limits.poll)
            }
            Err(error) => {
                if !away {
                    tracing::warn!(%error, "the bindings cannot be read for now");
                }
                away = true;
                limits.poll
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.wake.work_for(SYNC) => {}
            () = tokio::time::sleep(wait.clamp(Duration::from_millis(10), limits.poll)) => {}
        }
    }
    _ = room.acquire_many(u32::try_from(AT_ONCE).unwrap_or(u32::MAX)).await;
}

/// Starts what is due; answers when the next one will be.
async fn begin(
    app: &Arc<App>,
    room: &Arc<Semaphore>,
    busy: &Arc<Mutex<HashSet<String>>>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<Duration>, crate::app::AppError> {
    let (due, next) = app.due_bindings().await?;
    for bound in due {
        let name = bound.binding.name.clone();
        if !lock(busy).insert(name.clone()) {
            continue;
        }
        let Ok(permit) = room.clone().acquire_owned().await else { return Ok(None) };
        let (app, busy, stop) = (app.clone(), busy.clone(), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = app.sync_binding(&bound, &|| stop.is_cancelled()).await {
                tracing::warn!(binding.name = name, %error, "a binding could not be followed for now");
            }
            lock(&busy).remove(&name);
            drop(permit);
        });
    }
    Ok(next.and_then(|at| (at - app.clock.now()).to_std().ok()))
}

fn lock(busy: &Mutex<HashSet<String>>) -> std::sync::MutexGuard<'_, HashSet<String>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}
