//! Fetches messages and hands each to the use case, a bounded number at once, so that they share a commit.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::link::NatsLink;
use super::settle::TaskSettlement;
use super::streams::{ConsumerFilter, TaskStreams};
use super::verdict::{self, DeathReason, RedeliveryRules, TaskVerdict};
use super::{command, header, until_done};
use crate::app::{App, AppError, Caller, TaskSubmission};
use crate::config::NatsSettings;
use crate::domain::GivenKeys;
use crate::telemetry::TraceContext;

/// How long a request for messages stays with the server. Longer saves requests, shorter finds a lost one sooner.
const PULL: Duration = Duration::from_secs(10);
/// Between two attempts to begin again.
const BREATH: Duration = Duration::from_millis(100);
/// How long the end waits for what is still to be sent.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every consumer of tasks needs.
pub struct ConsumerParts {
    link: NatsLink,
    app: Arc<App>,
    pub settings: NatsSettings,
    caller: Caller,
    tasks: TaskTracker,
    /// Shared by all consumers: together they work on no more than this at once.
    room: Arc<Semaphore>,
    /// Counts the messages that met a passing fault: fetching more would only use up their attempts.
    trouble: watch::Sender<u64>,
}

/// Why fetching ended.
enum FetchEnd {
    Stopped,
    /// The store is away, or has too much to do.
    Trouble,
    /// The connection or the consumer: start again from there.
    Lost(String),
}

/// What a message says about itself besides its content.
struct MessageFacts {
    count: i64,
    sequence: u64,
    /// The name of the message among all messages: given by its sender, or its position in its
    /// stream.
    id: String,
}

impl ConsumerParts {
    pub fn new(link: NatsLink, app: Arc<App>, settings: NatsSettings, caller: Caller, tasks: TaskTracker) -> Self {
        let room = Arc::new(Semaphore::new(settings.concurrency));
        Self { link, app, settings, caller, tasks, room, trouble: watch::Sender::new(0) }
    }

    /// Until `stop`; then waits for the messages in work.
    pub async fn run(self: Arc<Self>, filter: ConsumerFilter, stop: CancellationToken) {
        self.fetch_until(&filter, &stop).await;
        let all = u32::try_from(self.settings.concurrency).unwrap_or(u32::MAX);
        // Fails only when the room is closed, which never happens.
        _ = self.room.acquire_many(all).await;
        // What was given back is still in our buffer, and the process is about to end.
        _ = tokio::time::timeout(LAST_WORDS, self.link.client.flush()).await;
    }

