//! Entrance 2: NATS. A message on `<prefix>.create.<repo>` becomes a command, one use case is called, the message is settled.
//!
//! `link` is the connection (the sink shares it), `streams` makes or checks what must be there,
//! `command` and `verdict` are the pure halves (what a message asks, and its outcome), `consume`
//! fetches, `settle` answers NATS. A message is acknowledged only after the commit, so it may come
//! twice and is recognised by its key. To add a verb: its filter in `streams`, its reading in
//! `command`, its use case in `consume`.

mod command;
mod consume;
mod header;
mod link;
mod settle;
mod streams;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Caller};
use crate::config::NatsSettings;

pub use link::{LinkError, LinkPulse, NatsLink};

use consume::ConsumerParts;
use streams::{StreamTrouble, TaskStreams};

/// The pause between two attempts to prepare what is missing, at first and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Keeps the streams there and takes tasks, until `stop`; ends when those it works on are settled.
///
/// If NATS is away or refuses a request, this is logged and tried again: it never ends the service.
pub async fn serve(link: NatsLink, app: Arc<App>, settings: NatsSettings, caller: Caller, tasks: TaskTracker, stop: CancellationToken) {
    let (pulse, shown, stopped) = (link.pulse(), app.clone(), stop.clone());
    let mut work = vec![tasks.spawn(async move { _ = stopped.run_until_cancelled(show(pulse, &shown)).await })];
    if settings.publish {
        let (link, settings, stop) = (link.clone(), settings.clone(), stop.clone());
        work.push(tasks.spawn(async move { _ = stop.run_until_cancelled(keep_events(&link, &settings)).await }));
    }
    if settings.consume {
        let consumption = Arc::new(ConsumerParts::new(link, app, settings, caller, tasks.clone()));
        let run = |filter| tasks.spawn(consumption.clone().run(filter, stop.clone()));
        work.extend(streams::filters(&consumption.settings).into_iter().map(run));
    }
    for part in work {
        if part.await.is_err() {
            tracing::error!("a part of the NATS entrance broke down; restart the service");
        }
    }
}

/// Keeps the metric of the connection true.
async fn show(mut pulse: watch::Receiver<LinkPulse>, app: &App) {
    loop {
        let is_up = pulse.borrow_and_update().up;
        app.metrics.nats_connected.set(is_up.into());
        if pulse.changed().await.is_err() {
            return;
        }
    }
}

/// The stream of events is there after every connection: the server may have come back without it.
async fn keep_events(link: &NatsLink, settings: &NatsSettings) {
    let mut pulse = link.pulse();
    loop {
        pulse.borrow_and_update();
        until_done(link, || TaskStreams { link, settings }.events()).await;
        if pulse.changed().await.is_err() {
            return;
        }
    }
}

/// Tries until it works, waiting for the connection first. Says what is wrong once, and again when that changes.
async fn until_done<T, F: Future<Output = Result<T, StreamTrouble>>>(link: &NatsLink, mut attempt: impl FnMut() -> F) -> T {
    let (mut pause, most) = PATIENCE;
    let mut told = String::new();
    loop {
        link.connected().await;
        match attempt().await {
            Ok(done) => return done,
            Err(trouble) => {
                let text = trouble.to_string();
                if text == told {
                    tracing::debug!(trouble = %text, "NATS is still not ready for us");
                } else {
                    tracing::warn!("{text}");
                    told = text;
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(most);
    }
}
