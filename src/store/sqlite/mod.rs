//! The store on SQLite: one file, one writing connection, a few reading ones.
//!
//! One process owns the file as a rule, but a second one (a command line beside a server) does no harm: writers wait for
//! each other. To add a method: a function with its statement in `commit` or `read`, three lines here.

mod commit;
mod error;
mod find;
mod link;
mod queue;
mod read;
mod record;
mod sql;
mod sync;

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::time::sleep;
use uuid::Uuid;

use self::error::{classify, is_busy, is_undefined_table};
use super::lookup::{self, readable};
use super::queue::{LeaseRequest, LeasedMessages, MessageFilter, MessageRelease, QueueDepth};
use super::row::FacetRow;
use super::warm::{LentConnection, WarmPool};
use super::{
    BindingEnd, BindingLease, BindingStore, BudgetStore, CommitOutcome, ConflictStore, DeliveryStore, FiledIssue, FindStore, IssuePage,
    IssueStore, LinkStore, PoolConnections, PutBinding, QueueStore, RecordStore, Store, StoreError, migrate,
};
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::domain::find::facet::{FacetQuery, ShownFacetValue, shown};
use crate::domain::find::{FoundIssue, IssueLookup, IssueQuery, ListFilter, SearchMatch};
use crate::domain::sync::{BindingState, Conflict, ConflictFilter, NewDelivery, StoredDelivery};
use crate::domain::tracker::{BudgetWindow, CommentLink, Link, LinkSummary, Project};
use crate::domain::{Attempt, Change, Comment, CommentId, DedupeKey, Event, Issue, IssueId, IssueNumber, IssueRef, Message, Notice};

const NAME: &str = "sqlite";

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrate::embedded(include!(concat!(env!("OUT_DIR"), "/migrations_sqlite.rs"))));

const READERS: u32 = 4;

/// The longest a writer waits for another process's transaction, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// One SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: WarmPool<Sqlite>,
    readers: WarmPool<Sqlite>,
}

impl SqliteStore {
    /// Opens the file, and creates it if it is not there; its directory must be.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered has reached the disk.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let readers = WarmPool::of(pool(READERS).connect_lazy_with(options.clone().create_if_missing(false)));
        Ok(Self { writer: WarmPool::of(open_writer(options).await?), readers })
    }

    /// Brings the schema up to this binary's. Any number of processes may do so at once: they take turns.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let failed = |error| classify(&error);
        // The driver takes no lock on SQLite. A transaction begun as a writer is one, and makes the migrations one step.
        let mut transaction = self.writer.pool().begin_with("begin immediate").await.map_err(failed)?;
        let applied = schema(&mut transaction).await?;
        migrate::refuse_newer(&applied, &MIGRATIONS)?;
        if migrate::is_ahead(&applied, &MIGRATIONS) {
            return Ok(());
        }
        // `run` is the same, but its future is not `Send` for every lifetime.
        let run = MIGRATIONS.run_direct(None, &mut *transaction, false).await;
        run.map_err(|error| migrate::explain(NAME, &error, classify))?;
        transaction.commit().await.map_err(failed)
    }

    async fn writer(&self) -> Result<LentConnection<Sqlite>, StoreError> {
        self.writer.lend().await.map_err(|error| classify(&error))
    }

    async fn reader(&self) -> Result<LentConnection<Sqlite>, StoreError> {
        self.readers.lend().await.map_err(|error| classify(&error))
    }
}

fn finish<T>(lent: LentConnection<Sqlite>, answer: Result<T, sqlx::Error>) -> Result<T, StoreError> {
    let answer = answer.map_err(|error| classify(&error))?;
    lent.done();
    Ok(answer)
}

/// Connections to a file do not age: one that is open stays open.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Turning a new file to write-ahead logging needs it alone for a moment, and SQLite does not wait for that by itself.
async fn open_writer(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    const TRIES: u32 = 100;
    for _ in 1..TRIES {
        match pool(1).connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => sleep(Duration::from_millis(20)).await,
            opened => return opened.map_err(|error| classify(&error)),
        }
    }
    pool(1).connect_with(options).await.map_err(|error| classify(&error))
}

