//! Rows as they lie in both databases: read into domain values here, and nowhere else.
//!
//! A row never travels further than its dialect. What the database holds is not trusted: a word that this binary does not
//! know is an [`Unreadable`] error, never a guess. To add a column: its field in the row, in the conversion, and in
//! [`super::fields`]; then the compiler and the conformance suite ask for the rest.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::queue::Backlog;
use crate::domain::event::Detail;
use crate::domain::facet::Count;
use crate::domain::find::{Found, Match};
use crate::domain::{
    Claim, Comment, CommentId, Delivery, Event, Fingerprint, Issue, IssueId, IssueNumber, Lease, Message, Notice, Origin, Review,
    ReviewState, State, StateName,
};

/// The columns of an [`IssueRow`], for every statement that reads one.
macro_rules! issue_columns {
    () => {
        "id, number, title, description, state, blocked_reason, blocked_at, blocked_was_started, close_reason, closed_at, \
         priority, kind, labels, assignees, milestone, due_on, target_repo, backend, url, \
         source_type, source_id, triggering_event_id, activity_definition_id, review, review_reason, \
         claimed_by, claimed_until, version, created_at, updated_at, archived_at"
    };
}
pub(super) use issue_columns;

/// The columns of a [`MessageRow`], of a table named by its argument.
macro_rules! message_columns {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".kind, ",
            $table,
            ".target, ",
            $table,
            ".issue_id, ",
            $table,
            ".event_seq, ",
            $table,
            ".attempt, ",
            $table,
            ".due_at, ",
            $table,
            ".leased_until, ",
            $table,
            ".trace, ",
            $table,
            ".last_error, ",
            $table,
            ".created_at, ",
            $table,
            ".dead_at"
        )
    };
}
pub(super) use message_columns;

/// The row says something this binary cannot read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} of {table} row {id}: {reason}")]
pub(super) struct Unreadable {
    table: &'static str,
    column: &'static str,
    id: String,
    reason: String,
}

#[derive(Debug, FromRow)]
pub(super) struct IssueRow {
    pub(super) id: Uuid,
    pub(super) number: i64,
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
}

/// An issue with its identity among repeats.
#[derive(Debug, FromRow)]
pub(super) struct KeyedRow {
    #[sqlx(flatten)]
    pub(super) issue: IssueRow,
    dedupe_key: Vec<u8>,
    fingerprint: Option<Vec<u8>>,
}

#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    issue_id: Uuid,
    seq: i64,
    id: Uuid,
    kind: String,
    actor: String,
    at: DateTime<Utc>,
    trace: Option<String>,
    detail: Json<Detail>,
}

#[derive(Debug, FromRow)]
pub(super) struct CommentRow {
    id: Uuid,
    issue_id: Uuid,
    author: String,
    body: String,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
}

#[derive(Debug, FromRow)]
pub(super) struct MessageRow {
    id: i64,
    kind: String,
    target: String,
    issue_id: Uuid,
    event_seq: i64,
    attempt: i32,
    due_at: DateTime<Utc>,
    leased_until: Option<DateTime<Utc>>,
    trace: Option<String>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    dead_at: Option<DateTime<Utc>>,
}

/// An event with what never changes of its issue.
#[derive(Debug, FromRow)]
pub(super) struct NoticeRow {
    #[sqlx(flatten)]
    event: EventRow,
    number: i64,
    target_repo: Option<String>,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
}

#[derive(Debug, FromRow)]
pub(super) struct DeliveryRow {
    id: i64,
    message_id: i64,
    kind: String,
    target: String,
    issue_id: Uuid,
    event_seq: i64,
    attempt: i32,
    outcome: String,
    error: Option<String>,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    trace: Option<String>,
}

#[derive(Debug, FromRow)]
pub(super) struct BacklogRow {
    kind: String,
    target: String,
    state: String,
    depth: i64,
    oldest: DateTime<Utc>,
}

