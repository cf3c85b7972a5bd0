//! Reports the outcome of a message to NATS, and to the sender if it asked.
//!
//! The order is what keeps a message from being lost: it is on the dead subject, acknowledged, before it is terminated.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{AckKind, Message};

use super::command;
use super::header;
use super::link::NatsLink;
use super::verdict::{DeathReason, TaskReply, TaskVerdict};
use crate::app::AcceptedTask;
use crate::config::NatsSettings;

/// Headers that mean something to NATS, or to us, in a message that is on its way; a dead one has its own.
const NOT_KEPT: &[&str] = &["Nats-", header::REPLY_TO, "Issue-Core-"];

pub struct TaskSettlement<'a> {
    pub link: &'a NatsLink,
    pub settings: &'a NatsSettings,
}

/// Where in the stream a message is, and how often it came.
#[derive(Debug, Clone, Copy)]
pub struct StreamPosition {
    pub sequence: u64,
    pub deliveries: i64,
}

impl TaskSettlement<'_> {
    pub async fn settle(&self, message: &Message, origin: &StreamPosition, fate: TaskVerdict) {
        match fate {
            TaskVerdict::Accepted(accepted) => self.accept(message, &accepted).await,
            TaskVerdict::Again { after, reason } => {
                tracing::warn!(message.attempt = origin.deliveries, reason, "a task could not be taken now; it comes again in {after:?}");
                self.again(message, after).await;
            }
            TaskVerdict::Dead(dead) => self.bury(message, origin, &dead).await,
        }
    }

    async fn accept(&self, message: &Message, accepted: &AcceptedTask) {
        self.confirm(message, AckKind::Ack).await;
        let mut headers = HeaderMap::new();
        if accepted.replayed {
            headers.insert(header::REPLAYED, "true");
        }
        self.answer(message, headers, serde_json::to_vec(&TaskReply::of(accepted))).await;
    }

    /// Not confirmed: should it get lost, the message comes again anyway, after the consumer's `ack_wait`.
    pub async fn again(&self, message: &Message, after: Duration) {
        if let Err(error) = message.ack_with(AckKind::Nak(Some(after))).await {
            tracing::debug!(error, "a message could not be given back; it comes again by itself");
        }
    }

    async fn bury(&self, message: &Message, origin: &StreamPosition, dead: &DeathReason) {
        tracing::warn!(
            error.code = dead.code, detail = dead.detail, nats.subject = %message.subject, nats.sequence = origin.sequence,
            "a task can never be accepted; it goes to the dead subject"
        );
        if let Err(error) = self.publish_dead(message, origin, dead).await {
            tracing::error!(error, "the dead subject does not take the message; it stays in its stream and is tried again");
            return self.again(message, self.settings.retry_delay_max).await;
        }
        self.confirm(message, AckKind::Term).await;
        self.answer(message, HeaderMap::new(), serde_json::to_vec(dead)).await;
    }

    async fn publish_dead(&self, message: &Message, origin: &StreamPosition, dead: &DeathReason) -> Result<(), String> {
        let repo = command::repo(&self.settings.tasks_prefix, &message.subject);
        let subject = format!("{}.dead.{repo}", self.settings.tasks_prefix);
        let mut headers = obituary(message, origin, dead);
        // Killed between this and the termination we come here again: the stream keeps it once.
        headers.insert(header::MESSAGE_ID, format!("dead-{}-{}", self.settings.tasks_stream, origin.sequence));
        match self.publish(&subject, headers.clone(), message.payload.to_vec()).await {
            Err((PublishErrorKind::MaxPayloadExceeded, _)) => {
                let place = format!(
                    "left out, too large beside these headers; it is message {} of stream {}",
                    origin.sequence, self.settings.tasks_stream
                );
                headers.insert(header::DEAD_BODY, place);
                self.publish(&subject, headers, Vec::new()).await.map_err(|(_, error)| error)
            }
            Err((_, error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    async fn publish(&self, subject: &str, headers: HeaderMap, body: Vec<u8>) -> Result<(), (PublishErrorKind, String)> {
        let sent = self.link.jetstream().publish_with_headers(subject.to_owned(), headers, body.into()).await;
        let acknowledged = match sent {
            Ok(acknowledgement) => acknowledgement.await,
            Err(error) => Err(error),
        };
        acknowledged.map(|_| ()).map_err(|error| (error.kind(), error.to_string()))
    }

    /// Waits for the server's confirmation. Without one the message may come again: its key shows
    /// that then.
    async fn confirm(&self, message: &Message, kind: AckKind) {
        let Some(reply) = message.reply.clone() else { return };
        if let Err(error) = self.link.client.request(reply, kind.into()).await {
            tracing::warn!(%error, "NATS did not confirm that a task is done; if it comes again, it is recognised");
        }
    }

    async fn answer(&self, message: &Message, headers: HeaderMap, body: Result<Vec<u8>, serde_json::Error>) {
        let Some(subject) = command::reply_to(message.headers.as_ref(), &self.settings.reply_prefix) else { return };
        let Ok(body) = body else { return };
        if let Err(error) = self.link.client.publish_with_headers(subject.to_owned(), headers, body.into()).await {
            tracing::warn!(%error, "the answer to a task could not be sent");
        }
    }
}

/// The message's own headers, and why it is dead.
fn obituary(message: &Message, origin: &StreamPosition, dead: &DeathReason) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
        let is_kept = !NOT_KEPT.iter().any(|not| name.to_string().to_ascii_lowercase().starts_with(&not.to_ascii_lowercase()));
        for value in values.iter().filter(|_| is_kept) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(header::DEAD_CODE, dead.code);
    headers.insert(header::DEAD_DETAIL, header::line(&dead.detail));
    headers.insert(header::DEAD_SUBJECT, message.subject.as_str());
    headers.insert(header::DEAD_SEQUENCE, origin.sequence.to_string());
    headers.insert(header::DEAD_DELIVERIES, origin.deliveries.to_string());
    if !dead.errors.is_empty() {
        headers.insert(header::DEAD_ERRORS, errors(dead));
    }
    headers
}

/// As many of the faults as fit into a header; cut in the middle they would be no JSON.
fn errors(dead: &DeathReason) -> String {
    const LONGEST: usize = 8 << 10;
    let mut faults = dead.errors.as_slice();
    loop {
        let text = serde_json::to_string(faults).unwrap_or_default();
        if text.len() <= LONGEST {
            return text;
        }
        faults = &faults[..faults.len() / 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fault, Faults};

    #[test]
    fn as_many_faults_as_fit_are_listed_and_they_stay_json() {
        let mut faults = Faults::default();
        for n in 0..100 {
            faults.add(format!("/labels/{n}"), "too_long", "é".repeat(100));
        }
        let text = errors(&DeathReason::invalid(faults));
        let told: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(text.len() <= 8 << 10 && told.len() > 10, "{}", told.len());
        let one = DeathReason {
            errors: vec![Fault { pointer: "/x".into(), code: "blank", message: "a\nb".into() }],
            ..DeathReason::invalid(Faults::default())
        };
        assert!(!errors(&one).contains('\n'));
    }
}
