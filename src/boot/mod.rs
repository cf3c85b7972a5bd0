//! Assembles the process: only this module names concrete adapters, and it starts and stops the
//! entrances.

mod backends;
mod bindings;
mod client;
mod database_url;
mod explain;
mod keys;
mod nats;
mod options;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use backends::tracker;
pub use client::{ApiClient, ApiReply, ApiRequest};
pub use database_url::DatabaseUrl;
pub use explain::explain_route;
use options::{http_options, state_hub_options, work_rules, worker_limits};

use crate::app::{App, BindingCache, IssueLocks, RateLimiter, Readiness, SYNC, Targets};
use crate::backend::http::HttpError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::MessageKind;
use crate::domain::queue::quota::Quota;
use crate::http;
use crate::metrics::{Metrics, MetricsError};
use crate::nats::{LinkError, NatsLink};
use crate::sink::EventSink;
use crate::sink::nats::NatsSink;
use crate::sink::state_hub::StateHubSink;
use crate::store::group::{GroupCommit, GroupLimits, GroupRead, GroupRelease};
use crate::store::wake::Wake;
use crate::store::{Store, StoreError};
use crate::worker;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on server.bind {address}: {reason}")]
    Listen { address: SocketAddr, reason: std::io::Error },
    #[error("cannot create the data directory {path}: {reason} (set database.data_dir, or DATABASE_URL)")]
    DataDir { path: PathBuf, reason: std::io::Error },
    #[error("auth: {0}")]
    Keys(String),
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] MetricsError),
    #[error(transparent)]
    Nats(#[from] LinkError),
    #[error("backends.{name}.{reason}")]
    Backend { name: String, reason: String },
    #[error("the task has faults: {0}")]
    Task(String),
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] HttpError),
    #[error("the HTTP listener failed: {0}")]
    Serve(std::io::Error),
    #[error("requests or deliveries were still running after server.shutdown_timeout; they were cut off")]
    ShutdownTimeout,
}

/// The description of the HTTP entrance: the OpenAPI document, for the command line.
#[must_use]
pub fn api_document() -> String {
    http::document::text()
}

/// A service at work.
pub struct RunningService {
    pub address: SocketAddr,
    app: Arc<App>,
    server: JoinHandle<std::io::Result<()>>,
    workers: Option<JoinHandle<()>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain_delay: Duration,
    shutdown_timeout: Duration,
}

/// What this process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessRole {
    /// Receives tasks, and delivers messages too unless `workers` says otherwise.
    Serve { workers: bool },
    /// Works through the messages only; its listener answers probes and metrics.
    Worker,
}

/// Starts everything; answers once the listener accepts.
pub async fn start(settings: &Settings, role: ProcessRole) -> Result<RunningService, BootError> {
    let address = match role {
        ProcessRole::Serve { .. } => settings.server.bind,
        ProcessRole::Worker => settings.worker.bind,
    };
    let listener = TcpListener::bind(address).await.map_err(|reason| BootError::Listen { address, reason })?;
    let address = listener.local_addr().map_err(BootError::Serve)?;
    let store = DatabaseUrl::of(&settings.database).open(settings.database.migrate_on_start).await?;

    let tasks = TaskTracker::new();
    let link = nats::link(settings).await?;
    let sinks = sinks(settings, link.as_ref())?;
    let app = Arc::new(assemble(settings, store, sinks, &tasks)?);
    check_schema(&app).await?;
    let stop = CancellationToken::new();
    keys::watch(&settings.auth, &app, &tasks, &stop);
    backends::watch(settings, &app, &tasks, &stop);
    let options = http_options(settings);
    let routes = match role {
        ProcessRole::Serve { .. } => http::router(&app, &options),
        ProcessRole::Worker => http::probes_alone(&app, &options),
    };
    let server = tasks.spawn(http::serve(listener, routes, options.connections, stop.clone()));
    let workers = start_workers(settings, role, &app, &tasks, &stop);
    if let Some(link) = link {
        nats::start(settings, role, link, &app, &tasks, &stop);
    }
    Ok(RunningService {
        address,
        app,
        server,
        workers,
        stop,
        tasks,
        drain_delay: settings.server.drain_delay,
        shutdown_timeout: settings.server.shutdown_timeout,
    })
}

/// Waits for a schema that lacks migrations: the operator may run `issue-core migrate` a little
/// later, and until then the probes say what is missing. Any other failure of the store ends the
/// start.
async fn check_schema(app: &App) -> Result<(), BootError> {
    match app.check_store().await {
        Ok(()) => Ok(()),
        Err(error @ StoreError::SchemaTooOld { .. }) => {
            tracing::warn!(%error, "not ready: no task is accepted and no message delivered until the schema is up to date");
            Ok(())
        }
        Err(error @ (StoreError::Unavailable { .. } | StoreError::SchemaTooNew { .. } | StoreError::Broken { .. })) => Err(error.into()),
    }
}

/// Does what is due now and what follows from it, then lets go of everything.
pub async fn work_once(settings: &Settings) -> Result<(), BootError> {
    let store = DatabaseUrl::of(&settings.database).open(settings.database.migrate_on_start).await?;
    store.check().await?;
    let tasks = TaskTracker::new();
    let link = nats::link(settings).await?;
    let sinks = sinks(settings, link.as_ref())?;
    let app = Arc::new(assemble(settings, store.clone(), sinks, &tasks)?);
    if let Some(link) = &link {
        // Without it what is due for NATS would be put off for nothing; a NATS that is away is the retries' business.
        _ = tokio::time::timeout(settings.nats.timeout, link.connected()).await;
    }
    worker::run_once(app, worker_limits(settings), &tasks).await;
    tasks.close();
    tasks.wait().await;
    store.close().await;
    Ok(())
}

