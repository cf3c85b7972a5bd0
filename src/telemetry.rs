//! Logs, spans and the trace context that travels with a task. The only room that knows OpenTelemetry.
//!
//! Without an OTLP endpoint nothing is recorded; a trace id is still carried from the caller, or made, so that logs,
//! problem documents, events and messages of one request can be found together.

use std::io::IsTerminal as _;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt};
use uuid::Uuid;

use crate::config::{LogFormat, LogSettings, TelemetrySettings};

/// Keeps the exporter alive; [`TelemetryGuard::shutdown`] sends what is still waiting.
#[must_use]
#[derive(Debug)]
pub struct TelemetryGuard {
    provider: Option<SdkTracerProvider>,
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("cannot send traces to telemetry.otlp_endpoint {endpoint}: {reason}")]
    Exporter { endpoint: String, reason: String },
    #[error("cannot install the logger: {0}")]
    Logger(#[from] TryInitError),
}

/// Whether log lines are meant for a person at a terminal.
#[must_use]
pub fn is_readable(log: &LogSettings) -> bool {
    match log.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    }
}

/// Installs the process-wide logger and, with an endpoint, the exporter of traces.
pub fn init(log: &LogSettings, telemetry: &TelemetrySettings) -> Result<TelemetryGuard, TelemetryError> {
    let provider = telemetry.otlp_endpoint.as_deref().map(|endpoint| provider(endpoint, telemetry)).transpose()?;
    let filter = EnvFilter::new(&log.filter);
    if let Some(provider) = &provider {
        let spans =
            tracing_opentelemetry::layer().with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        let spans = spans.with_tracer(provider.tracer("issue-core")).with_filter(
            // Evaluated each time: a cached answer stays in tracing-subscriber when a library
            // (sqlx) only asks whether an event would be recorded, and the next span is lost.
            DynFilterFn::new(|of, _| is_story(of)).with_max_level_hint(Level::DEBUG),
        );
        tracing_subscriber::registry().with(spans).with(lines(log).with_filter(filter)).try_init()?;
    } else {
        tracing_subscriber::registry().with(filter).with(lines(log)).try_init()?;
    }
    Ok(TelemetryGuard { provider })
}

fn lines<S: Subscriber + for<'span> LookupSpan<'span>>(log: &LogSettings) -> Box<dyn Layer<S> + Send + Sync> {
    if is_readable(log) {
        fmt::layer().with_writer(std::io::stderr).with_target(false).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false).with_writer(std::io::stderr).boxed()
    }
}

/// The content of a trace: every span of ours, for any log level, and the events that the log
/// records by default. Spans that only a trace needs are at the level debug, so that they cost
/// nothing where nothing is exported.
fn is_story(of: &Metadata<'_>) -> bool {
    of.target().starts_with("issue_core") && (of.is_span() || *of.level() <= Level::INFO)
}

/// Log lines alone, for a process that lives for one command.
pub fn init_lines(log: &LogSettings) -> Result<(), TelemetryError> {
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    Ok(tracing_subscriber::registry().with(EnvFilter::new(&log.filter)).with(lines).try_init()?)
}

fn provider(endpoint: &str, telemetry: &TelemetrySettings) -> Result<SdkTracerProvider, TelemetryError> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| TelemetryError::Exporter { endpoint: endpoint.to_owned(), reason: error.to_string() })?;
    let resource = Resource::builder()
        .with_service_name(telemetry.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(telemetry.sample_ratio)));
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_sampler(sampler).with_resource(resource).build())
}

impl TelemetryGuard {
    /// Sends the spans that still wait; bounded, because a dead collector must not hold up the end.
    pub fn shutdown(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown_with_timeout(Duration::from_secs(2))
        {
            tracing::warn!(%error, "the last spans were not delivered to the collector");
        }
    }
}

/// A W3C trace context: which trace, which span in it, whether it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    id: u128,
    span: u64,
    sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent`; anything not well formed counts as none.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let parts: Vec<&str> = traceparent.trim().split('-').collect();
        let [version, trace, parent, flags, rest @ ..] = parts.as_slice() else { return None };
        let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !hex(version, 2)
            || *version == "ff"
            || (*version == "00" && !rest.is_empty())
            || !hex(flags, 2)
            || !hex(trace, 32)
            || !hex(parent, 16)
        {
            return None;
        }
        let id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
        Some(Self { id, span, sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1 })
    }

    /// A trace that is not recorded, from the randomness of a fresh id.
    #[must_use]
    pub fn fresh(id: Uuid) -> Self {
        let bits = id.as_u128();
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the random one")]
        let span = (bits as u64).max(1);
        Self { id: bits.max(1), span, sampled: false }
    }

    /// The trace that begins with `span`; without an exporter, one that is not recorded, from the
    /// fresh id.
    #[must_use]
    pub fn begin(span: &Span, fresh: Uuid) -> Self {
        Self::of(span).unwrap_or_else(|| Self::fresh(fresh))
    }

    /// Makes `span` a child of this context, and answers the context that `span`'s own work should carry on.
    #[must_use]
    pub fn enter(self, span: &Span) -> Self {
        // Fails only when no exporter is installed, which is the common case and not worth a word.
        _ = span.set_parent(Context::new().with_remote_span_context(self.context()));
        Self::of(span).unwrap_or(self)
    }

    /// Connects `span`, which begins a trace of its own, with this context: work that follows much later from a request.
    pub fn link(self, span: &Span) {
        span.add_link(self.context());
    }

    fn context(self) -> SpanContext {
        SpanContext::new(
            TraceId::from(self.id),
            SpanId::from(self.span),
            if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED },
            true,
            TraceState::NONE,
        )
    }

    /// The context of a recorded span; `None` when nothing is recorded.
    #[must_use]
    pub fn of(span: &Span) -> Option<Self> {
        let context = span.context();
        let here = context.span().span_context().clone();
        here.is_valid().then(|| Self {
            id: u128::from_be_bytes(here.trace_id().to_bytes()),
            span: u64::from_be_bytes(here.span_id().to_bytes()),
            sampled: here.is_sampled(),
        })
    }

    #[must_use]
    pub fn traceparent(self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.id, self.span, u8::from(self.sampled))
    }

    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_well_formed_traceparent_is_believed() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = TraceContext::parse(good).unwrap();
        assert_eq!(trace.traceparent(), good);
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(
            TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some(),
            "a later version may say more"
        );
        for bad in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn without_an_exporter_the_callers_context_is_carried_on_unchanged() {
        let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.enter(&Span::none()), trace);
    }

    proptest! {
        #[test]
        fn every_written_value_reads_back(id in 1u128.., span in 1u64.., sampled: bool) {
            let trace = TraceContext { id, span, sampled };
            prop_assert_eq!(TraceContext::parse(&trace.traceparent()), Some(trace));
        }
    }
}
