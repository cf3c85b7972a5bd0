//! Records out of this store and into it, with everything as it was: numbers, ids, times.
//!
//! An import locks out every other writer of issues for the length of one batch: a number that is given from outside must not
//! meet one that the sequence is giving at the same moment.

use async_trait::async_trait;
use sqlx::Connection as _;
use sqlx::postgres::{PgArguments, PgConnection};
use tokio::time::timeout;
use uuid::Uuid;

use super::error::PostgresFailure;
use super::incoming::IncomingChildren;
use super::{NAME, PostgresStore, index, sql};
use crate::domain::IssueNumber;
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::store::fields::{CommentFields, EventFields, IssueFields};
use crate::store::import::{RecordRow, StandingIds, WantedIds, gathered, plan, written};
use crate::store::lookup::readable;
use crate::store::reindex::ReindexPlan;
use crate::store::row::{CommentRow, EventRow, issue_columns, written_columns};
use crate::store::{RecordStore, StoreError};

const RECORDS: &str =
    concat!("-- records\nselect ", issue_columns!(), ", dedupe_key, fingerprint from issues where number > $1 order by number limit $2");

const EVENTS_OF: &str = "-- events_of
select issue_id, seq, id, kind, actor, at, trace, detail from events where issue_id = any($1) order by issue_id, seq";

const COMMENTS_OF: &str = "-- comments_of
select id, issue_id, author, body, created_at, edited_at from comments where issue_id = any($1) order by issue_id, id";

/// First of all locks: each writer of issues holds a weaker lock of this table until its end, and
/// waits for none of ours.
const LOCK_OUT: &str = "-- lock_out
lock table issues in share row exclusive mode";

const STANDING: &str = "-- standing
select id, number, version, dedupe_key from issues where id = any($1)
union select id, number, version, dedupe_key from issues where number = any($2)
union select id, number, version, dedupe_key from issues where dedupe_key = any($3)";

const STANDING_COMMENTS: &str = "-- standing_comments
select id from comments where id = any($1)";

const INSERT_RECORDS: &str = concat!(
    "-- insert_records\ninsert into issues (",
    written_columns!(),
    ", number)\noverriding system value\nselect ",
    written_columns!(),
    ", ($2::bigint[])[ordinality] from unnest($1::incoming_issue[]) with ordinality"
);

/// The next number is a new one. No transaction takes one meanwhile: see [`LOCK_OUT`].
const MOVE_NUMBER: &str = "-- move_number
select setval('issues_number_seq', greatest($1, (select last_value from issues_number_seq)))";

#[async_trait]
impl RecordStore for PostgresStore {
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, records(&mut connection, after, limit)).await;
        self.finish(connection, answer)
    }

    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, import(&mut connection, records, write)).await;
        self.finish(connection, answer)
    }
}

async fn records(connection: &mut PgConnection, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, PostgresFailure> {
    // One moment for all three.
    let mut transaction = connection.begin_with("begin isolation level repeatable read read only").await?;
    let after = after.map_or(0, |number| number.0);
    let issues: Vec<RecordRow> = sqlx::query_as(RECORDS).bind(after).bind(i64::from(limit)).fetch_all(&mut *transaction).await?;
    let ids: Vec<Uuid> = issues.iter().map(RecordRow::id).collect();
    let events: Vec<EventRow> = sqlx::query_as(EVENTS_OF).bind(&ids).fetch_all(&mut *transaction).await?;
    let comments: Vec<CommentRow> = sqlx::query_as(COMMENTS_OF).bind(&ids).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    readable(NAME, gathered(issues, events, comments)).map_err(PostgresFailure::Store)
}

async fn import(connection: &mut PgConnection, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if write {
        sqlx::query(LOCK_OUT).execute(&mut *transaction).await?;
    }
    let standing = standing(&mut transaction, &WantedIds::of(records)).await?;
    let taken = plan(records, standing);
    let written = written(records, &taken);
    if write && !written.is_empty() {
        insert(&mut transaction, &written).await?;
        transaction.commit().await?;
    } else {
        // Now, and not when the connection is used next: the lock goes with it.
        transaction.rollback().await?;
    }
    Ok(taken)
}

async fn standing(connection: &mut PgConnection, wanted: &WantedIds) -> Result<StandingIds, sqlx::Error> {
    let keys: Vec<&[u8]> = wanted.keys.iter().map(<[u8; 32]>::as_slice).collect();
    let issues = sqlx::query_as(STANDING).bind(&wanted.ids).bind(&wanted.numbers).bind(keys).fetch_all(&mut *connection).await?;
    let comments = sqlx::query_scalar(STANDING_COMMENTS).bind(&wanted.comments).fetch_all(connection).await?;
    Ok(StandingIds { issues, comments })
}

async fn insert(connection: &mut PgConnection, records: &[&IssueRecord]) -> Result<(), sqlx::Error> {
    let issues: Vec<_> = records.iter().map(|record| IssueFields::of(&record.issue, record.dedupe.as_ref())).collect();
    let numbers: Vec<i64> = records.iter().map(|record| record.issue.number.0).collect();
    let highest = numbers.iter().copied().max();
    sqlx::query(INSERT_RECORDS).bind(issues).bind(numbers).execute(&mut *connection).await?;
    sqlx::query(MOVE_NUMBER).bind(highest).execute(&mut *connection).await?;
    let children = IncomingChildren {
        events: records.iter().flat_map(|record| &record.events).map(EventFields::from).collect(),
        comments: records.iter().flat_map(|record| &record.comments).map(CommentFields::from).collect(),
        ..IncomingChildren::default()
    };
    let mut arguments = PgArguments::default();
    children.bind(&mut arguments).map_err(sqlx::Error::Encode)?;
    sqlx::query_with(sql::INSERT_CHILDREN, arguments).execute(&mut *connection).await?;
    index::write(connection, &ReindexPlan::of_records(records)).await
}
