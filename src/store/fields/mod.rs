//! Domain values taken apart into columns, for both dialects: Postgres gathers them into arrays, SQLite into one JSON text.
//!
//! Nothing is decided here. To add a column: its field and where it comes from; the dialects' column lists follow.

mod link;
mod sync;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::domain::event::EventDetail;
pub(super) use link::{CommentLinkFields, LinkFields};
pub(super) use sync::{ConflictFields, HeardFields, HookFields, ProgressFields};

use crate::domain::{Comment, Dedupe, Event, Issue, IssueRelation, NewMessage, Review, SourceType, State};

/// Every column of `issues` that is written, except the number, which the database gives.
#[derive(Debug, Serialize)]
pub(super) struct IssueFields<'a> {
    pub(super) id: Uuid,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) state: &'static str,
    pub(super) blocked_reason: Option<&'a str>,
    #[serde(serialize_with = "optional_moment")]
    pub(super) blocked_at: Option<DateTime<Utc>>,
    pub(super) blocked_was_started: Option<bool>,
    pub(super) close_reason: Option<&'static str>,
    #[serde(serialize_with = "optional_moment")]
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) priority: &'static str,
    pub(super) kind: &'static str,
    pub(super) labels: &'a [String],
    pub(super) assignees: &'a [String],
    pub(super) milestone: Option<&'a str>,
    pub(super) due_on: Option<NaiveDate>,
    pub(super) target_repo: Option<&'a str>,
    pub(super) backend: &'a str,
    pub(super) url: Option<&'a str>,
    pub(super) source_type: Option<&'static str>,
    pub(super) source_id: Option<&'a str>,
    pub(super) triggering_event_id: Option<&'a str>,
    pub(super) activity_definition_id: Option<&'a str>,
    pub(super) review: &'static str,
    pub(super) review_reason: Option<&'a str>,
    pub(super) claimed_by: Option<&'a str>,
    #[serde(serialize_with = "optional_moment")]
    pub(super) claimed_until: Option<DateTime<Utc>>,
    pub(super) version: i64,
    #[serde(serialize_with = "moment")]
    pub(super) created_at: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub(super) updated_at: DateTime<Utc>,
    #[serde(serialize_with = "optional_moment")]
    pub(super) archived_at: Option<DateTime<Utc>>,
    pub(super) dedupe_key: Option<StoredHash<'a>>,
    pub(super) fingerprint: Option<StoredHash<'a>>,
    /// Most have none.
    pub(super) relations: Option<&'a [IssueRelation]>,
}

/// A SHA-256: bytes in Postgres, hex in JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredHash<'a>(pub(super) &'a [u8; 32]);

impl Serialize for StoredHash<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex_text(self.0))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct EventFields<'a> {
    pub(super) issue_id: Uuid,
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) actor: &'a str,
    #[serde(serialize_with = "moment")]
    pub(super) at: DateTime<Utc>,
    pub(super) trace: Option<&'a str>,
    pub(super) detail: &'a EventDetail,
}

#[derive(Debug, Serialize)]
pub(super) struct CommentFields<'a> {
    pub(super) id: Uuid,
    pub(super) issue_id: Uuid,
    pub(super) author: &'a str,
    pub(super) body: &'a str,
    #[serde(serialize_with = "moment")]
    pub(super) created_at: DateTime<Utc>,
    #[serde(serialize_with = "optional_moment")]
    pub(super) edited_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
pub(super) struct MessageFields<'a> {
    pub(super) kind: &'static str,
    pub(super) target: &'a str,
    pub(super) issue_id: Uuid,
    pub(super) event_seq: i64,
    #[serde(serialize_with = "moment")]
    pub(super) due_at: DateTime<Utc>,
    pub(super) trace: Option<&'a str>,
}

impl<'a> IssueFields<'a> {
    pub(super) fn of(issue: &'a Issue, dedupe: Option<&'a Dedupe>) -> Self {
        let (blocked_reason, blocked_at, blocked_was_started) = match &issue.state {
            State::Blocked { reason, since, was_started } => (Some(reason.as_str()), Some(*since), Some(*was_started)),
            State::Open | State::InProgress | State::Closed { .. } => (None, None, None),
        };
        let close_reason = match &issue.state {
            State::Closed { reason, .. } => Some(reason.as_str()),
            State::Open | State::InProgress | State::Blocked { .. } => None,
        };
        let review_reason = match &issue.review {
            Review::Rejected { reason } => Some(reason.as_str()),
            Review::None | Review::Pending | Review::Approved => None,
        };
        Self {
            id: issue.id.0,
            title: &issue.title,
            description: &issue.description,
            state: issue.state.name().as_str(),
            blocked_reason,
            blocked_at,
            blocked_was_started,
            close_reason,
            closed_at: issue.closed_at(),
            priority: issue.priority.as_str(),
            kind: issue.kind.as_str(),
            labels: &issue.labels,
            assignees: &issue.assignees,
            milestone: issue.milestone.as_deref(),
            due_on: issue.due_on,
            target_repo: issue.target_repo.as_deref(),
            backend: &issue.backend,
            url: issue.url.as_deref(),
            source_type: issue.origin.source_type.map(SourceType::as_str),
            source_id: issue.origin.source_id.as_deref(),
            triggering_event_id: issue.origin.triggering_event_id.as_deref(),
            activity_definition_id: issue.origin.activity_definition_id.as_deref(),
            review: issue.review.state().as_str(),
            review_reason,
            claimed_by: issue.claim.as_ref().map(|claim| claim.holder.as_str()),
            claimed_until: issue.claim.as_ref().map(|claim| claim.until),
            version: issue.version,
            created_at: issue.created_at,
            updated_at: issue.updated_at,
            archived_at: issue.archived_at,
            dedupe_key: dedupe.map(|dedupe| StoredHash(&dedupe.key.0)),
            fingerprint: dedupe.and_then(|dedupe| dedupe.fingerprint.as_ref()).map(|print| StoredHash(&print.0)),
            relations: Some(issue.relations.as_slice()).filter(|relations| !relations.is_empty()),
        }
    }
}

impl<'a> From<&'a Event> for EventFields<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            issue_id: event.issue_id.0,
            seq: event.seq,
            id: event.id,
            kind: event.kind.as_str(),
            actor: &event.actor,
            at: event.at,
            trace: event.trace.as_deref(),
            detail: &event.detail,
        }
    }
}

impl<'a> From<&'a Comment> for CommentFields<'a> {
    fn from(comment: &'a Comment) -> Self {
        Self {
            id: comment.id.0,
            issue_id: comment.issue_id.0,
            author: &comment.author,
            body: &comment.body,
            created_at: comment.created_at,
            edited_at: comment.edited_at,
        }
    }
}

impl<'a> From<&'a NewMessage> for MessageFields<'a> {
    fn from(message: &'a NewMessage) -> Self {
        Self {
            kind: message.kind.as_str(),
            target: &message.target,
            issue_id: message.issue_id.0,
            event_seq: message.event_seq,
            due_at: message.due_at,
            trace: message.trace.as_deref(),
        }
    }
}

/// A moment as SQLite keeps it: of a fixed width, so that comparing the text compares the time.
pub(super) fn moment_text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn moment<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment_text(*moment))
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn optional_moment<S: Serializer>(moment: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(moment_text).serialize(serializer)
}

/// Bytes as SQLite's `unhex` reads them.
pub(super) fn hex_text(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
