//! The queue of messages: what operators read and do, and attempts. Leases and their ends are in [`lease`].

pub(super) mod lease;

use std::ops::RangeInclusive;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::statement::{rows, write};
use super::{NAME, SqliteStore, finish};
use crate::domain::{Attempt, IssueId, Message, MessageKind, MessageState, Notice};
use crate::store::fields::moment_text;
use crate::store::lookup::{self, counted, readable};
use crate::store::queue::{LeaseRequest, LeasedMessages, MessageFilter, MessageRelease, QueueDepth};
use crate::store::row::{BacklogRow, DeliveryRow, MessageRow, NoticeRow, message_columns};
use crate::store::{QueueStore, StoreError};

const NOTICES: &str = "-- notices
select events.issue_id, events.seq, events.id, events.kind, events.actor, events.at, events.trace, events.detail,
    issues.number, issues.target_repo, issues.source_type, issues.source_id, issues.triggering_event_id, issues.activity_definition_id
from json_each(?1)
join events on events.issue_id = unhex(value ->> 0, '-') and events.seq = value ->> 1
join issues on issues.id = events.issue_id";

const MESSAGE: &str = concat!("-- message\nselect ", message_columns!("messages"), " from messages where id = ?1");

/// One of these for each state, so that each finds its index.
macro_rules! messages_where {
    ($name:literal, $state:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect ",
            message_columns!("messages"),
            " from messages where id > ?1 and ",
            $state,
            " and (?2 is null or kind = ?2) and (?3 is null or target = ?3) order by id limit ?4"
        )
    };
}

const MESSAGES: &str = messages_where!("messages", "true");
const MESSAGES_PENDING: &str = messages_where!("messages_pending", "dead_at is null and last_error is null");
const MESSAGES_RETRYING: &str = messages_where!("messages_retrying", "dead_at is null and last_error is not null");
const MESSAGES_DEAD: &str = messages_where!("messages_dead", "dead_at is not null");

const RETRY: &str = "-- retry
update messages set due_at = ?2, dead_at = null, attempt = 0, last_error = null, lease_token = null, leased_until = null
where id in (select value from json_each(?1)) and (leased_until is null or leased_until <= ?2)";

const BACKLOG: &str = "-- backlog
select kind, target, state, count(*) as depth, min(created_at) as oldest
from (
    select kind, target, created_at,
        case when dead_at is not null then 'dead' when last_error is not null then 'retrying' else 'pending' end as state
    from messages
) as stated
group by kind, target, state";

const WAITING: &str = "-- waiting
select count(*) from (select 1 from messages where target = ?1 and dead_at is null limit ?2)";

/// One short walk down an index for each issue.
const ASKED_FOR: &str = "-- asked_for
select unhex(wanted.value, '-') from json_each(?2) as wanted
where (
    select messages.id from messages
    where messages.issue_id = unhex(wanted.value, '-') and target = ?1 and event_seq = 0 and dead_at is null and lease_token is null
    order by messages.id limit 1
) is not null";

/// The newest of each event: one that is tried for days has a long history.
const DELIVERIES_OF: &str = "-- deliveries_of
select id, message_id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, ended_at, trace from (
    select deliveries.*, row_number() over (partition by event_seq order by id desc) as place from deliveries
    where issue_id = ?1 and event_seq between ?2 and ?3
) as placed
where place <= ?4 order by event_seq, id";

/// In order of age, which is the order of the ids, so that no index by time is needed.
const PURGE_DELIVERIES: &str = "-- purge_deliveries
delete from deliveries where id in (
    select id from (select id, ended_at from deliveries order by id limit ?2) as oldest where ended_at < ?1
)";

#[async_trait]
impl QueueStore for SqliteStore {
    async fn lease_messages(&self, request: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError> {
        let mut connection = self.writer().await?;
        let found = lease::claim(&mut connection, request).await;
        lookup::claimed(NAME, finish(connection, found)?, request)
    }

    async fn release(&self, releases: &[MessageRelease]) -> Result<(), StoreError> {
        let mut connection = self.writer().await?;
        let answer = lease::release(&mut connection, releases).await;
        finish(connection, answer)
    }

    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError> {
        let found = self.all(rows::<NoticeRow>(NOTICES).bind(Json(events))).await?;
        readable(NAME, lookup::arrange_notices(events, found))
    }

    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let statement = match filter.state {
            None => MESSAGES,
            Some(MessageState::Pending) => MESSAGES_PENDING,
            Some(MessageState::Retrying) => MESSAGES_RETRYING,
            Some(MessageState::Dead) => MESSAGES_DEAD,
        };
        let (kind, target) = (filter.kind.map(MessageKind::as_str), filter.target.as_deref());
        self.all(rows::<MessageRow>(statement).bind(after).bind(kind).bind(target).bind(limit)).await
    }

    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError> {
        self.one(rows::<MessageRow>(MESSAGE).bind(id)).await
    }

    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.execute(write(RETRY).bind(Json(ids)).bind(moment_text(now))).await
    }

    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut connection = self.writer().await?;
        let answer = lease::discard(&mut connection, id, why, now).await;
        finish(connection, answer)
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.all(rows::<BacklogRow>(BACKLOG)).await
    }

    async fn count_waiting(&self, target: &str, most: u32) -> Result<u64, StoreError> {
        Ok(counted(self.one(rows::<(i64,)>(WAITING).bind(target).bind(most)).await?))
    }

    async fn queued_pushes(&self, target: &str, issues: &[IssueId]) -> Result<Vec<IssueId>, StoreError> {
        let ids: Vec<Uuid> = issues.iter().map(|id| id.0).collect();
        let queued: Vec<(Uuid,)> = self.all(rows::<(Uuid,)>(ASKED_FOR).bind(target).bind(Json(ids))).await?;
        Ok(queued.into_iter().map(|(id,)| IssueId(id)).collect())
    }

    async fn attempts_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Attempt>, StoreError> {
        let (first, last) = events.into_inner();
        self.all(rows::<DeliveryRow>(DELIVERIES_OF).bind(issue.0).bind(first).bind(last).bind(most)).await
    }

    async fn purge_attempts(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.execute(write(PURGE_DELIVERIES).bind(moment_text(before)).bind(limit)).await
    }

    /// The file has one process. A second one, now and then a command line, is noticed by the poll.
    async fn notify_processes(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self, _heard: &(dyn Fn() + Sync)) -> Result<(), StoreError> {
        std::future::pending().await
    }
}
