//! Every metric series with its help text. `docs/observability.md` lists them for operators.
//!
//! To add one: a field here, its registration in [`Metrics::new`], its line in the document.

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

/// Seconds; fine in the range of a healthy answer, coarse where only an alert needs it.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The commit of this build, if the build knows it (the image does).
const REVISION: &str = match option_env!("ISSUE_CORE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

const BUDGET: &[&str] = &["budget", "window"];
const WAITING: &[&str] = &["kind", "target", "state"];

/// A series that cannot be registered: a defect, found at the first start.
pub type MetricsError = prometheus::Error;

/// The series this process exports.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub http_requests: IntCounterVec,
    pub http_duration: HistogramVec,
    pub http_in_flight: IntGauge,
    pub ingested: IntCounterVec,
    pub nats_connected: IntGauge,
    pub nats_received: IntCounterVec,
    pub messages: IntGaugeVec,
    pub messages_oldest: IntGaugeVec,
    pub message_pickup: HistogramVec,
    pub deliveries: IntCounterVec,
    pub delivery_duration: HistogramVec,
    pub delivery_delay: HistogramVec,
    pub breakers: IntGaugeVec,
    pub migrations_pending: IntGauge,
    pub connections: IntGaugeVec,
    pub connections_max: IntGaugeVec,
    pub paused: IntGaugeVec,
    pub budget_used: IntGaugeVec,
    pub budget_allowed: IntGaugeVec,
    pub sync: SyncSeries,
}

/// The series of two-way sync.
#[derive(Debug)]
pub struct SyncSeries {
    pub runs: IntCounterVec,
    pub items: IntCounterVec,
    pub conflicts: IntCounterVec,
    pub open_conflicts: IntGaugeVec,
    pub behind: IntGaugeVec,
}

impl Metrics {
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let build = Opts::new("issue_core_build_info", "Always 1; the labels say which build this is.");
        let build = IntGaugeVec::new(build, &["version", "revision"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), REVISION]).set(1);
        add(&registry, build)?;
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            http_requests: add(
                &registry,
                IntCounterVec::new(
                    Opts::new("issue_core_http_requests_total", "HTTP requests answered, by route template, method and status."),
                    &["route", "method", "status"],
                )?,
            )?,
            http_duration: add(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new("issue_core_http_request_duration_seconds", "Time from the request's head to the answer's head.")
                        .buckets(LATENCY_BUCKETS.to_vec()),
                    &["route", "method"],
                )?,
            )?,
            http_in_flight: add(&registry, IntGauge::new("issue_core_http_requests_in_flight", "HTTP requests being worked on now.")?)?,
            ingested: add(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "issue_core_ingested_total",
                        "Tasks posted, by what became of them: created, duplicate, invalid, refused or failed.",
                    ),
                    &["outcome"],
                )?,
            )?,
            nats_connected: add(&registry, IntGauge::new("issue_core_nats_connected", "1 while the connection to NATS stands.")?)?,
            nats_received: add(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "issue_core_nats_received_total",
                        "Tasks taken from NATS, by what became of them: created, duplicate, again or dead.",
                    ),
                    &["outcome"],
                )?,
            )?,
            messages: gauges(&registry, "messages", "Messages that wait, by kind, target and state, when last measured.", WAITING)?,
            messages_oldest: gauges(
                &registry,
                "messages_oldest_age_seconds",
                "Age of the oldest message that waits, when last measured.",
                WAITING,
            )?,
            message_pickup: times(
                &registry,
                "message_pickup_seconds",
                "From when a message was due to when a worker had it, first attempts only.",
            )?,
            deliveries: add(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "issue_core_deliveries_total",
                        "Attempts ended, by outcome: delivered, failed (to be tried again), dead (given up), lost (done by another worker).",
                    ),
                    &["kind", "target", "outcome"],
                )?,
            )?,
            delivery_duration: times(&registry, "delivery_duration_seconds", "How long one call to the target took.")?,
            delivery_delay: times(&registry, "delivery_delay_seconds", "From the event to the moment its target had it.")?,
            breakers: gauges(&registry, "breaker_state", "A target's breaker: 0 closed, 1 probing, 2 open.", &["target"])?,
            migrations_pending: add(
                &registry,
                IntGauge::new("issue_core_migrations_pending", "Migrations the database lacks, when readiness was last asked for.")?,
            )?,
            connections: gauges(
                &registry,
                "db_connections",
                "Connections to the database, by pool and state: used or idle.",
                &["pool", "state"],
            )?,
            connections_max: gauges(&registry, "db_connections_max", "The most connections a pool may open.", &["pool"])?,
            paused: gauges(
                &registry,
                "backend_paused",
                "1 while a tracker refuses our credential and nothing is sent to it until the secret changes.",
                &["target"],
            )?,
            budget_used: gauges(
                &registry,
                "backend_budget_used",
                "What a credential has created within the window, when last measured.",
                BUDGET,
            )?,
            budget_allowed: gauges(&registry, "backend_budget_allowed", "What it may create within the window.", BUDGET)?,
            sync: SyncSeries::new(&registry)?,
            registry,
        })
    }

    /// The text exposition format.
    pub fn render(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::with_capacity(16 << 10);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl SyncSeries {
    fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            runs: counters(
                registry,
                "sync_passes_total",
                "Sync runs that ended, by outcome: completed or failed.",
                &["binding", "outcome"],
            )?,
            items: counters(
                registry,
                "sync_issues_total",
                "Issues synced, by action: adopted, taken (pulled), sent (pushed) or gone (found deleted).",
                &["backend", "action"],
            )?,
            conflicts: counters(registry, "sync_conflicts_total", "Conflicts met, settled by a rule or not.", &["backend"])?,
            open_conflicts: gauges(registry, "sync_conflicts_open", "Conflicts that wait for an operator's decision.", &["backend"])?,
            behind: gauges(
                registry,
                "sync_behind_seconds",
                "The time since a binding's last completed sync run, when last measured.",
                &["binding"],
            )?,
        })
    }
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
    add(registry, IntGaugeVec::new(Opts::new(format!("issue_core_{name}"), help), labels)?)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
    add(registry, IntCounterVec::new(Opts::new(format!("issue_core_{name}"), help), labels)?)
}

/// A duration of something that is done with a message.
fn times(registry: &Registry, name: &str, help: &str) -> Result<HistogramVec, MetricsError> {
    let options = HistogramOpts::new(format!("issue_core_{name}"), help).buckets(LATENCY_BUCKETS.to_vec());
    add(registry, HistogramVec::new(options, &["kind", "target"])?)
}

fn add<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, MetricsError> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
