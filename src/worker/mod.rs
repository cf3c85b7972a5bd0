//! Entrance 3: works through the messages. One claimer for each target takes what is due; each lane it took is worked
//! through in order, all lanes at once, within the limits.
//!
//! It decides when and how much at once; what is done with a message is a use case. Nothing is held open while work is under
//! way: what is taken is leased, and what is not finished at the end is given back. To add a kind: its arm in `lane`.

mod claimer;
mod lane;
mod low_water_mark;
mod syncer;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::claimer::MessageClaimer;
use crate::app::App;

/// How much, how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Calls to one target at once.
    pub concurrency: u32,
    /// Messages taken at once.
    pub batch: u32,
    /// The longest time without looking.
    pub poll: Duration,
    /// How long before the end of a lease nothing new is begun with it.
    pub margin: Duration,
    pub history: Duration,
    /// How long deliveries of webhooks are kept.
    pub webhooks: Duration,
    pub sample: Duration,
}

/// Works until `stop`; ends when all that was begun has ended and the rest was given back.
pub async fn run(app: Arc<App>, limits: WorkerLimits, tasks: &TaskTracker, stop: CancellationToken) {
    let targets: Vec<_> = app.targets.iter().cloned().collect();
    let claimers: Vec<_> = targets
        .into_iter()
        .map(|target| tasks.spawn(MessageClaimer::new(app.clone(), target, limits, stop.clone()).run(tasks.clone())))
        .collect();
    tokio::join!(
        async {
            for claimer in claimers {
                if let Err(error) = claimer.await {
                    tracing::error!(%error, "a claimer ended; its messages wait for another process");
                }
            }
        },
        syncer::run(&app, limits, tasks, &stop),
        listen(&app, &stop),
        tend(&app, limits, &stop),
    );
}

/// Does everything that is due now, and what follows from it, then ends.
pub async fn run_once(app: Arc<App>, limits: WorkerLimits, tasks: &TaskTracker) {
    let never = CancellationToken::new();
    let mut claimers: Vec<_> =
        app.targets.iter().map(|target| MessageClaimer::new(app.clone(), target.clone(), limits, never.clone())).collect();
    loop {
        let mut found = false;
        for claimer in &mut claimers {
            found |= claimer.drain(tasks).await;
        }
        if !found {
            return;
        }
    }
}

/// Notifies other processes that messages were written, for processes without workers. At most one
/// notification is on its way, with a pause after it: the others are woken at most some hundred
/// times a second.
pub async fn call_others(app: Arc<App>, stop: CancellationToken) {
    const PAUSE: Duration = Duration::from_millis(5);
    let calls = async {
        loop {
            app.wake.something_written().await;
            if let Err(error) = app.call_workers().await {
                tracing::debug!(%error, "the workers were not notified; they will poll by themselves");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(calls).await;
}

/// Receives the notifications of other processes.
async fn listen(app: &App, stop: &CancellationToken) {
    const PAUSE: Duration = Duration::from_secs(1);
    let hearing = async {
        loop {
            if let Err(error) = app.listen_for_calls().await {
                tracing::debug!(%error, "not listening for a moment; work is found by looking");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(hearing).await;
}

async fn tend(app: &App, limits: WorkerLimits, stop: &CancellationToken) {
    let tending = async {
        loop {
            let tended = async {
                app.sample_messages().await?;
                app.sample_bindings().await?;
                app.purge_history(limits.history).await?;
                app.purge_webhooks(limits.webhooks).await
            };
            if let Err(error) = tended.await {
                tracing::warn!(%error, "the queue could not be measured");
            }
            tokio::time::sleep(limits.sample).await;
        }
    };
    stop.run_until_cancelled(tending).await;
}
