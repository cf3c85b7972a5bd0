//! Leases of messages and their ends: claiming, giving back, discarding. Settling is part of [`super::super::commit`].
//!
//! Locks: a claim waits for none. Everything else takes message locks first, in the order of their ids. A transaction that
//! ends a message locks it in one statement and searches for its followers in the next. A claim that put one of them off has
//! either held that lock before, and is seen, or finds it taken, and puts nothing off. So no follower is forgotten.

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::domain::{AttemptOutcome, QueuePosition};
use crate::store::postgres::error::PostgresFailure;
use crate::store::postgres::statement::{PostgresRows, rows};
use crate::store::queue::{AfterRelease, LeaseRequest, MessageRelease};
use crate::store::row::{MessageRow, message_columns};

/// How many followers are due again when a message ends: a burst for one issue is then leased together.
pub(in crate::store::postgres) const FOLLOWERS: i64 = 16;

/// - `due` is what may be leased by its own state; `judged` finds the first live message before each in its lane that is
///   not leased in the same breath.
/// - A message behind another one is postponed to the time when that one may be done, if its row
///   can be locked; see above.
const CLAIM: &str = concat!(
    "-- claim
with due as materialized (
    select id, issue_id from messages
    where target = $1 and dead_at is null and due_at <= $2 and (due_at, id) >= ($3, $7) and (leased_until is null or leased_until <= $2)
    order by due_at, id limit $4 for update skip locked
), judged as materialized (
    select due.id, (
        select earlier.id from messages as earlier
        where earlier.issue_id = due.issue_id and earlier.target = $1 and earlier.id < due.id and earlier.dead_at is null
            and earlier.id <> all (array(select id from due))
        order by earlier.id limit 1
    ) as blocker
    from due
), blockers as materialized (
    select id, greatest(due_at, leased_until) as until from messages
    where id in (select blocker from judged) order by id for share skip locked
)
update messages set
    lease_token = case when judged.blocker is null then $5 end, leased_until = case when judged.blocker is null then $6 end,
    attempt = attempt + case when judged.blocker is null then 1 else 0 end,
    due_at = case when judged.blocker is null then due_at else greatest($2, blockers.until) end
from judged left join blockers on blockers.id = judged.blocker
where messages.id = judged.id
returning ",
    message_columns!("messages")
);

/// The messages whose outcomes are recorded: only those whose token is still valid.
const LOCK_LEASED: &str = "-- lock_leased
select messages.id from messages join unnest($1::bigint[], $2::uuid[]) as lease (id, token)
    on messages.id = lease.id and messages.lease_token = lease.token
order by messages.id for update of messages";

const RELEASE: &str = "-- release
with ended as (
    select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        as ended (id, outcome, due_at, error, started_at, at)
), released as (
    update messages set
        lease_token = null, leased_until = null,
        attempt = attempt - case when ended.outcome is null then 1 else 0 end,
        due_at = coalesce(ended.due_at, messages.due_at), last_error = coalesce(ended.error, last_error),
        dead_at = case when ended.outcome = 'dead' then ended.at end
    from ended where messages.id = ended.id
    returning messages.id, kind, target, issue_id, event_seq, attempt, trace, ended.outcome, ended.error, ended.started_at, ended.at
), told as (
    insert into deliveries (message_id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, ended_at, trace)
    select id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, at, trace
    from released where outcome is not null order by id
), followers as (
    select follower.id, released.at from released cross join lateral (
        select id from messages
        where issue_id = released.issue_id and target = released.target and id > released.id and dead_at is null
            and due_at > released.at and id <> all ($1)
        order by id limit $7 for update skip locked
    ) as follower
    where released.outcome = 'dead'
)
update messages set due_at = followers.at from followers where messages.id = followers.id";

const LOCK_MESSAGE: &str = "-- lock_message
select id from messages where id = $1 for update";

const DISCARD: &str = "-- discard
with gone as (
    delete from messages where id = $1 returning id, kind, target, issue_id, event_seq, attempt, trace
), told as (
    insert into deliveries (message_id, kind, target, issue_id, event_seq, attempt, outcome, error, started_at, ended_at, trace)
    select id, kind, target, issue_id, event_seq, attempt, 'discarded', $2, $3, $3, trace from gone
), followers as (
    select follower.id from gone cross join lateral (
        select id from messages
        where issue_id = gone.issue_id and target = gone.target and id > gone.id and dead_at is null and due_at > $3
        order by id limit $4 for update skip locked
    ) as follower
)
update messages set due_at = $3 from followers where messages.id = followers.id";

pub(super) fn claim<'q>(request: &LeaseRequest<'q>) -> PostgresRows<'q, MessageRow> {
    let since = request.since.unwrap_or(QueuePosition::BEGINNING);
    rows(CLAIM)
        .bind(request.target)
        .bind(request.now)
        .bind(since.due_at)
        .bind(i64::from(request.limit))
        .bind(request.token)
        .bind(request.now + request.lease)
        .bind(since.id)
}

pub(super) async fn release(connection: &mut PgConnection, releases: &[MessageRelease]) -> Result<(), PostgresFailure> {
    let mut transaction = connection.begin().await?;
    let (ids, tokens): (Vec<i64>, Vec<Uuid>) = releases.iter().map(|release| (release.message_id, release.token)).unzip();
    let held: Vec<i64> = sqlx::query_scalar(LOCK_LEASED).bind(ids).bind(tokens).fetch_all(&mut *transaction).await?;
    let mut columns = MessageColumns::default();
    releases.iter().filter(|release| held.contains(&release.message_id)).for_each(|release| columns.push(release));
    if !columns.ids.is_empty() {
        sqlx::query(RELEASE)
            .bind(columns.ids)
            .bind(columns.outcomes)
            .bind(columns.due)
            .bind(columns.errors)
            .bind(columns.started)
            .bind(columns.at)
            .bind(FOLLOWERS)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

#[derive(Default)]
struct MessageColumns<'a> {
    ids: Vec<i64>,
    outcomes: Vec<Option<&'static str>>,
    due: Vec<Option<DateTime<Utc>>>,
    errors: Vec<Option<&'a str>>,
    started: Vec<Option<DateTime<Utc>>>,
    at: Vec<DateTime<Utc>>,
}

impl<'a> MessageColumns<'a> {
    fn push(&mut self, release: &'a MessageRelease) {
        let (outcome, due, error, started) = match &release.then {
            AfterRelease::PutBack => (None, None, None, None),
            AfterRelease::PutOff { due_at, error } => (None, Some(*due_at), Some(error.as_str()), None),
            AfterRelease::Retry { due_at, started, error } => {
                (Some(AttemptOutcome::Failed), Some(*due_at), Some(error.as_str()), Some(*started))
            }
            AfterRelease::Dead { started, error } => (Some(AttemptOutcome::Dead), None, Some(error.as_str()), Some(*started)),
        };
        self.ids.push(release.message_id);
        self.outcomes.push(outcome.map(AttemptOutcome::as_str));
        self.due.push(due);
        self.errors.push(error);
        self.started.push(started);
        self.at.push(release.at);
    }
}

pub(super) async fn discard(connection: &mut PgConnection, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let found: Option<i64> = sqlx::query_scalar(LOCK_MESSAGE).bind(id).fetch_optional(&mut *transaction).await?;
    if found.is_some() {
        sqlx::query(DISCARD).bind(id).bind(why).bind(now).bind(FOLLOWERS).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(found.is_some())
}
