//! The queue of messages: leasing, giving back, what operators ask and do. Settling is part of [`super::commit`].
//!
//! Everything that writes is one transaction begun as a writer, so nothing can come between what it reads and what it writes.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{AttemptOutcome, IssueId, MessageKind, MessageState, QueuePosition, Settle};
use crate::store::fields::moment_text;
use crate::store::queue::{AfterRelease, LeaseRequest, MessageFilter, MessageRelease};
use crate::store::row::{BacklogRow, DeliveryRow, MessageRow, NoticeRow, message_columns};

/// How many followers are due again when a message ends: a burst for one issue is then leased together.
const FOLLOWERS: i64 = 16;

/// What is due, each with the first live message before it in its lane that is not due in the same breath.
const DUE: &str = "-- due
with due as materialized (
    select id, issue_id from messages
    where target = ?1 and dead_at is null and due_at <= ?2 and (due_at, id) >= (?3, ?5) and (leased_until is null or leased_until <= ?2)
    order by due_at, id limit ?4
)
select due.id, (
    select earlier.id from messages as earlier
    where earlier.issue_id = due.issue_id and earlier.target = ?1 and earlier.id < due.id and earlier.dead_at is null
        and earlier.id not in (select id from due)
    order by earlier.id limit 1
) as blocker
from due";

/// Who is first in its lane is leased, who is not is put off to when the first may be done.
const LEASE: &str = concat!(
    "-- lease
update messages set
    lease_token = iif(value ->> 1 is null, ?2, null), leased_until = iif(value ->> 1 is null, ?3, null),
    attempt = attempt + (value ->> 1 is null),
    due_at = iif(value ->> 1 is null, due_at, (
        select max(?4, blocker.due_at, coalesce(blocker.leased_until, ?4)) from messages as blocker where blocker.id = value ->> 1
    ))
from json_each(?1) where messages.id = value ->> 0
returning ",
    message_columns!("messages")
);

/// `returning` cannot name the joined rows, so what is told is written first.
const TELL: &str = "-- tell
insert into deliveries (message_id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, ended_at, trace)
select
    messages.id, kind, target, issue_id, event_seq, attempt, value ->> 'outcome', value ->> 'error', value ->> 'started_at',
    value ->> 'at', trace
from json_each(?1) join messages on messages.id = value ->> 'id'
where value ->> 'outcome' is not null and value ->> 'started_at' is not null
order by messages.id";

/// While the messages that end are still there.
const BRING_FORWARD: &str = "-- bring_forward
update messages set due_at = ?2 where id in (
    select follower.id from messages as follower
    where follower.issue_id = ?3 and follower.target = ?4 and follower.id > ?1 and follower.dead_at is null and follower.due_at > ?2
    order by follower.id limit ?5
)";

const LANES: &str = "-- lanes
select id, issue_id, target from messages where id in (select value from json_each(?1))";

const DELETE_SETTLED: &str = "-- delete_settled
delete from messages where id in (select value from json_each(?1))";

const HELD: &str = "-- held
select id, lease_token from messages where id in (select value from json_each(?1))";

const RELEASE: &str = "-- release
update messages set
    lease_token = null, leased_until = null, attempt = attempt - (value ->> 'outcome' is null),
    due_at = coalesce(value ->> 'due_at', due_at), last_error = coalesce(value ->> 'error', last_error),
    dead_at = case when value ->> 'outcome' = 'dead' then value ->> 'at' end
from json_each(?1) where messages.id = value ->> 'id'";

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

/// How an attempt ended, for [`TELL`] and [`RELEASE`].
#[derive(Debug, Serialize)]
struct AttemptEnd<'a> {
    id: i64,
    outcome: Option<AttemptOutcome>,
    due_at: Option<String>,
    error: Option<&'a str>,
    started_at: Option<String>,
    at: String,
}

impl<'a> AttemptEnd<'a> {
    fn settled(settle: &Settle) -> Self {
        Self {
            id: settle.message_id,
            outcome: Some(AttemptOutcome::Delivered),
            due_at: None,
            error: None,
            started_at: settle.started.map(moment_text),
            at: moment_text(settle.at),
        }
    }

    fn released(release: &'a MessageRelease) -> Self {
        let (outcome, due_at, error, started_at) = match &release.then {
            AfterRelease::PutBack => (None, None, None, None),
            AfterRelease::PutOff { due_at, error } => (None, Some(*due_at), Some(error.as_str()), None),
            AfterRelease::Retry { due_at, started, error } => {
                (Some(AttemptOutcome::Failed), Some(*due_at), Some(error.as_str()), Some(*started))
            }
            AfterRelease::Dead { started, error } => (Some(AttemptOutcome::Dead), None, Some(error.as_str()), Some(*started)),
        };
        let (due_at, started_at) = (due_at.map(moment_text), started_at.map(moment_text));
        Self { id: release.message_id, outcome, due_at, error, started_at, at: moment_text(release.at) }
    }
}