async fn schema(connection: &mut SqliteConnection) -> Result<Vec<(i64, String)>, StoreError> {
    match read::schema(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(Vec::new()),
        applied => applied.map_err(|error| classify(&error)),
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.writer().await?;
        let outcomes = commit::commit(&mut connection, changes).await?;
        connection.done();
        Ok(outcomes)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.reader().await?;
        let applied = schema(&mut connection).await?;
        connection.done();
        migrate::check(&applied, &MIGRATIONS)
    }

    fn connections(&self) -> Vec<PoolConnections> {
        vec![self.writer.connections("writer"), self.readers.connections("readers")]
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl IssueStore for SqliteStore {
    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, numbers) = lookup::split(refs);
        let mut connection = self.reader().await?;
        let rows = read::issues(&mut connection, &ids, &numbers).await;
        readable(NAME, lookup::arrange(refs, finish(connection, rows)?))
    }

    async fn numbers(&self, refs: &[IssueRef]) -> Result<Vec<(IssueId, IssueNumber)>, StoreError> {
        let (ids, numbers) = lookup::split(refs);
        let mut connection = self.reader().await?;
        let rows = read::numbers(&mut connection, &ids, &numbers).await;
        Ok(lookup::numbered(finish(connection, rows)?))
    }

    async fn filed_under(&self, keys: &[DedupeKey]) -> Result<Vec<Option<FiledIssue>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let raw: Vec<[u8; 32]> = keys.iter().map(|key| key.0).collect();
        let mut connection = self.reader().await?;
        let rows = read::by_keys(&mut connection, &raw).await;
        readable(NAME, lookup::arrange_filed(keys, finish(connection, rows)?))
    }

    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = read::events(&mut connection, issue, after_seq, limit).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = read::comments(&mut connection, issue, after, limit).await;
        Ok(finish(connection, rows)?.into_iter().map(Comment::from).collect())
    }

    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError> {
        let mut connection = self.reader().await?;
        let row = read::comment(&mut connection, id).await;
        Ok(finish(connection, row)?.map(Comment::from))
    }

    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let mut connection = self.reader().await?;
        let rows = read::comments_named(&mut connection, &ids).await;
        Ok(finish(connection, rows)?.into_iter().map(Comment::from).collect())
    }

    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = read::pending_reviews(&mut connection, after, limit).await;
        lookup::all(NAME, finish(connection, rows)?)
    }
}

#[async_trait]
impl FindStore for SqliteStore {
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError> {
        let mut connection = self.reader().await?;
        let gathered = find::list(&mut connection, query).await;
        readable(NAME, finish(connection, gathered)?.page())
    }

    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = find::matches(&mut connection, filter, newest, most).await;
        Ok(finish(connection, rows)?.into_iter().map(SearchMatch::from).collect())
    }

    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let count = find::count(&mut connection, filter, most).await;
        Ok(finish(connection, count)?.unsigned_abs())
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = find::facet(&mut connection, query).await;
        Ok(shown(finish(connection, rows)?.into_iter().map(FacetRow::read).collect(), query.by))
    }

    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = find::lookup(&mut connection, asked).await;
        lookup::all(NAME, finish(connection, rows)?)
    }
}

#[async_trait]
impl QueueStore for SqliteStore {
    async fn lease_messages(&self, wish: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError> {
        let mut connection = self.writer().await?;
        let rows = queue::claim(&mut connection, wish).await;
        lookup::claimed(NAME, finish(connection, rows)?, wish)
    }

    async fn release(&self, releases: &[MessageRelease]) -> Result<(), StoreError> {
        let mut connection = self.writer().await?;
        let answer = queue::release(&mut connection, releases).await;
        finish(connection, answer)
    }

    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = queue::notices(&mut connection, events).await;
        readable(NAME, lookup::arrange_notices(events, finish(connection, rows)?))
    }

    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = queue::messages(&mut connection, filter, after, limit).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError> {
        let mut connection = self.reader().await?;
        let row = queue::message(&mut connection, id).await;
        readable(NAME, finish(connection, row)?.map(Message::try_from).transpose())
    }

    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut connection = self.writer().await?;
        let answer = queue::retry(&mut connection, ids, now).await;
        finish(connection, answer)
    }

    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut connection = self.writer().await?;
        let answer = queue::discard(&mut connection, id, why, now).await;
        finish(connection, answer)
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = queue::backlog(&mut connection).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn count_waiting(&self, target: &str, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let count = link::waiting(&mut connection, target, most).await;
        Ok(finish(connection, count)?.unsigned_abs())
    }

    async fn queued_pushes(&self, target: &str, issues: &[IssueId]) -> Result<Vec<IssueId>, StoreError> {
        let ids: Vec<(Uuid,)> = self.read_all(sync::asked_for(target, issues)).await?;
        Ok(ids.into_iter().map(|(id,)| IssueId(id)).collect())
    }

    async fn attempts_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Attempt>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = queue::deliveries_of(&mut connection, issue, events, most).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn purge_attempts(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut connection = self.writer().await?;
        let answer = queue::purge_deliveries(&mut connection, before, limit).await;
        finish(connection, answer)
    }

    /// The file has one process. A second one, now and then a command line, is heard of by the poll.
    async fn notify_processes(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self, _heard: &(dyn Fn() + Sync)) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

