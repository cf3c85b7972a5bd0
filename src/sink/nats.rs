//! Publishes to NATS: one envelope for every event, delivered when a stream has acknowledged it.
//!
//! The content depends on the event alone, byte for byte, so a repeat is dropped by the stream's
//! `Nats-Msg-Id` window and by consumers that remember `id`. The connection comes from `boot`,
//! which shares it with the entrance. To publish a new kind of event: its line in [`suffix`], its
//! channel in `openapi/asyncapi.yaml`.

use async_nats::HeaderMap;
use async_nats::connection::State;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_trait::async_trait;
use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::Value;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{EventSink, SinkError};
use crate::domain::{CommentId, EventKind, FieldChange, IssueId, Notice, SourceType};

/// The version of the envelope, raised when a reader has to be changed.
const VERSION: &str = "1.0";
const PUBLISHER: &str = "issue-core";
/// A value longer than this (as JSON) is left out of `changes`: two descriptions would not fit into a message.
const LONGEST_VALUE: usize = 4096;

/// Publishes on `<prefix>.task.…`.
pub struct NatsSink {
    jetstream: Context,
    prefix: String,
}

impl NatsSink {
    #[must_use]
    pub fn new(jetstream: Context, prefix: &str) -> Self {
        Self { jetstream, prefix: prefix.to_owned() }
    }
}

#[async_trait]
impl EventSink for NatsSink {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn wants(&self, _: EventKind) -> bool {
        true
    }

    async fn publish(&self, notice: &Notice) -> Result<(), SinkError> {
        // While there is no connection the client would keep the message and send it later, after we have given it up.
        if self.jetstream.client().connection_state() != State::Connected {
            return Err(SinkError::retry("NATS is not connected"));
        }
        let subject = subject(&self.prefix, notice.event.kind);
        let body = serde_json::to_vec(&EventEnvelope::of(notice, &subject)).map_err(|error| SinkError::fail(error.to_string()))?;
        let span = span(&subject, notice.event.id, body.len());
        let sending = async {
            let sent = self.jetstream.publish_with_headers(subject.clone(), headers(notice), body.into()).await;
            match sent {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            }
        };
        sending.instrument(span.clone()).await.map(|_| ()).map_err(|error| {
            span.record("otel.status_code", "error");
            span.record("error.type", error.kind().to_string());
            refused(&subject, &error)
        })
    }
}

/// What a trace shows of it: OpenTelemetry's conventions for senders of messages. Free where nothing is exported.
fn span(subject: &str, event: Uuid, size: usize) -> Span {
    tracing::debug_span!(
        "nats.send",
        otel.name = %format_args!("send {subject}"),
        otel.kind = "producer",
        otel.status_code = tracing::field::Empty,
        messaging.system = "nats",
        messaging.operation.r#type = "send",
        messaging.operation.name = "publish",
        messaging.destination.name = subject,
        messaging.message.id = %event,
        messaging.message.body.size = i64::try_from(size).unwrap_or(i64::MAX),
        error.type = tracing::field::Empty,
    )
}

fn headers(notice: &Notice) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, notice.event.id.to_string());
    if let Some(trace) = &notice.event.trace {
        headers.insert("traceparent", trace.as_str());
    }
    headers
}

fn refused(subject: &str, error: &PublishError) -> SinkError {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => SinkError::fail(format!("{subject}: {error}")),
        PublishErrorKind::StreamNotFound => SinkError::retry(format!("no stream keeps {subject}; create one, or set nats.create_streams")),
        PublishErrorKind::TimedOut => {
            SinkError::retry(format!("no acknowledgement for {subject}; the log shows whether NATS refuses us a permission"))
        }
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::Other => SinkError::retry(format!("{subject}: {error}")),
    }
}

/// Where events of this kind are published.
#[must_use]
pub fn subject(prefix: &str, kind: EventKind) -> String {
    format!("{prefix}.{}", suffix(kind))
}

/// The last tokens of the subject. Several kinds may share one: `attributes.event` distinguishes
/// them.
#[must_use]
pub const fn suffix(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "task.created",
        EventKind::Started => "task.started",
        EventKind::Blocked => "task.blocked",
        EventKind::Unblocked => "task.unblocked",
        EventKind::Closed => "task.closed",
        EventKind::Reopened => "task.reopened",
        EventKind::CommentAdded => "task.commented",
        EventKind::ReviewRequested => "task.review.pending",
        EventKind::ReviewApproved | EventKind::ReviewRejected => "task.review.decided",
        EventKind::Edited
        | EventKind::Claimed
        | EventKind::Released
        | EventKind::CommentEdited
        | EventKind::CommentDeleted
        | EventKind::Archived
        | EventKind::Restored
        | EventKind::Linked
        | EventKind::SyncConflict
        | EventKind::SyncSettled
        | EventKind::RemoteGone => "task.updated",
    }
}

/// The outer form of every message.
#[derive(Debug, Serialize)]
pub struct EventEnvelope<'a> {
    id: Uuid,
    r#type: &'a str,
    version: &'static str,
    timestamp: String,
    publisher: &'static str,
    attributes: EventAttributes<'a>,
}

