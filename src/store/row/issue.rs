//! Rows of issues and of what belongs to one: events and comments.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::columns::columns;
use super::{UnreadableRow, broken, origin, word};
use crate::domain::event::EventDetail;
use crate::domain::{
    Claim, Comment, CommentId, Event, Fingerprint, Issue, IssueId, IssueNumber, IssueRelation, Review, ReviewState, State, StateName,
};

/// The columns of an [`IssueRow`], for every statement that reads one.
macro_rules! issue_columns {
    () => {
        "id, number, title, description, state, blocked_reason, blocked_at, blocked_was_started, close_reason, closed_at, \
         priority, kind, labels, assignees, milestone, due_on, target_repo, backend, url, \
         source_type, source_id, triggering_event_id, activity_definition_id, review, review_reason, \
         claimed_by, claimed_until, version, created_at, updated_at, archived_at, relations"
    };
}
pub(in crate::store) use issue_columns;

/// Every column that is written with a new issue, except the number, which the database gives.
macro_rules! written_columns {
    () => {
        "id, title, description, state, blocked_reason, blocked_at, blocked_was_started, close_reason, closed_at, \
         priority, kind, labels, assignees, milestone, due_on, target_repo, backend, url, \
         source_type, source_id, triggering_event_id, activity_definition_id, review, review_reason, \
         claimed_by, claimed_until, version, created_at, updated_at, archived_at, dedupe_key, fingerprint, relations"
    };
}
pub(in crate::store) use written_columns;

#[derive(Debug)]
pub(in crate::store) struct IssueRow {
    pub(in crate::store) id: Uuid,
    pub(in crate::store) number: i64,
    title: String,
    description: String,
    state: String,
    blocked_reason: Option<String>,
    blocked_at: Option<DateTime<Utc>>,
    blocked_was_started: Option<bool>,
    close_reason: Option<String>,
    closed_at: Option<DateTime<Utc>>,
    priority: String,
    kind: String,
    labels: Json<Vec<String>>,
    assignees: Json<Vec<String>>,
    milestone: Option<String>,
    due_on: Option<NaiveDate>,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    review: String,
    review_reason: Option<String>,
    claimed_by: Option<String>,
    claimed_until: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    archived_at: Option<DateTime<Utc>>,
    relations: Option<Json<Vec<IssueRelation>>>,
}

columns! { IssueRow {
    id, number, title, description, state, blocked_reason, blocked_at, blocked_was_started, close_reason, closed_at,
    priority, kind, labels, assignees, milestone, due_on, target_repo, backend, url, source_type, source_id,
    triggering_event_id, activity_definition_id, review, review_reason, claimed_by, claimed_until, version, created_at,
    updated_at, archived_at, relations,
} }

/// An issue with its identity among repeats.
#[derive(Debug)]
pub(in crate::store) struct KeyedRow {
    pub(in crate::store) issue: IssueRow,
    dedupe_key: Vec<u8>,
    fingerprint: Option<Vec<u8>>,
}

columns! { KeyedRow { ..issue, dedupe_key, fingerprint } }

#[derive(Debug)]
pub(in crate::store) struct EventRow {
    pub(super) issue_id: Uuid,
    seq: i64,
    id: Uuid,
    kind: String,
    actor: String,
    at: DateTime<Utc>,
    trace: Option<String>,
    detail: Json<EventDetail>,
}

columns! { EventRow { issue_id, seq, id, kind, actor, at, trace, detail } }

#[derive(Debug)]
pub(in crate::store) struct CommentRow {
    id: Uuid,
    issue_id: Uuid,
    author: String,
    body: String,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
}

columns! { CommentRow { id, issue_id, author, body, created_at, edited_at } }

impl KeyedRow {
    /// The key, the issue, and what its first body said.
    pub(in crate::store) fn read(self) -> Result<([u8; 32], Issue, Option<Fingerprint>), UnreadableRow> {
        let Self { issue, dedupe_key, fingerprint } = self;
        let key = issue.hash("dedupe_key", dedupe_key)?;
        let fingerprint = fingerprint.map(|print| issue.hash("fingerprint", print)).transpose()?;
        Ok((key, issue.try_into()?, fingerprint.map(Fingerprint)))
    }
}

