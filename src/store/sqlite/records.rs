//! Records out of this store and into it, with everything as it was: numbers, ids, times.

use async_trait::async_trait;
use serde::Serialize;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::classify;
use super::json::each;
use super::{NAME, SqliteStore, index, sql};
use crate::domain::IssueNumber;
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::store::fields::{CommentFields, EventFields, IssueFields, hex_text};
use crate::store::import::{RecordRow, StandingIds, WantedIds, gathered, plan, written};
use crate::store::lookup::readable;
use crate::store::reindex::ReindexPlan;
use crate::store::row::{CommentRow, EventRow, issue_columns};
use crate::store::{RecordStore, StoreError};

const RECORDS: &str =
    concat!("-- records\nselect ", issue_columns!(), ", dedupe_key, fingerprint from issues where number > ?1 order by number limit ?2");

const EVENTS_OF: &str = "-- events_of
select issue_id, seq, id, kind, actor, at, trace, detail from events
where issue_id in (select unhex(value, '-') from json_each(?1)) order by issue_id, seq";

const COMMENTS_OF: &str = "-- comments_of
select id, issue_id, author, body, created_at, edited_at from comments
where issue_id in (select unhex(value, '-') from json_each(?1)) order by issue_id, id";

const STANDING: &str = "-- standing
select id, number, version, dedupe_key from issues where id in (select unhex(value, '-') from json_each(?1))
union select id, number, version, dedupe_key from issues where number in (select value from json_each(?2))
union select id, number, version, dedupe_key from issues where dedupe_key in (select unhex(value) from json_each(?3))";

const STANDING_COMMENTS: &str = "-- standing_comments
select id from comments where id in (select unhex(value, '-') from json_each(?1))";

/// The number given moves the one that is given next, by itself.
const INSERT_RECORDS: &str = "-- insert_records
insert into issues (
    number, id, title, description, state, blocked_reason, blocked_at, blocked_was_started, close_reason,
    closed_at, priority, kind, labels, assignees, milestone, due_on, target_repo,
    backend, url, source_type, source_id, triggering_event_id, activity_definition_id, review, review_reason,
    claimed_by, claimed_until, version, created_at, updated_at, archived_at,
    dedupe_key, fingerprint, relations
)
select
    value ->> 'number', unhex(value ->> 'id', '-'), value ->> 'title', value ->> 'description', value ->> 'state',
    value ->> 'blocked_reason', value ->> 'blocked_at', value ->> 'blocked_was_started', value ->> 'close_reason',
    value ->> 'closed_at', value ->> 'priority', value ->> 'kind', value -> 'labels', value -> 'assignees',
    value ->> 'milestone', value ->> 'due_on', value ->> 'target_repo', value ->> 'backend', value ->> 'url',
    value ->> 'source_type', value ->> 'source_id', value ->> 'triggering_event_id', value ->> 'activity_definition_id',
    value ->> 'review', value ->> 'review_reason', value ->> 'claimed_by', value ->> 'claimed_until', value ->> 'version',
    value ->> 'created_at', value ->> 'updated_at', value ->> 'archived_at',
    unhex(value ->> 'dedupe_key'), unhex(value ->> 'fingerprint'), value ->> 'relations'
from json_each(?1)
order by key";

#[derive(Serialize)]
struct NumberedFields<'a> {
    number: i64,
    #[serde(flatten)]
    issue: IssueFields<'a>,
}

#[async_trait]
impl RecordStore for SqliteStore {
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError> {
        let mut connection = self.reader().await?;
        records(&mut connection, after, limit).await
    }

    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError> {
        let mut connection = self.writer().await?;
        import(&mut connection, records, write).await
    }
}

async fn records(connection: &mut SqliteConnection, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError> {
    let failed = |error| classify(&error);
    // One snapshot for all three: no write comes in between.
    let mut transaction = connection.begin().await.map_err(failed)?;
    let after = after.map_or(0, |number| number.0);
    let issues: Vec<RecordRow> = sqlx::query_as(RECORDS).bind(after).bind(limit).fetch_all(&mut *transaction).await.map_err(failed)?;
    let ids = Json(issues.iter().map(RecordRow::id).collect::<Vec<Uuid>>());
    let events: Vec<EventRow> = sqlx::query_as(EVENTS_OF).bind(&ids).fetch_all(&mut *transaction).await.map_err(failed)?;
    let comments: Vec<CommentRow> = sqlx::query_as(COMMENTS_OF).bind(&ids).fetch_all(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    readable(NAME, gathered(issues, events, comments))
}

async fn import(connection: &mut SqliteConnection, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError> {
    let failed = |error| classify(&error);
    let mut transaction = connection.begin_with("begin immediate").await.map_err(failed)?;
    let standing = standing(&mut transaction, &WantedIds::of(records)).await.map_err(failed)?;
    let taken = plan(records, standing);
    if write {
        insert(&mut transaction, &written(records, &taken)).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    } else {
        transaction.rollback().await.map_err(failed)?;
    }
    Ok(taken)
}

async fn standing(connection: &mut SqliteConnection, wanted: &WantedIds) -> Result<StandingIds, sqlx::Error> {
    let keys: Vec<String> = wanted.keys.iter().map(|key| hex_text(key)).collect();
    let issues = sqlx::query_as(STANDING).bind(Json(&wanted.ids)).bind(Json(&wanted.numbers)).bind(Json(keys));
    let issues = issues.fetch_all(&mut *connection).await?;
    let comments = sqlx::query_scalar(STANDING_COMMENTS).bind(Json(&wanted.comments)).fetch_all(connection).await?;
    Ok(StandingIds { issues, comments })
}

async fn insert(connection: &mut SqliteConnection, records: &[&IssueRecord]) -> Result<(), sqlx::Error> {
    let issues: Vec<_> = records.iter().map(|record| numbered(record)).collect();
    let events: Vec<_> = records.iter().flat_map(|record| &record.events).map(EventFields::from).collect();
    let comments: Vec<_> = records.iter().flat_map(|record| &record.comments).map(CommentFields::from).collect();
    each(connection, INSERT_RECORDS, &issues).await?;
    each(connection, sql::INSERT_EVENTS, &events).await?;
    each(connection, sql::INSERT_COMMENTS, &comments).await?;
    index::write(connection, &ReindexPlan::of_records(records)).await
}

fn numbered(record: &IssueRecord) -> NumberedFields<'_> {
    NumberedFields { number: record.issue.number.0, issue: IssueFields::of(&record.issue, record.dedupe.as_ref()) }
}
