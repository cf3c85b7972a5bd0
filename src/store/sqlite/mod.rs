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
mod sql;

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::time::sleep;
use uuid::Uuid;

use self::error::{classify, is_busy, is_undefined_table};
use super::lookup::{self, readable};
use super::queue::{Backlog, ClaimWish, Claimed, MessageFilter, Release};
use super::row::FacetRow;
use super::{Filed, Outcome, Page, Store, StoreError, migrate};
use crate::domain::facet::{FacetQuery, Shown, shown};
use crate::domain::find::{Filter, Found, IssueQuery, Lookup, Match};
use crate::domain::tracker::{BudgetWindow, CommentLink, Link};
use crate::domain::{Change, Comment, CommentId, DedupeKey, Delivery, Event, Issue, IssueId, IssueNumber, IssueRef, Message, Notice};

const NAME: &str = "sqlite";

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const READERS: u32 = 4;

/// The longest a writer waits for another process's transaction, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// One SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
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
        let readers = pool(READERS).connect_lazy_with(options.clone().create_if_missing(false));
        Ok(Self { writer: open_writer(options).await?, readers })
    }

    /// Brings the schema up to this binary's. Any number of processes may do so at once: they take turns.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let failed = |error| classify(&error);
        // The driver takes no lock on SQLite. A transaction begun as a writer is one, and makes the migrations one step.
        let mut transaction = self.writer.begin_with("begin immediate").await.map_err(failed)?;
        migrate::refuse_newer(schema_version(&mut transaction).await?, &MIGRATIONS)?;
        // `run` is the same, but its future is not `Send` for every lifetime.
        let run = MIGRATIONS.run_direct(None, &mut *transaction, false).await;
        run.map_err(|error| migrate::explain(NAME, &error, &MIGRATIONS, classify))?;
        transaction.commit().await.map_err(failed)
    }

    async fn writer(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.writer.acquire().await.map_err(|error| classify(&error))
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(|error| classify(&error))
    }
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

async fn schema_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    match read::schema_version(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(0),
        version => version.map_err(|error| classify(&error)),
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Outcome>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.writer().await?;
        commit::commit(&mut connection, changes).await
    }

    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, numbers) = lookup::split(refs);
        let rows = read::issues(&mut *self.reader().await?, &ids, &numbers).await.map_err(|error| classify(&error))?;
        readable(NAME, lookup::arrange(refs, rows))
    }

    async fn filed(&self, keys: &[DedupeKey]) -> Result<Vec<Option<Filed>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let raw: Vec<[u8; 32]> = keys.iter().map(|key| key.0).collect();
        let rows = read::by_keys(&mut *self.reader().await?, &raw).await.map_err(|error| classify(&error))?;
        readable(NAME, lookup::arrange_filed(keys, rows))
    }

    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows = read::events(&mut *self.reader().await?, issue, after_seq, limit).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError> {
        let rows = read::comments(&mut *self.reader().await?, issue, after, limit).await;
        Ok(rows.map_err(|error| classify(&error))?.into_iter().map(Comment::from).collect())
    }

    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError> {
        let row = read::comment(&mut *self.reader().await?, id).await;
        Ok(row.map_err(|error| classify(&error))?.map(Comment::from))
    }

    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let rows = read::comments_named(&mut *self.reader().await?, &ids).await;
        Ok(rows.map_err(|error| classify(&error))?.into_iter().map(Comment::from).collect())
    }

    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError> {
        let rows = read::pending_reviews(&mut *self.reader().await?, after, limit).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn messages_of(&self, issue: IssueId, limit: u32) -> Result<Vec<Message>, StoreError> {
        let rows = read::messages_of(&mut *self.reader().await?, issue, limit).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn claim(&self, wish: &ClaimWish<'_>) -> Result<Claimed, StoreError> {
        let rows = queue::claim(&mut *self.writer().await?, wish).await;
        lookup::claimed(NAME, rows.map_err(|error| classify(&error))?, wish)
    }

    async fn release(&self, releases: &[Release]) -> Result<(), StoreError> {
        queue::release(&mut *self.writer().await?, releases).await.map_err(|error| classify(&error))
    }

    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError> {
        let rows = queue::notices(&mut *self.reader().await?, events).await;
        readable(NAME, lookup::arrange_notices(events, rows.map_err(|error| classify(&error))?))
    }

    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let rows = queue::messages(&mut *self.reader().await?, filter, after, limit).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError> {
        let row = queue::message(&mut *self.reader().await?, id).await.map_err(|error| classify(&error))?;
        readable(NAME, row.map(Message::try_from).transpose())
    }

    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError> {
        queue::retry(&mut *self.writer().await?, ids, now).await.map_err(|error| classify(&error))
    }

    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        queue::discard(&mut *self.writer().await?, id, why, now).await.map_err(|error| classify(&error))
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows = queue::backlog(&mut *self.reader().await?).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn deliveries_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows = queue::deliveries_of(&mut *self.reader().await?, issue, events, most).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn purge_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        queue::purge_deliveries(&mut *self.writer().await?, before, limit).await.map_err(|error| classify(&error))
    }

    /// The file has one process. A second one, now and then a command line, is heard of by the poll.
    async fn call_others(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self, _heard: &(dyn Fn() + Sync)) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn list(&self, query: &IssueQuery) -> Result<Page, StoreError> {
        let gathered = find::list(&mut *self.reader().await?, query).await;
        readable(NAME, gathered.map_err(|error| classify(&error))?.page())
    }

    async fn matches(&self, filter: &Filter, newest: Option<i64>, most: u32) -> Result<Vec<Match>, StoreError> {
        let rows = find::matches(&mut *self.reader().await?, filter, newest, most).await;
        Ok(rows.map_err(|error| classify(&error))?.into_iter().map(Match::from).collect())
    }

    async fn count(&self, filter: &Filter, most: u32) -> Result<u64, StoreError> {
        let count = find::count(&mut *self.reader().await?, filter, most).await;
        Ok(count.map_err(|error| classify(&error))?.unsigned_abs())
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Vec<Shown>, StoreError> {
        let rows = find::facet(&mut *self.reader().await?, query).await.map_err(|error| classify(&error))?;
        Ok(shown(rows.into_iter().map(FacetRow::read).collect(), query.by))
    }

    async fn lookup(&self, asked: &Lookup) -> Result<Vec<Found>, StoreError> {
        let rows = find::lookup(&mut *self.reader().await?, asked).await;
        lookup::all(NAME, rows.map_err(|error| classify(&error))?)
    }

    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError> {
        let ids: Vec<_> = issues.iter().map(|id| id.0).collect();
        let rows = link::links(&mut *self.reader().await?, &ids).await.map_err(|error| classify(&error))?;
        lookup::all(NAME, rows)
    }

    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError> {
        let rows = link::comment_links(&mut *self.reader().await?, issue, backend, subjects).await.map_err(|error| classify(&error))?;
        lookup::all(NAME, rows)
    }

    async fn spend(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        link::spend(&mut *self.writer().await?, budget, windows, now).await.map_err(|error| classify(&error))
    }

    async fn spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let count = link::spent(&mut *self.reader().await?, budget, since).await.map_err(|error| classify(&error))?;
        Ok(count.unsigned_abs())
    }

    async fn waiting(&self, target: &str, most: u32) -> Result<u64, StoreError> {
        let count = link::waiting(&mut *self.reader().await?, target, most).await.map_err(|error| classify(&error))?;
        Ok(count.unsigned_abs())
    }

    async fn check(&self) -> Result<(), StoreError> {
        migrate::check(schema_version(&mut *self.reader().await?).await?, &MIGRATIONS)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
