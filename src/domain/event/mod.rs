//! What happened to an issue: append-only, one record for every change, never edited.

pub mod notice;
pub mod progress;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::issue::Issue;
use super::sync::ConflictNote;
use super::tracker::{LinkNote, RouteNote};
use crate::domain::base::id::{CommentId, IssueId};
use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// What happened. Past tense; a word is never reused for something else.
    EventKind {
        Created = "created",
        Edited = "edited",
        Started = "started",
        Blocked = "blocked",
        Unblocked = "unblocked",
        Closed = "closed",
        Reopened = "reopened",
        Claimed = "claimed",
        Released = "released",
        ReviewRequested = "review_requested",
        ReviewApproved = "review_approved",
        ReviewRejected = "review_rejected",
        CommentAdded = "comment_added",
        CommentEdited = "comment_edited",
        CommentDeleted = "comment_deleted",
        Archived = "archived",
        Restored = "restored",
        /// It is in a tracker now.
        Linked = "linked",
        /// Here and there it was changed to something else.
        SyncConflict = "sync_conflict",
        /// An operator or a rule resolved a conflict.
        SyncSettled = "sync_settled",
        /// It is gone from its tracker, for certain.
        RemoteGone = "remote_gone",
    }
}

/// One fact of an issue's history. `(issue_id, seq)` is its position in the history; `id` is its
/// name for sinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub issue_id: IssueId,
    /// 1 for the creation, then counted up without gaps: the issue's version once the event is applied.
    pub seq: i64,
    pub id: Uuid,
    pub kind: EventKind,
    pub actor: String,
    pub at: DateTime<Utc>,
    /// The W3C `traceparent` of the request that caused it.
    pub trace: Option<String>,
    pub detail: EventDetail,
}

impl EventKind {
    /// Whether the event changes anything that a tracker holds.
    #[must_use]
    pub const fn is_carried(self) -> bool {
        match self {
            Self::Created
            | Self::Edited
            | Self::Started
            | Self::Blocked
            | Self::Unblocked
            | Self::Closed
            | Self::Reopened
            | Self::ReviewApproved
            | Self::ReviewRejected
            | Self::Restored
            | Self::CommentAdded
            | Self::CommentEdited
            | Self::CommentDeleted => true,
            Self::Claimed
            | Self::Released
            | Self::ReviewRequested
            | Self::Archived
            | Self::Linked
            | Self::SyncConflict
            | Self::SyncSettled
            | Self::RemoteGone => false,
        }
    }
}

impl Event {
    /// The trace part of the `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_deref()?.split('-').nth(1)
    }

    /// Roughly its size in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let text = |value: &Value| value.as_str().map_or(16, str::len);
        self.detail.changes.iter().map(|change| text(&change.from) + text(&change.to)).sum()
    }
}

/// What belongs to an event besides its kind. Every retry sends the same text, so it never depends
/// on later state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetail {
    pub snapshot: IssueSnapshot,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment_id: Option<CommentId>,
    /// Where it goes, and why. Of the first event, where there are trackers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteNote>,
    /// Where it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkNote>,
    /// The backend that the change was pulled from. The event is not sent back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The conflict with a tracker that this event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictNote>,
}

impl EventDetail {
    /// Of an event that leaves the issue like this, with nothing more to say yet.
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        Self {
            snapshot: IssueSnapshot::of(issue),
            changes: Vec::new(),
            reason: None,
            comment_id: None,
            route: None,
            link: None,
            from: None,
            conflict: None,
        }
    }
}

/// The parts of an issue that may change later, as they were when the event happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueSnapshot {
    pub title: String,
    pub backend: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl IssueSnapshot {
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        Self { title: issue.title.clone(), backend: issue.backend.clone(), url: issue.url.clone() }
    }
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: Cow<'static, str>,
    pub from: Value,
    pub to: Value,
}

/// Every field that a person would call changed between two states of one issue.
#[must_use]
pub fn diff(before: &Issue, after: &Issue) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut field = |field: &'static str, from: Value, to: Value| {
        if from != to {
            changes.push(FieldChange { field: field.into(), from, to });
        }
    };
    field("title", before.title.as_str().into(), after.title.as_str().into());
    field("description", before.description.as_str().into(), after.description.as_str().into());
    field("state", before.state.name().as_str().into(), after.state.name().as_str().into());
    field("priority", before.priority.as_str().into(), after.priority.as_str().into());
    field("kind", before.kind.as_str().into(), after.kind.as_str().into());
    field("labels", before.labels.clone().into(), after.labels.clone().into());
    field("assignees", before.assignees.clone().into(), after.assignees.clone().into());
    field("milestone", before.milestone.clone().into(), after.milestone.clone().into());
    field("due_on", date(before), date(after));
    field("relations", relations(before), relations(after));
    field("backend", before.backend.as_str().into(), after.backend.as_str().into());
    field("url", before.url.clone().into(), after.url.clone().into());
    field("review", before.review.state().as_str().into(), after.review.state().as_str().into());
    field("claimed_by", holder(before), holder(after));
    changes
}

fn date(issue: &Issue) -> Value {
    issue.due_on.map(|date| date.to_string()).into()
}

/// Each as people say it.
fn relations(issue: &Issue) -> Value {
    issue.relations.iter().map(|related| format!("{} {}", related.relation, related.to)).collect::<Vec<_>>().into()
}

fn holder(issue: &Issue) -> Value {
    issue.claim.as_ref().map(|claim| claim.holder.clone()).into()
}
