//! The port to sinks: one trait, a child for each of them.
//!
//! A sink sends; when, in which order and how often is the worker's business. To add one: a child with an
//! `impl EventSink`, its section of the settings, its line in `boot::sinks`.

pub mod nats;
pub mod state_hub;

use async_trait::async_trait;

use crate::domain::{EventKind, Notice, Verdict};

/// A receiver of events. Called from many tasks at once, for one issue in order.
#[async_trait]
pub trait EventSink: Send + Sync + 'static {
    /// The target's name in messages, metrics and breakers. Never changes: messages written under it may wait.
    fn name(&self) -> &'static str;

    /// Whether the sink wants events of this kind. Must not block: it is called for every event.
    fn wants(&self, kind: EventKind) -> bool;

    /// Sends the event, and answers once the sink has stored it.
    ///
    /// - The same notice may come again, with the same content, after any failure and also after a
    ///   success whose record was lost: it carries `event.id` as the key by which the sink drops
    ///   the repeat. A repeat is a success.
    /// - It must end by itself: every sink has its own time limit.
    async fn publish(&self, notice: &Notice) -> Result<(), SinkError>;
}

/// Why the event was not sent, and whether a retry may help. The message is for operators and is
/// kept: no secrets in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    pub verdict: Verdict,
    pub message: String,
}

impl SinkError {
    /// The sink fails: a retry may help.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Retry { after: None }, message: message.into() }
    }

    /// This notice will never be taken.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, message: message.into() }
    }
}
