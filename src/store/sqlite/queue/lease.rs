//! Leases of messages and their ends: claiming, settling, giving back, discarding.
//!
//! Everything that writes is one transaction begun as a writer, so nothing can come between what it reads and what it writes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::queue::message::Settle;
use crate::domain::{AttemptOutcome, QueuePosition};
use crate::store::fields::moment_text;
use crate::store::queue::{AfterRelease, LeaseRequest, MessageRelease};
use crate::store::row::{MessageRow, message_columns};

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

/// The first message of a lane is leased; another one is postponed to the time when the first may
/// be done.
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

/// `returning` cannot name the joined rows, so the history is written first.
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

pub(super) async fn claim(connection: &mut SqliteConnection, request: &LeaseRequest<'_>) -> Result<Vec<MessageRow>, sqlx::Error> {
    let now = moment_text(request.now);
    let since = request.since.unwrap_or(QueuePosition::BEGINNING);
    let mut transaction = connection.begin_with("begin immediate").await?;
    let due: Vec<(i64, Option<i64>)> = sqlx::query_as(DUE)
        .bind(request.target)
        .bind(&now)
        .bind(moment_text(since.due_at))
        .bind(request.limit)
        .bind(since.id)
        .fetch_all(&mut *transaction)
        .await?;
    let mut looked_at: Vec<MessageRow> = Vec::new();
    if !due.is_empty() {
        let until = moment_text(request.now + request.lease);
        let leasing = sqlx::query_as(LEASE).bind(Json(due)).bind(request.token).bind(until).bind(&now);
        looked_at = leasing.fetch_all(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(looked_at)
}

/// Deletes the finished messages, records their outcomes in the history, and makes the next ones of
/// their lanes due.
pub(in crate::store::sqlite) async fn settle(connection: &mut SqliteConnection, settled: &[Settle]) -> Result<(), sqlx::Error> {
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
