//! State Hub: one `POST {url}/progress/` for every event that it receives.
//!
//! What is sent depends on the notice alone, so that a repeat is word for word the same: the hub answers another body under
//! the same key with 409.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::{EventSink, SinkError};
use crate::backend::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use crate::backend::http::{HttpAnswer, HttpClient, HttpError, HttpLimits};
use crate::domain::{EventKind, Notice, Progress, Verdict};

/// Which rows of the hub the progress belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HubTopic {
    pub topic: Option<Uuid>,
    pub workstream: Option<Uuid>,
}

/// Everything the sink must know of the settings.
#[derive(Debug, Clone)]
pub struct StateHubOptions {
    /// Without a slash at its end.
    pub url: String,
    pub token: Option<SecretString>,
    pub author: String,
    pub timeout: Duration,
    pub events: Vec<Progress>,
    pub place: HubTopic,
    /// What differs for a repo; what it leaves open is as above.
    pub by_repo: HashMap<String, HubTopic>,
    /// Calls at once.
    pub concurrency: usize,
}

pub struct StateHubSink {
    http: HttpClient,
    url: String,
    authorization: Option<HeaderValue>,
    options: StateHubOptions,
}

impl StateHubSink {
    pub const NAME: &str = "state_hub";

    /// Does not connect: the hub may be away for now.
    pub fn new(options: StateHubOptions) -> Result<Self, HttpError> {
        let limits = HttpLimits {
            connect: options.timeout,
            read: options.timeout,
            total: options.timeout,
            body: 16 << 10,
            idle: options.concurrency,
        };
        let authorization = options.token.as_ref().and_then(|token| {
            // The settings let only visible ASCII through.
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(Self { http: HttpClient::new(limits)?, url: format!("{}/progress/", options.url), authorization, options })
    }

    fn headers(&self, notice: &Notice) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(key) = HeaderValue::from_str(&format!("issue-core:{}", notice.event.id)) {
            headers.insert("idempotency-key", key);
        }
        // Not part of the repeat's word-for-word body. The hub's work shows up in the trace of the request that caused it.
        if let Some(Ok(value)) = notice.event.trace.as_deref().map(HeaderValue::from_str) {
            headers.insert("traceparent", value);
        }
        if let Some(value) = &self.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        headers
    }

    fn place(&self, repo: Option<&str>) -> HubTopic {
        let special = repo.and_then(|repo| self.options.by_repo.get(repo)).copied().unwrap_or_default();
        let general = self.options.place;
        HubTopic { topic: special.topic.or(general.topic), workstream: special.workstream.or(general.workstream) }
    }
}

#[async_trait]
impl EventSink for StateHubSink {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn wants(&self, kind: EventKind) -> bool {
        Progress::of(kind).is_some_and(|event| self.options.events.contains(&event))
    }

    async fn publish(&self, notice: &Notice) -> Result<(), SinkError> {
        // Written while another set of events was configured: it is owed still.
        let Some(word) = Progress::of(notice.event.kind) else { return Ok(()) };
        let progress = ProgressBody::of(word, notice, &self.options.author, self.place(notice.target_repo.as_deref()));
        let sent = self.http.post_json(&self.url, &self.headers(notice), &progress).await;
        let answer = sent.map_err(|error| SinkError::retry(error.to_string()))?;
        if answer.status == 409 {
            tracing::warn!(event.id = %notice.event.id, answer = answer.excerpt(), "State Hub has this event already, with another text; it counts as delivered");
            return Ok(());
        }
        if answer.is_success() { Ok(()) } else { Err(refused(&answer)) }
    }
}

/// Only what is about this one notice is final. A wrong address or a refused token is mended by an operator, and then
/// everything that waited goes through.
fn refused(answer: &HttpAnswer) -> SinkError {
    let hint = match answer.status {
        401 | 403 => " (check state_hub.token)",
        300..=399 | 404 | 405 => " (check state_hub.url)",
        _ => "",
    };
    let verdict = match answer.status {
        401 | 403 | 404 | 405 | 407 | 408 | 425 | 429 => Verdict::Retry { after: answer.retry_after },
        400..=499 => Verdict::Fail,
        _ => Verdict::Retry { after: answer.retry_after },
    };
    SinkError { verdict, message: format!("State Hub answered {}{hint}: {}", answer.status, answer.excerpt()) }
}

/// The body of the contract.
#[derive(Debug, Serialize)]
struct ProgressBody<'a> {
    summary: String,
    event_type: Progress,
    author: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workstream_id: Option<Uuid>,
    detail: HubDetail<'a>,
}

/// Small, and no field name in it resembles a secret.
#[derive(Debug, Serialize)]
struct HubDetail<'a> {
    issue_id: Uuid,
    number: i64,
    title: &'a str,
    target_repo: Option<&'a str>,
    backend: &'a str,
    issue_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    actor: &'a str,
    event_id: Uuid,
    event_seq: i64,
    occurred_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    source_type: Option<&'static str>,
    source_id: Option<&'a str>,
    triggering_event_id: Option<&'a str>,
    activity_definition_id: Option<&'a str>,
}

impl<'a> ProgressBody<'a> {
    fn of(word: Progress, notice: &'a Notice, author: &'a str, place: HubTopic) -> Self {
        let Notice { event, number, target_repo, origin } = notice;
        let snapshot = &event.detail.snapshot;
        Self {
            summary: summary(word, notice),
            event_type: word,
            author,
            topic_id: place.topic,
            workstream_id: place.workstream,
            detail: HubDetail {
                issue_id: event.issue_id.0,
                number: number.0,
                title: &snapshot.title,
                target_repo: target_repo.as_deref(),
                backend: &snapshot.backend,
                issue_url: snapshot.url.as_deref(),
                reason: event.detail.reason.as_deref(),
                actor: &event.actor,
                event_id: event.id,
                event_seq: event.seq,
                occurred_at: event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
                trace_id: event.trace_id(),
                source_type: origin.source_type.map(crate::domain::SourceType::as_str),
                source_id: origin.source_id.as_deref(),
                triggering_event_id: origin.triggering_event_id.as_deref(),
                activity_definition_id: origin.activity_definition_id.as_deref(),
            },
        }
    }
}

/// One line for a person: `#42 blocked: Flag stale SBOM (activity-core): waits for a key`.
fn summary(word: Progress, notice: &Notice) -> String {
    const REASON: usize = 200;
    let verb = match word {
        Progress::Created => "created",
        Progress::Started => "started",
        Progress::Blocked => "blocked",
        Progress::Unblocked => "unblocked",
        Progress::Closed => "closed",
        Progress::Reopened => "reopened",
        Progress::ReviewPending => "waits for review",
        Progress::ReviewDecided if notice.event.kind == EventKind::ReviewApproved => "approved",
        Progress::ReviewDecided => "rejected",
        Progress::SyncConflict => "disagrees with its tracker",
    };
    let mut line = format!("#{} {verb}: {}", notice.number, notice.event.detail.snapshot.title);
    if let Some(repo) = &notice.target_repo {
        line.extend([" (", repo, ")"]);
    }
    if let Some(reason) = &notice.event.detail.reason {
        line.push_str(": ");
        line.extend(reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON));
    }
    line
}

#[cfg(test)]
mod tests;
