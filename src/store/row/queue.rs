//! Rows of the message queue: messages, what they are about, deliveries, backlog.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::columns::columns;
use super::issue::EventRow;
use super::{UnreadableRow, origin, word};
use crate::domain::{Attempt, IssueId, IssueNumber, Lease, Message, Notice};
use crate::store::queue::QueueDepth;

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
pub(in crate::store) use message_columns;

#[derive(Debug)]
pub(in crate::store) struct MessageRow {
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

columns! { MessageRow {
    id, kind, target, issue_id, event_seq, attempt, due_at, leased_until, trace, last_error, created_at, dead_at,
} }

/// An event with what never changes of its issue.
#[derive(Debug)]
pub(in crate::store) struct NoticeRow {
    event: EventRow,
    number: i64,
    target_repo: Option<String>,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
}

columns! { NoticeRow {
    ..event, number, target_repo, source_type, source_id, triggering_event_id, activity_definition_id,
} }

#[derive(Debug)]
pub(in crate::store) struct DeliveryRow {
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

columns! { DeliveryRow {
    id, message_id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, ended_at, trace,
} }

#[derive(Debug)]
pub(in crate::store) struct BacklogRow {
    kind: String,
    target: String,
    state: String,
    depth: i64,
    oldest: DateTime<Utc>,
}

columns! { BacklogRow { kind, target, state, depth, oldest } }

impl TryFrom<MessageRow> for Message {
    type Error = UnreadableRow;

    fn try_from(row: MessageRow) -> Result<Self, UnreadableRow> {
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
    /// The lease, if the row was just leased and not only read.
    pub(in crate::store) fn lease(self, token: Uuid) -> Result<Option<Lease>, UnreadableRow> {
        let message = Message::try_from(self)?;
        Ok(message.leased_until.map(|until| Lease { message, token, until }))
    }
}

impl TryFrom<NoticeRow> for Notice {
    type Error = UnreadableRow;

    fn try_from(row: NoticeRow) -> Result<Self, UnreadableRow> {
        let id = row.event.issue_id;
        Ok(Self {
            event: row.event.try_into()?,
            number: IssueNumber(row.number),
            target_repo: row.target_repo,
            origin: origin(&id, row.source_type, row.source_id, row.triggering_event_id, row.activity_definition_id)?,
        })
    }
}

impl TryFrom<DeliveryRow> for Attempt {
    type Error = UnreadableRow;

    fn try_from(row: DeliveryRow) -> Result<Self, UnreadableRow> {
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

impl TryFrom<BacklogRow> for QueueDepth {
    type Error = UnreadableRow;

    fn try_from(row: BacklogRow) -> Result<Self, UnreadableRow> {
        Ok(Self {
            kind: word("messages", "kind", &row.target, &row.kind)?,
            state: word("messages", "state", &row.target, &row.state)?,
            target: row.target,
            depth: row.depth,
            oldest: row.oldest,
        })
    }
}