/// An issue of a page, with how many rows the page had before it was bounded.
#[derive(Debug, FromRow)]
pub(super) struct ListedRow {
    #[sqlx(flatten)]
    pub(super) issue: IssueRow,
    pub(super) fetched: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct MatchRow {
    number: i64,
    title: String,
    opening: String,
    bytes: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct FacetRow {
    key: String,
    name: String,
    active: i64,
    closed: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct FoundRow {
    place: i64,
    id: Uuid,
    number: i64,
    title: String,
    state: String,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<MatchRow> for Match {
    fn from(row: MatchRow) -> Self {
        Self { number: row.number, title: row.title, opening: row.opening, bytes: row.bytes }
    }
}

impl FacetRow {
    pub(super) fn read(self) -> (String, String, Count) {
        (self.key, self.name, Count { active: self.active, closed: self.closed })
    }
}

impl TryFrom<FoundRow> for Found {
    type Error = Unreadable;

    fn try_from(row: FoundRow) -> Result<Self, Unreadable> {
        Ok(Self {
            place: usize::try_from(row.place).map_err(|_| broken("issues", "place", &row.id, "is negative".to_owned()))?,
            state: word("issues", "state", &row.id, &row.state)?,
            origin: Origin {
                source_type: row.source_type.map(|text| word("issues", "source_type", &row.id, &text)).transpose()?,
                source_id: row.source_id,
                triggering_event_id: row.triggering_event_id,
                activity_definition_id: row.activity_definition_id,
            },
            id: IssueId(row.id),
            number: IssueNumber(row.number),
            title: row.title,
            target_repo: row.target_repo,
            backend: row.backend,
            url: row.url,
            created_at: row.created_at,
        })
    }
}

impl KeyedRow {
    /// The key, the issue, and what its first body said.
    pub(super) fn read(self) -> Result<([u8; 32], Issue, Option<Fingerprint>), Unreadable> {
        let Self { issue, dedupe_key, fingerprint } = self;
        let id = issue.id;
        let bytes = |column, bytes: Vec<u8>| {
            <[u8; 32]>::try_from(bytes).map_err(|_| broken("issues", column, &id, "is not 32 bytes long".to_owned()))
        };
        let key = bytes("dedupe_key", dedupe_key)?;
        let fingerprint = fingerprint.map(|print| bytes("fingerprint", print)).transpose()?;
        Ok((key, issue.try_into()?, fingerprint.map(Fingerprint)))
    }
}

impl TryFrom<IssueRow> for Issue {
    type Error = Unreadable;

    fn try_from(row: IssueRow) -> Result<Self, Unreadable> {
        let id = row.id;
        Ok(Self {
            state: state(&row)?,
            review: review(&row)?,
            claim: claim(&row)?,
            priority: word("issues", "priority", &id, &row.priority)?,
            kind: word("issues", "kind", &id, &row.kind)?,
            origin: Origin {
                source_type: row.source_type.map(|text| word("issues", "source_type", &id, &text)).transpose()?,
                source_id: row.source_id,
                triggering_event_id: row.triggering_event_id,
                activity_definition_id: row.activity_definition_id,
            },
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
        })
    }
}

fn state(row: &IssueRow) -> Result<State, Unreadable> {
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

fn review(row: &IssueRow) -> Result<Review, Unreadable> {
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

fn claim(row: &IssueRow) -> Result<Option<Claim>, Unreadable> {
    match (&row.claimed_by, row.claimed_until) {
        (None, None) => Ok(None),
        (Some(holder), Some(until)) => Ok(Some(Claim { holder: holder.clone(), until })),
        (Some(_), None) | (None, Some(_)) => {
            Err(broken("issues", "claimed_by", &row.id, "and claimed_until: one of them is null".to_owned()))
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Unreadable;

    fn try_from(row: EventRow) -> Result<Self, Unreadable> {
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

impl TryFrom<MessageRow> for Message {
    type Error = Unreadable;

    fn try_from(row: MessageRow) -> Result<Self, Unreadable> {
        Ok(Self {
            kind: word("messages", "kind", &row.id, &row.kind)?,
            id: row.id,
            target: row.target,
            issue_id: IssueId(row.issue_id),
            event_seq: row.event_seq,
            attempt: row.attempt,
            due_at: row.due_at,
            leased_until: row.leased_until,
            trace: row.trace,
            last_error: row.last_error,
            created_at: row.created_at,
            dead_at: row.dead_at,
        })
    }
}

impl MessageRow {
    /// The lease, where the row was just leased and not only looked at.
    pub(super) fn lease(self, token: Uuid) -> Result<Option<Lease>, Unreadable> {
        let message = Message::try_from(self)?;
        Ok(message.leased_until.map(|until| Lease { message, token, until }))
    }
}

impl TryFrom<NoticeRow> for Notice {
    type Error = Unreadable;

    fn try_from(row: NoticeRow) -> Result<Self, Unreadable> {
        let id = row.event.issue_id;
        Ok(Self {
            event: row.event.try_into()?,
            number: IssueNumber(row.number),
            target_repo: row.target_repo,
            origin: Origin {
                source_type: row.source_type.map(|text| word("issues", "source_type", &id, &text)).transpose()?,
                source_id: row.source_id,
                triggering_event_id: row.triggering_event_id,
                activity_definition_id: row.activity_definition_id,
            },
        })
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = Unreadable;

    fn try_from(row: DeliveryRow) -> Result<Self, Unreadable> {
        Ok(Self {
            kind: word("deliveries", "kind", &row.id, &row.kind)?,
            outcome: word("deliveries", "outcome", &row.id, &row.outcome)?,
            id: row.id,
            message_id: row.message_id,
            target: row.target,
            issue_id: IssueId(row.issue_id),
            event_seq: row.event_seq,
            attempt: row.attempt,
            error: row.error,
            started_at: row.started_at,
            ended_at: row.ended_at,
            trace: row.trace,
        })
    }
}

impl TryFrom<BacklogRow> for Backlog {
    type Error = Unreadable;

    fn try_from(row: BacklogRow) -> Result<Self, Unreadable> {
        Ok(Self {
            kind: word("messages", "kind", &row.target, &row.kind)?,
            state: word("messages", "state", &row.target, &row.state)?,
            target: row.target,
            depth: row.depth,
            oldest: row.oldest,
        })
    }
}

fn word<T: FromStr<Err: ToString>>(table: &'static str, column: &'static str, id: &impl ToString, text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|error: T::Err| broken(table, column, id, format!("{text:?} {}", error.to_string())))
}

fn broken(table: &'static str, column: &'static str, id: &impl ToString, reason: String) -> Unreadable {
    Unreadable { table, column, id: id.to_string(), reason }
}