#[derive(Debug, Serialize)]
struct EventAttributes<'a> {
    issue_id: IssueId,
    number: i64,
    title: &'a str,
    target_repo: Option<&'a str>,
    backend: &'a str,
    issue_url: Option<&'a str>,
    source_type: Option<SourceType>,
    source_id: Option<&'a str>,
    triggering_event_id: Option<&'a str>,
    activity_definition_id: Option<&'a str>,
    event: EventKind,
    sequence: i64,
    actor: &'a str,
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_id: Option<CommentId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangedField<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ChangedField<'a> {
    Told(&'a FieldChange),
    TooLong { field: &'a str, omitted: bool },
}

impl<'a> EventEnvelope<'a> {
    #[must_use]
    pub fn of(notice: &'a Notice, subject: &'a str) -> Self {
        Self {
            id: notice.event.id,
            r#type: subject,
            version: VERSION,
            timestamp: notice.event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            publisher: PUBLISHER,
            attributes: EventAttributes::of(notice),
        }
    }
}

impl<'a> EventAttributes<'a> {
    fn of(notice: &'a Notice) -> Self {
        let Notice { event, number, target_repo, origin } = notice;
        let detail = &event.detail;
        Self {
            issue_id: event.issue_id,
            number: number.0,
            title: &detail.snapshot.title,
            target_repo: target_repo.as_deref(),
            backend: &detail.snapshot.backend,
            issue_url: detail.snapshot.url.as_deref(),
            source_type: origin.source_type,
            source_id: origin.source_id.as_deref(),
            triggering_event_id: origin.triggering_event_id.as_deref(),
            activity_definition_id: origin.activity_definition_id.as_deref(),
            event: event.kind,
            sequence: event.seq,
            actor: &event.actor,
            trace_id: event.trace.as_deref().and_then(|traceparent| traceparent.split('-').nth(1)),
            reason: detail.reason.as_deref(),
            comment_id: detail.comment_id,
            changes: detail.changes.iter().map(ChangedField::of).collect(),
        }
    }
}

impl<'a> ChangedField<'a> {
    fn of(change: &'a FieldChange) -> Self {
        let is_long = |value: &Value| value.to_string().len() > LONGEST_VALUE;
        if is_long(&change.from) || is_long(&change.to) {
            return Self::TooLong { field: &change.field, omitted: true };
        }
        Self::Told(change)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::domain::event::EventDetail;
    use crate::domain::{Event, IssueNumber, IssueSnapshot, TaskOrigin};

    #[test]
    fn every_kind_of_event_has_its_subject() {
        let expected = [
            (EventKind::Created, "created"),
            (EventKind::Edited, "updated"),
            (EventKind::Started, "started"),
            (EventKind::Blocked, "blocked"),
            (EventKind::Unblocked, "unblocked"),
            (EventKind::Closed, "closed"),
            (EventKind::Reopened, "reopened"),
            (EventKind::Claimed, "updated"),
            (EventKind::Released, "updated"),
            (EventKind::ReviewRequested, "review.pending"),
            (EventKind::ReviewApproved, "review.decided"),
            (EventKind::ReviewRejected, "review.decided"),
            (EventKind::CommentAdded, "commented"),
            (EventKind::CommentEdited, "updated"),
            (EventKind::CommentDeleted, "updated"),
            (EventKind::Archived, "updated"),
            (EventKind::Restored, "updated"),
            (EventKind::Linked, "updated"),
            (EventKind::SyncConflict, "updated"),
            (EventKind::SyncSettled, "updated"),
            (EventKind::RemoteGone, "updated"),
        ];
        for kind in EventKind::ALL {
            let (_, last) = expected.iter().find(|(known, _)| known == kind).unwrap_or_else(|| panic!("{kind} is not in the table"));
            assert_eq!(subject("org.issuecore", *kind), format!("org.issuecore.task.{last}"));
        }
    }

    fn notice() -> Notice {
        let change = |field: &'static str, to: Value| FieldChange { field: field.into(), from: Value::Null, to };
        let event = Event {
            issue_id: IssueId(Uuid::from_u128(1)),
            seq: 2,
            id: Uuid::from_u128(7),
            kind: EventKind::Blocked,
            actor: "default".to_owned(),
            at: DateTime::from_timestamp_micros(1_781_593_200_000_001).unwrap(),
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            detail: EventDetail {
                snapshot: IssueSnapshot { title: "t".to_owned(), backend: "gitea".to_owned(), url: None },
                changes: vec![change("state", "blocked".into()), change("description", "x".repeat(5000).into())],
                reason: Some("waits for a certificate".to_owned()),
                comment_id: None,
                route: None,
                link: None,
                from: None,
                conflict: None,
            },
        };
        let origin =
            TaskOrigin { source_type: Some(SourceType::Rule), triggering_event_id: Some("e1".to_owned()), ..TaskOrigin::default() };
        Notice { event, number: IssueNumber(42), target_repo: Some("activity-core".to_owned()), origin }
    }

    #[test]
    fn the_envelope_is_the_contracts_and_long_values_are_left_out() {
        let notice = notice();
        let told = serde_json::to_value(EventEnvelope::of(&notice, "org.issuecore.task.blocked")).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000007", "type": "org.issuecore.task.blocked", "version": "1.0",
            "timestamp": "2026-06-16T07:00:00.000001Z", "publisher": "issue-core",
            "attributes": {
                "issue_id": "00000000-0000-0000-0000-000000000001", "number": 42, "title": "t", "target_repo": "activity-core",
                "backend": "gitea", "issue_url": null, "source_type": "rule", "source_id": null, "triggering_event_id": "e1",
                "activity_definition_id": null, "event": "blocked", "sequence": 2, "actor": "default",
                "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "reason": "waits for a certificate",
                "changes": [{"field": "state", "from": null, "to": "blocked"}, {"field": "description", "omitted": true}],
            },
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_retry_says_the_same_bytes() {
        let (first, again) = (notice(), notice().clone());
        let bytes = |notice: &Notice| serde_json::to_vec(&EventEnvelope::of(notice, "s")).unwrap();
        assert_eq!(bytes(&first), bytes(&again));
        assert_eq!(headers(&first).get(NATS_MESSAGE_ID).unwrap().as_str(), first.event.id.to_string());
        assert_eq!(headers(&first).get("traceparent").unwrap().as_str(), first.event.trace.unwrap());
    }
}