pub(super) async fn claim(connection: &mut SqliteConnection, wish: &LeaseRequest<'_>) -> Result<Vec<MessageRow>, sqlx::Error> {
    let now = moment_text(wish.now);
    let since = wish.since.unwrap_or(QueuePosition::BEGINNING);
    let mut transaction = connection.begin_with("begin immediate").await?;
    let due: Vec<(i64, Option<i64>)> = sqlx::query_as(DUE)
        .bind(wish.target)
        .bind(&now)
        .bind(moment_text(since.due_at))
        .bind(wish.limit)
        .bind(since.id)
        .fetch_all(&mut *transaction)
        .await?;
    let mut looked_at: Vec<MessageRow> = Vec::new();
    if !due.is_empty() {
        let until = moment_text(wish.now + wish.lease);
        let leasing = sqlx::query_as(LEASE).bind(Json(due)).bind(wish.token).bind(until).bind(&now);
        looked_at = leasing.fetch_all(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(looked_at)
}

/// The messages that are done, what the history tells of them, and who is next in their lanes.
pub(super) async fn settle(connection: &mut SqliteConnection, settled: &[Settle]) -> Result<(), sqlx::Error> {
    if settled.is_empty() {
        return Ok(());
    }
    let ends: Vec<AttemptEnd<'_>> = settled.iter().map(AttemptEnd::settled).collect();
    sqlx::query(TELL).bind(Json(&ends)).execute(&mut *connection).await?;
    bring_forward(connection, &ends).await?;
    let ids: Vec<i64> = ends.iter().map(|end| end.id).collect();
    sqlx::query(DELETE_SETTLED).bind(Json(ids)).execute(connection).await.map(drop)
}

async fn bring_forward(connection: &mut SqliteConnection, ends: &[AttemptEnd<'_>]) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = ends.iter().map(|end| end.id).collect();
    let lanes: Vec<(i64, Uuid, String)> = sqlx::query_as(LANES).bind(Json(ids)).fetch_all(&mut *connection).await?;
    for (id, issue, target) in lanes {
        let Some(end) = ends.iter().find(|end| end.id == id) else { continue };
        let forward = sqlx::query(BRING_FORWARD).bind(id).bind(&end.at).bind(issue).bind(target).bind(FOLLOWERS);
        forward.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn release(connection: &mut SqliteConnection, releases: &[MessageRelease]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    let ids: Vec<i64> = releases.iter().map(|release| release.message_id).collect();
    let held: Vec<(i64, Option<Uuid>)> = sqlx::query_as(HELD).bind(Json(ids)).fetch_all(&mut *transaction).await?;
    let ours = |release: &&MessageRelease| held.contains(&(release.message_id, Some(release.token)));
    let ends: Vec<AttemptEnd<'_>> = releases.iter().filter(ours).map(AttemptEnd::released).collect();
    sqlx::query(TELL).bind(Json(&ends)).execute(&mut *transaction).await?;
    sqlx::query(RELEASE).bind(Json(&ends)).execute(&mut *transaction).await?;
    let dead: Vec<AttemptEnd<'_>> = ends.into_iter().filter(|end| end.outcome == Some(AttemptOutcome::Dead)).collect();
    bring_forward(&mut transaction, &dead).await?;
    transaction.commit().await
}

pub(super) async fn notices(connection: &mut SqliteConnection, events: &[(IssueId, i64)]) -> Result<Vec<NoticeRow>, sqlx::Error> {
    sqlx::query_as(NOTICES).bind(Json(events)).fetch_all(connection).await
}

pub(super) async fn messages(
    connection: &mut SqliteConnection,
    filter: &MessageFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<MessageRow>, sqlx::Error> {
    let statement = match filter.state {
        None => MESSAGES,
        Some(MessageState::Pending) => MESSAGES_PENDING,
        Some(MessageState::Retrying) => MESSAGES_RETRYING,
        Some(MessageState::Dead) => MESSAGES_DEAD,
    };
    let kind = filter.kind.map(MessageKind::as_str);
    sqlx::query_as(statement).bind(after).bind(kind).bind(filter.target.as_deref()).bind(limit).fetch_all(connection).await
}

pub(super) async fn message(connection: &mut SqliteConnection, id: i64) -> Result<Option<MessageRow>, sqlx::Error> {
    sqlx::query_as(MESSAGE).bind(id).fetch_optional(connection).await
}

pub(super) async fn retry(connection: &mut SqliteConnection, ids: &[i64], now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(RETRY).bind(Json(ids)).bind(moment_text(now)).execute(connection).await?.rows_affected())
}

pub(super) async fn discard(connection: &mut SqliteConnection, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    let end = AttemptEnd {
        id,
        outcome: Some(AttemptOutcome::Discarded),
        due_at: None,
        error: Some(why),
        started_at: Some(moment_text(now)),
        at: moment_text(now),
    };
    sqlx::query(TELL).bind(Json([&end])).execute(&mut *transaction).await?;
    bring_forward(&mut transaction, &[end]).await?;
    let gone = sqlx::query(DELETE_SETTLED).bind(Json([id])).execute(&mut *transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(gone > 0)
}

pub(super) async fn backlog(connection: &mut SqliteConnection) -> Result<Vec<BacklogRow>, sqlx::Error> {
    sqlx::query_as(BACKLOG).fetch_all(connection).await
}

pub(super) async fn deliveries_of(
    connection: &mut SqliteConnection,
    issue: IssueId,
    events: RangeInclusive<i64>,
    most: u32,
) -> Result<Vec<DeliveryRow>, sqlx::Error> {
    let asking = sqlx::query_as(DELIVERIES_OF).bind(issue.0).bind(*events.start()).bind(*events.end()).bind(most);
    asking.fetch_all(connection).await
}

pub(super) async fn purge_deliveries(connection: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(PURGE_DELIVERIES).bind(moment_text(before)).bind(limit).execute(connection).await?.rows_affected())
}