    async fn fetch_until(self: &Arc<Self>, filter: &ConsumerFilter, stop: &CancellationToken) {
        while let Some(consumer) = stop.run_until_cancelled(self.prepare(filter)).await {
            loop {
                match self.fetch(&consumer, stop).await {
                    FetchEnd::Stopped => return,
                    FetchEnd::Trouble if stop.run_until_cancelled(self.wait_for_store()).await.is_none() => return,
                    FetchEnd::Trouble => {}
                    FetchEnd::Lost(reason) => {
                        tracing::info!(nats.consumer = %filter.consumer, reason, "fetching tasks was interrupted");
                        break;
                    }
                }
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    /// The stream and the consumer, both each time: the server may have come back without them.
    async fn prepare(&self, filter: &ConsumerFilter) -> Consumer<pull::Config> {
        let streams = TaskStreams { link: &self.link, settings: &self.settings };
        until_done(&self.link, || streams.tasks()).await;
        let consumer = until_done(&self.link, || streams.consumer(filter)).await;
        tracing::info!(nats.consumer = %filter.consumer, nats.subject = %filter.subject, "taking tasks from NATS");
        consumer
    }

    /// Batch after batch, each message in a task of its own.
    async fn fetch(self: &Arc<Self>, consumer: &Consumer<pull::Config>, stop: &CancellationToken) -> FetchEnd {
        let mut pulse = self.link.pulse();
        pulse.borrow_and_update();
        let mut trouble = self.trouble.subscribe();
        let patience = self.patience(consumer);
        loop {
            let pull = consumer.batch().max_messages(self.settings.concurrency).expires(PULL).messages();
            let mut batch = match stop.run_until_cancelled(pull).await {
                Some(Ok(batch)) => batch,
                Some(Err(error)) => return FetchEnd::Lost(error.to_string()),
                None => return FetchEnd::Stopped,
            };
            let ended = loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break FetchEnd::Stopped,
                    _ = trouble.changed() => break FetchEnd::Trouble,
                    // What was asked for over the old connection will not be sent over the new one.
                    _ = pulse.changed() => break FetchEnd::Lost("the connection changed".to_owned()),
                    next = self.next(&mut batch) => match next {
                        Some(Ok((message, room))) => self.start(message, patience, room),
                        Some(Err(error)) => break FetchEnd::Lost(error.to_string()),
                        None => break FetchEnd::Lost(String::new()),
                    },
                }
            };
            match ended {
                // The batch is complete, or its time is over.
                FetchEnd::Lost(reason) if reason.is_empty() => {}
                FetchEnd::Stopped | FetchEnd::Trouble | FetchEnd::Lost(_) => {
                    self.give_back(consumer, batch).await;
                    return ended;
                }
            }
        }
    }

    /// The next message, once there is room to work on it.
    async fn next(&self, batch: &mut pull::Batch) -> Option<Result<(Message, OwnedSemaphorePermit), async_nats::Error>> {
        let room = self.room.clone().acquire_owned().await.ok()?;
        Some(batch.next().await?.map(|message| (message, room)))
    }

    /// What was sent to us but was not begun goes back at once: waiting for it to be missed would delay it.
    async fn give_back(&self, consumer: &Consumer<pull::Config>, mut batch: pull::Batch) {
        // The answer to this comes after every message that is on its way to us.
        _ = tokio::time::timeout(LAST_WORDS, consumer.get_info()).await;
        while let Some(Some(Ok(message))) = batch.next().now_or_never() {
            TaskSettlement { link: &self.link, settings: &self.settings }.again(&message, self.settings.retry_delay).await;
        }
    }

    /// A passing fault is the store's: ask it, not the messages, whether it is over.
    async fn wait_for_store(&self) {
        let (mut pause, longest) = (self.settings.retry_delay, self.settings.retry_delay_max);
        tracing::warn!("a task met a passing fault; no more are fetched until the store answers");
        loop {
            tokio::time::sleep(pause).await;
            match self.app.store.check().await {
                Ok(()) => return tracing::info!("taking tasks from NATS again"),
                Err(error) => tracing::debug!(%error, "the store is still away"),
            }
            pause = (pause * 2).min(longest);
        }
    }

    fn start(self: &Arc<Self>, message: Message, patience: RedeliveryRules, room: OwnedSemaphorePermit) {
        let this = self.clone();
        self.tasks.spawn(async move {
            this.handle(&message, patience).await;
            drop(room);
        });
    }

    async fn handle(&self, message: &Message, patience: RedeliveryRules) {
        let headers = message.headers.as_ref();
        let span = tracing::info_span!(
            "nats.message",
            otel.name = %format_args!("process {}.create.{{target_repo}}", self.settings.tasks_prefix),
            otel.kind = "consumer",
            messaging.system = "nats",
            messaging.operation.r#type = "process",
            messaging.operation.name = "process",
            messaging.destination.name = %message.subject,
            messaging.consumer.group.name = self.settings.consumer,
            messaging.message.body.size = i64::try_from(message.payload.len()).unwrap_or(i64::MAX),
            trace_id = tracing::field::Empty,
        );
        let remote = header::value(headers, header::TRACEPARENT).and_then(TraceContext::parse);
        let trace = remote.map_or_else(|| TraceContext::begin(&span, self.app.clock.stamp().id), |trace| trace.enter(&span));
        span.record("trace_id", trace.trace_id());
        async {
            let Some(delivery) = MessageFacts::of(message) else {
                return tracing::error!("a message of NATS does not say which one it is; it is left alone");
            };
            let fate = self.decide(message, &delivery, patience, trace).await;
            self.count(&fate);
            if matches!(fate, TaskVerdict::Again { .. }) {
                self.trouble.send_modify(|count| *count += 1);
            }
            TaskSettlement { link: &self.link, settings: &self.settings }.settle(message, &delivery.into(), fate).await;
        }
        .instrument(span)
        .await;
    }

    async fn decide(&self, message: &Message, delivery: &MessageFacts, patience: RedeliveryRules, trace: TraceContext) -> TaskVerdict {
        if patience.is_over(delivery.count) {
            return TaskVerdict::Dead(DeathReason::exhausted(delivery.count - 1, "it was never finished; it may crash the service"));
        }
        let repo = command::repo(&self.settings.tasks_prefix, &message.subject);
        let command = match command::read(repo, message.headers.as_ref(), &message.payload) {
            Ok(command) => command,
            Err(dead) => return TaskVerdict::Dead(dead),
        };
        let request = TaskSubmission {
            caller: &self.caller,
            spec: command.spec,
            given: GivenKeys { idempotency_key: command.idempotency_key, message_id: Some(&delivery.id) },
            trace: Some(trace.traceparent()),
            strict: false,
        };
        let result = self.app.create_issue(request).await;
        if let Err(AppError::Store(error)) = &result {
            tracing::error!(%error, "the store failed");
        }
        verdict::of(result, delivery.count, patience)
    }

    /// Our own limit, unless the consumer has a lower one: then its last delivery is the last one
    /// that we see of a message.
    fn patience(&self, consumer: &Consumer<pull::Config>) -> RedeliveryRules {
        let NatsSettings { max_deliver, retry_delay, retry_delay_max, .. } = &self.settings;
        let (ours, theirs) = (i64::from(*max_deliver), consumer.cached_info().config.max_deliver);
        let deliveries = if theirs > 0 { ours.min(theirs) } else { ours };
        RedeliveryRules { deliveries, delay: *retry_delay, longest: *retry_delay_max }
    }

    fn count(&self, fate: &TaskVerdict) {
        let outcome = match fate {
            TaskVerdict::Accepted(accepted) if accepted.replayed => "duplicate",
            TaskVerdict::Accepted(_) => "created",
            TaskVerdict::Again { .. } => "again",
            TaskVerdict::Dead(_) => "dead",
        };
        self.app.metrics.nats_received.with_label_values(&[outcome]).inc();
    }
}

impl MessageFacts {
    fn of(message: &Message) -> Option<Self> {
        let info = message.info().ok()?;
        let given = header::value(message.headers.as_ref(), header::MESSAGE_ID).filter(|id| !id.is_empty());
        // The time distinguishes a recreated stream from the one that had this sequence before.
        let place = || format!("{}:{}:{}", info.stream, info.stream_sequence, info.published.unix_timestamp_nanos());
        Some(Self { count: info.delivered, sequence: info.stream_sequence, id: given.map_or_else(place, str::to_owned) })
    }
}

impl From<MessageFacts> for super::settle::StreamPosition {
    fn from(delivery: MessageFacts) -> Self {
        Self { sequence: delivery.sequence, deliveries: delivery.count }
    }
}