impl IssueRow {
    /// One of the row's hashes.
    pub(in crate::store) fn hash(&self, column: &'static str, bytes: Vec<u8>) -> Result<[u8; 32], UnreadableRow> {
        bytes.try_into().map_err(|_| broken("issues", column, &self.id, "is not 32 bytes long".to_owned()))
    }
}

impl TryFrom<IssueRow> for Issue {
    type Error = UnreadableRow;

    fn try_from(row: IssueRow) -> Result<Self, UnreadableRow> {
        let id = row.id;
        Ok(Self {
            state: state(&row)?,
            review: review(&row)?,
            claim: claim(&row)?,
            priority: word("issues", "priority", &id, &row.priority)?,
            kind: word("issues", "kind", &id, &row.kind)?,
            origin: origin(&id, row.source_type, row.source_id, row.triggering_event_id, row.activity_definition_id)?,
            id: IssueId(row.id),
            number: IssueNumber(row.number),
            title: row.title,
            description: row.description,
            labels: row.labels.0,
            assignees: row.assignees.0,
            milestone: row.milestone,
            due_on: row.due_on,
            target_repo: row.target_repo,
            backend: row.backend,
            url: row.url,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
            relations: row.relations.map(|relations| relations.0).unwrap_or_default(),
        })
    }
}

fn state(row: &IssueRow) -> Result<State, UnreadableRow> {
    let missing = |column| broken("issues", column, &row.id, format!("is null in state {}", row.state));
    Ok(match word("issues", "state", &row.id, &row.state)? {
        StateName::Open => State::Open,
        StateName::InProgress => State::InProgress,
        StateName::Blocked => State::Blocked {
            reason: row.blocked_reason.clone().ok_or_else(|| missing("blocked_reason"))?,
            since: row.blocked_at.ok_or_else(|| missing("blocked_at"))?,
            was_started: row.blocked_was_started.ok_or_else(|| missing("blocked_was_started"))?,
        },
        StateName::Closed => {
            let reason = row.close_reason.as_deref().ok_or_else(|| missing("close_reason"))?;
            State::Closed {
                reason: word("issues", "close_reason", &row.id, reason)?,
                at: row.closed_at.ok_or_else(|| missing("closed_at"))?,
            }
        }
    })
}

fn review(row: &IssueRow) -> Result<Review, UnreadableRow> {
    Ok(match word("issues", "review", &row.id, &row.review)? {
        ReviewState::None => Review::None,
        ReviewState::Pending => Review::Pending,
        ReviewState::Approved => Review::Approved,
        ReviewState::Rejected => {
            let missing = || broken("issues", "review_reason", &row.id, "is null in review rejected".to_owned());
            Review::Rejected { reason: row.review_reason.clone().ok_or_else(missing)? }
        }
    })
}

fn claim(row: &IssueRow) -> Result<Option<Claim>, UnreadableRow> {
    match (&row.claimed_by, row.claimed_until) {
        (None, None) => Ok(None),
        (Some(holder), Some(until)) => Ok(Some(Claim { holder: holder.clone(), until })),
        (Some(_), None) | (None, Some(_)) => {
            Err(broken("issues", "claimed_by", &row.id, "and claimed_until: one of them is null".to_owned()))
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = UnreadableRow;

    fn try_from(row: EventRow) -> Result<Self, UnreadableRow> {
        Ok(Self {
            kind: word("events", "kind", &row.id, &row.kind)?,
            issue_id: IssueId(row.issue_id),
            seq: row.seq,
            id: row.id,
            actor: row.actor,
            at: row.at,
            trace: row.trace,
            detail: row.detail.0,
        })
    }
}

impl From<CommentRow> for Comment {
    fn from(row: CommentRow) -> Self {
        Self {
            id: CommentId(row.id),
            issue_id: IssueId(row.issue_id),
            author: row.author,
            body: row.body,
            created_at: row.created_at,
            edited_at: row.edited_at,
        }
    }
}