#[async_trait]
impl LinkStore for SqliteStore {
    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError> {
        let ids: Vec<_> = issues.iter().map(|id| id.0).collect();
        let mut connection = self.reader().await?;
        let rows = link::links(&mut connection, &ids).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn link_summaries(&self, issues: &[IssueId]) -> Result<Vec<LinkSummary>, StoreError> {
        let ids: Vec<_> = issues.iter().map(|id| id.0).collect();
        let mut connection = self.reader().await?;
        let rows = link::ties(&mut connection, &ids).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn link_summaries_by_key(&self, backend: &str, keys: &[String]) -> Result<Vec<LinkSummary>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = link::ties_named(&mut connection, backend, keys).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn links_to(&self, backend: &str, place: &Project, remote_ids: &[String]) -> Result<Vec<Link>, StoreError> {
        lookup::all(NAME, self.read_all(sync::links_to(backend, place, remote_ids)).await?)
    }

    async fn links_of_place(&self, backend: &str, place: &Project, after: Option<IssueId>, limit: u32) -> Result<Vec<Link>, StoreError> {
        lookup::all(NAME, self.read_all(sync::links_of_place(backend, place, after, limit)).await?)
    }

    async fn count_links(&self, backend: &str, place: &Project, most: u32) -> Result<u64, StoreError> {
        let count: Option<(i64,)> = self.read_one(sync::count_links(backend, place, most)).await?;
        Ok(count.map_or(0, |(count,)| count.unsigned_abs()))
    }

    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = link::comment_links(&mut connection, issue, backend, subjects).await;
        lookup::all(NAME, finish(connection, rows)?)
    }

    async fn comment_links_of(&self, issue: IssueId, backend: &str) -> Result<Vec<CommentLink>, StoreError> {
        lookup::all(NAME, self.read_all(sync::comment_links_of(issue, backend)).await?)
    }
}

#[async_trait]
impl BindingStore for SqliteStore {
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError> {
        lookup::all(NAME, self.read_all(sync::bindings()).await?)
    }

    async fn put_binding(&self, wish: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, sync::put_binding(self, wish).await?)
    }

    async fn pause_binding(&self, name: &str, paused: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.write_one(sync::pause_binding(name, paused, now)).await?)
    }

    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.write_one(sync::hurry_binding(name, audit, brake_off, now)).await?)
    }

    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError> {
        Ok(self.execute(sync::delete_binding(name, read_edition)).await? > 0)
    }

    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.write_one(sync::lease_binding(name, lease)).await?)
    }

    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError> {
        self.execute(sync::release_binding(name, token, end)).await.map(drop)
    }
}

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn keep_delivery(&self, hook: &NewDelivery) -> Result<bool, StoreError> {
        Ok(self.execute(sync::keep_hook(hook)).await? > 0)
    }

    async fn kept_deliveries(&self, backend: &str, limit: u32) -> Result<Vec<StoredDelivery>, StoreError> {
        lookup::all(NAME, self.read_all(sync::hooks(backend, limit)).await?)
    }

    async fn purge_kept_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.execute(sync::purge_hooks(before, limit)).await
    }
}

#[async_trait]
impl ConflictStore for SqliteStore {
    async fn unresolved_conflicts(&self, issue: IssueId, backend: &str) -> Result<Vec<Conflict>, StoreError> {
        lookup::all(NAME, self.read_all(sync::unresolved(issue, backend)).await?)
    }

    async fn conflicts(&self, filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<Conflict>, StoreError> {
        lookup::all(NAME, self.read_all(sync::conflicts(filter, before, limit)).await?)
    }

    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError> {
        lookup::one(NAME, self.read_one(sync::conflict(id)).await?)
    }

    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.read_all(sync::open_conflicts()).await
    }
}

#[async_trait]
impl BudgetStore for SqliteStore {
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut connection = self.writer().await?;
        let until = link::spend(&mut connection, budget, windows, now).await;
        finish(connection, until)
    }

    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let count = link::spent(&mut connection, budget, since).await;
        Ok(finish(connection, count)?.unsigned_abs())
    }
}

#[async_trait]
impl RecordStore for SqliteStore {
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError> {
        let mut connection = self.reader().await?;
        record::records(&mut connection, after, limit).await
    }

    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError> {
        let mut connection = self.writer().await?;
        record::take_in(&mut connection, records, write).await
    }
}