/// Without targets there is nothing to do. If other processes deliver, they are notified instead.
fn start_workers(
    settings: &Settings,
    role: ProcessRole,
    app: &Arc<App>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Option<JoinHandle<()>> {
    if app.targets.is_empty() {
        return None;
    }
    if role == (ProcessRole::Serve { workers: false }) {
        return Some(tasks.spawn(worker::call_others(app.clone(), stop.clone())));
    }
    let limits = worker_limits(settings);
    let (app, stop, inner, configured) = (app.clone(), stop.clone(), tasks.clone(), bindings::of(settings));
    Some(tasks.spawn(async move {
        if stop.run_until_cancelled(app.until_migrated()).await.is_some() {
            bindings::take(&app, &configured, &stop).await;
            worker::run(app, limits, &inner, stop).await;
        }
    }))
}

/// The sinks of events: a line for each of them, and none by default.
fn sinks(settings: &Settings, link: Option<&NatsLink>) -> Result<Vec<Arc<dyn EventSink>>, BootError> {
    let mut sinks: Vec<Arc<dyn EventSink>> = Vec::new();
    if let Some(url) = &settings.state_hub.url {
        sinks.push(Arc::new(StateHubSink::new(state_hub_options(url, settings))?));
    }
    if let Some(link) = link.filter(|_| settings.nats.publish) {
        sinks.push(Arc::new(NatsSink::new(link.jetstream(), &settings.nats.events_prefix)));
    }
    Ok(sinks)
}

/// Whether anything outside follows from what is written: [`sinks`] and the trackers without making a connection to any of them.
fn tells(settings: &Settings) -> bool {
    settings.state_hub.url.is_some() || (settings.nats.url.is_some() && settings.nats.publish) || !settings.backends.is_empty()
}

/// The present time, for callers without a stamp.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Clock::System.now()
}

/// The use cases over a store, their background tasks on `tasks`.
pub fn assemble(settings: &Settings, store: Arc<dyn Store>, sinks: Vec<Arc<dyn EventSink>>, tasks: &TaskTracker) -> Result<App, BootError> {
    let ingest = &settings.ingest;
    let commits = GroupLimits { tasks: ingest.committers, batch: ingest.batch, queue: ingest.queue, ..GroupLimits::COMMIT };
    let reads = GroupLimits { queue: ingest.queue, ..GroupLimits::READ };
    let trackers = backends::trackers(settings)?;
    let targets = Targets::new(sinks, &trackers, work_rules(settings));
    let wake = Arc::new(Wake::new(targets.iter().map(|target| target.target.clone()).chain([SYNC.to_owned()])));
    let told = !targets.is_empty();
    Ok(App {
        commits: GroupCommit::waking(wake.clone(), store.clone(), commits, tasks).announcing(told),
        settles: GroupCommit::waking(wake.clone(), store.clone(), GroupLimits::SETTLE, tasks).announcing(told),
        releases: GroupRelease::start(store.clone(), GroupLimits::SETTLE, tasks),
        reads: GroupRead::start(store.clone(), reads, tasks),
        store,
        clock: Clock::System,
        metrics: Arc::new(Metrics::new()?),
        keyring: keys::ring(&settings.auth).map_err(BootError::Keys)?,
        rate_limit: RateLimiter::new(Quota::new(settings.rate_limit.requests, settings.rate_limit.window)),
        readiness: Readiness::default(),
        targets,
        trackers,
        waits: backends::waits(settings),
        bindings: BindingCache::default(),
        wake,
        turns: IssueLocks::default(),
    })
}

impl RunningService {
    /// The targets of this process, as text.
    pub fn targets(&self) -> String {
        let targets: Vec<&str> =
            self.app.targets.iter().filter(|target| target.kind != MessageKind::Dispatch).map(|target| target.target.as_str()).collect();
        targets.join(", ")
    }

    /// Readiness fails first; then no new requests and no new messages; what is in flight finishes, within the time set; then
    /// the store closes.
    pub async fn stop(self) -> Result<(), BootError> {
        self.app.readiness.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.stop.cancel();
        let in_flight = async {
            _ = self.server.await;
            if let Some(workers) = self.workers {
                _ = workers.await;
            }
        };
        let in_time = tokio::time::timeout(self.shutdown_timeout, in_flight).await;
        let store = self.app.store.clone();
        // The last handles on the commit queues: their tasks end when all of them are gone.
        drop(self.app);
        self.tasks.close();
        let finished = in_time.is_ok() && tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await.is_ok();
        store.close().await;
        if finished { Ok(()) } else { Err(BootError::ShutdownTimeout) }
    }

    /// Until the listener fails, which it does not do by itself.
    pub async fn failed(&mut self) -> BootError {
        match (&mut self.server).await {
            Ok(Err(error)) => BootError::Serve(error),
            Ok(Ok(())) | Err(_) => BootError::Serve(std::io::Error::other("the listener ended")),
        }
    }
}
