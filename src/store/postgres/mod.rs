//! The store on Postgres, 14 or newer: many replicas, one database.
//!
//! Every method here takes a connection, sets a deadline, calls one function of `commit` or `read`, and says what the
//! answer means. To add a method: a function with its statement there, four lines here.

mod commit;
mod error;
mod find;
mod incoming;
mod index;
mod insert;
mod link;
mod options;
mod queue;
mod read;
mod record;
mod sql;
mod sync;
mod words;

use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use sqlx::{Connection as _, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use self::error::{PostgresFailure, classify, is_undefined_table};
pub use self::options::{PostgresOptions, PostgresServer};
use super::lookup::{self, readable};
use super::queue::{LeaseRequest, LeasedMessages, MessageFilter, MessageRelease, QueueDepth};
use super::row::FacetRow;
use super::warm::{FRESH, LentConnection, WarmPool};
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

const NAME: &str = "postgres";

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrate::embedded(include!(concat!(env!("OUT_DIR"), "/migrations_postgres.rs"))));

/// A pool of connections to one Postgres database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: WarmPool<Postgres>,
    /// For lists, searches and counts: planned anew each time, and by an index.
    finders: WarmPool<Postgres>,
    /// For the connection that migrates, which must wait longer than any other.
    migrating: PgConnectOptions,
    /// For the connection that listens.
    listening: PgConnectOptions,
    acquire_timeout: Duration,
    deadline: Duration,
}

impl PostgresStore {
    /// Does not connect yet: [`Store::check`] tells whether the server answers. Needs a running tokio runtime.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let (pool, finders) = options.shares();
        let pool = WarmPool::of(pool_of(options, pool).connect_lazy_with(options.connect()?));
        let finders = WarmPool::of(pool_of(options, finders).connect_lazy_with(options.connect_to_find()?));
        Ok(Self {
            pool,
            finders,
            migrating: options.connect_to_migrate()?,
            listening: options.connect()?,
            acquire_timeout: options.acquire_timeout,
            deadline: options.deadline(),
        })
    }

    /// Brings the schema up to this binary's. Any number of replicas may do so at once: they take turns.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let connecting = timeout(self.acquire_timeout, PgConnection::connect_with(&self.migrating));
        let mut connection = connecting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| classify(&error))?;
        let migrated = migrate_with(&mut connection).await;
        // Closing gives back the lock of a migration that failed, too.
        let _ = connection.close().await;
        migrated
    }

    async fn connection(&self) -> Result<LentConnection<Postgres>, StoreError> {
        self.pool.lend().await.map_err(|error| classify(&error))
    }

    async fn finder(&self) -> Result<LentConnection<Postgres>, StoreError> {
        self.finders.lend().await.map_err(|error| classify(&error))
    }

    /// The server's own time limits do not help when the server's machine is gone: then the deadline does, and the
    /// connection, which may never answer again, does not go back to the pool.
    fn finish<T, E: Into<PostgresFailure>>(
        &self,
        mut lent: LentConnection<Postgres>,
        answer: Result<Result<T, E>, Elapsed>,
    ) -> Result<T, StoreError> {
        match answer {
            Ok(Ok(answer)) => {
                lent.done();
                return Ok(answer);
            }
            Ok(Err(error)) => return Err(error.into().into_store()),
            Err(_) => lent.connection.close_on_drop(),
        }
        Err(StoreError::Unavailable { store: NAME, reason: format!("no answer within {:?}", self.deadline) })
    }
}

fn pool_of(options: &PostgresOptions, connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        // A round trip for every use of a busy connection; one that was idle is tested below.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

async fn migrate_with(connection: &mut PgConnection) -> Result<(), StoreError> {
    let applied = schema(connection).await?;
    migrate::refuse_newer(&applied, &MIGRATIONS)?;
    if migrate::is_ahead(&applied, &MIGRATIONS) {
        return Ok(());
    }
    // `run` is the same, but its future is not `Send` for every lifetime.
    MIGRATIONS.run_direct(None, connection, false).await.map_err(|error| migrate::explain(NAME, &error, classify))
}

async fn schema(connection: &mut PgConnection) -> Result<Vec<(i64, String)>, StoreError> {
    match read::schema(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(Vec::new()),
        applied => applied.map_err(|error| classify(&error)),
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, commit::commit(&mut connection, changes)).await;
        self.finish(connection, answer)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, schema(&mut connection)).await;
        migrate::check(&self.finish(connection, answer)?, &MIGRATIONS)
    }

    fn connections(&self) -> Vec<PoolConnections> {
        vec![self.pool.connections("requests"), self.finders.connections("lists")]
    }

    async fn close(&self) {
        self.finders.close().await;
        self.pool.close().await;
    }
}

#[async_trait]
impl IssueStore for PostgresStore {
    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, numbers) = lookup::split(refs);
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::issues(&mut connection, &ids, &numbers)).await;
        readable(NAME, lookup::arrange(refs, self.finish(connection, answer)?))
    }

    async fn numbers(&self, refs: &[IssueRef]) -> Result<Vec<(IssueId, IssueNumber)>, StoreError> {
        let (ids, numbers) = lookup::split(refs);
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::numbers(&mut connection, &ids, &numbers)).await;
        Ok(lookup::numbered(self.finish(connection, answer)?))
    }

    async fn filed_under(&self, keys: &[DedupeKey]) -> Result<Vec<Option<FiledIssue>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let raw: Vec<[u8; 32]> = keys.iter().map(|key| key.0).collect();
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::by_keys(&mut connection, &raw)).await;
        readable(NAME, lookup::arrange_filed(keys, self.finish(connection, answer)?))
    }

    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::events(&mut connection, issue, after_seq, limit)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::comments(&mut connection, issue, after, limit)).await;
        Ok(self.finish(connection, answer)?.into_iter().map(Comment::from).collect())
    }

    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::comment(&mut connection, id)).await;
        Ok(self.finish(connection, answer)?.map(Comment::from))
    }

    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::comments_named(&mut connection, &ids)).await;
        Ok(self.finish(connection, answer)?.into_iter().map(Comment::from).collect())
    }

    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, read::pending_reviews(&mut connection, after, limit)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }
}

#[async_trait]
impl FindStore for PostgresStore {
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, find::list(&mut connection, query)).await;
        readable(NAME, self.finish(connection, answer)?.page())
    }

    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, find::matches(&mut connection, filter, newest, most)).await;
        Ok(self.finish(connection, answer)?.into_iter().map(SearchMatch::from).collect())
    }

    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, find::count(&mut connection, filter, most)).await;
        Ok(self.finish(connection, answer)?.unsigned_abs())
    }

    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, find::facet(&mut connection, query)).await;
        Ok(shown(self.finish(connection, answer)?.into_iter().map(FacetRow::read).collect(), query.by))
    }

    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError> {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, find::lookup(&mut connection, asked)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }
}

#[async_trait]
impl QueueStore for PostgresStore {
    async fn lease_messages(&self, wish: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::claim(&mut connection, wish)).await;
        lookup::claimed(NAME, self.finish(connection, answer)?, wish)
    }

    async fn release(&self, releases: &[MessageRelease]) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::release(&mut connection, releases)).await;
        self.finish(connection, answer)
    }

    async fn notices(&self, events: &[(IssueId, i64)]) -> Result<Vec<Option<Notice>>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::notices(&mut connection, events)).await;
        readable(NAME, lookup::arrange_notices(events, self.finish(connection, answer)?))
    }

    async fn messages(&self, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::messages(&mut connection, filter, after, limit)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn message(&self, id: i64) -> Result<Option<Message>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::message(&mut connection, id)).await;
        readable(NAME, self.finish(connection, answer)?.map(Message::try_from).transpose())
    }

    async fn retry(&self, ids: &[i64], now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::retry(&mut connection, ids, now)).await;
        self.finish(connection, answer)
    }

    async fn discard(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::discard(&mut connection, id, why, now)).await;
        self.finish(connection, answer)
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::backlog(&mut connection)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn count_waiting(&self, target: &str, most: u32) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::waiting(&mut connection, target, most)).await;
        Ok(self.finish(connection, answer)?.unsigned_abs())
    }

    async fn queued_pushes(&self, target: &str, issues: &[IssueId]) -> Result<Vec<IssueId>, StoreError> {
        let ids: Vec<(Uuid,)> = self.all(sync::asked_for(target, issues)).await?;
        Ok(ids.into_iter().map(|(id,)| IssueId(id)).collect())
    }

    async fn attempts_of(&self, issue: IssueId, events: RangeInclusive<i64>, most: u32) -> Result<Vec<Attempt>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::deliveries_of(&mut connection, issue, events, most)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn purge_attempts(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::purge_deliveries(&mut connection, before, limit)).await;
        self.finish(connection, answer)
    }

    async fn notify_processes(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, queue::call_others(&mut connection)).await;
        self.finish(connection, answer)
    }

    async fn listen(&self, heard: &(dyn Fn() + Sync)) -> Result<(), StoreError> {
        // A connection of its own, outside the pool: it is never given back.
        let own = PgPoolOptions::new().max_connections(1).acquire_timeout(self.acquire_timeout).connect_lazy_with(self.listening.clone());
        let mut listener = PgListener::connect_with(&own).await.map_err(|error| classify(&error))?;
        listener.listen(queue::CHANNEL).await.map_err(|error| classify(&error))?;
        loop {
            heard();
            // A lost connection is made again within; whatever was called meanwhile is made up for by the call above.
            listener.try_recv().await.map_err(|error| classify(&error))?;
        }
    }
}

#[async_trait]
impl LinkStore for PostgresStore {
    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError> {
        let ids: Vec<_> = issues.iter().map(|id| id.0).collect();
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::links(&mut connection, &ids)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn link_summaries(&self, issues: &[IssueId]) -> Result<Vec<LinkSummary>, StoreError> {
        let ids: Vec<_> = issues.iter().map(|id| id.0).collect();
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::ties(&mut connection, &ids)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn link_summaries_by_key(&self, backend: &str, keys: &[String]) -> Result<Vec<LinkSummary>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::ties_named(&mut connection, backend, keys)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn links_to(&self, backend: &str, place: &Project, remote_ids: &[String]) -> Result<Vec<Link>, StoreError> {
        lookup::all(NAME, self.all(sync::links_to(backend, place, remote_ids)).await?)
    }

    async fn links_of_place(&self, backend: &str, place: &Project, after: Option<IssueId>, limit: u32) -> Result<Vec<Link>, StoreError> {
        lookup::all(NAME, self.all(sync::links_of_place(backend, place, after, limit)).await?)
    }

    async fn count_links(&self, backend: &str, place: &Project, most: u32) -> Result<u64, StoreError> {
        let count: Option<(i64,)> = self.one(sync::count_links(backend, place, most)).await?;
        Ok(count.map_or(0, |(count,)| count.unsigned_abs()))
    }

    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::comment_links(&mut connection, issue, backend, subjects)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    async fn comment_links_of(&self, issue: IssueId, backend: &str) -> Result<Vec<CommentLink>, StoreError> {
        lookup::all(NAME, self.all(sync::comment_links_of(issue, backend)).await?)
    }
}

#[async_trait]
impl BindingStore for PostgresStore {
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError> {
        lookup::all(NAME, self.all(sync::bindings()).await?)
    }

    async fn put_binding(&self, wish: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, sync::put_binding(self, wish).await?)
    }

    async fn pause_binding(&self, name: &str, paused: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.one(sync::pause_binding(name, paused, now)).await?)
    }

    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.one(sync::hurry_binding(name, audit, brake_off, now)).await?)
    }

    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError> {
        Ok(self.execute(sync::delete_binding(name, read_edition)).await? > 0)
    }

    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError> {
        lookup::one(NAME, self.one(sync::lease_binding(name, lease)).await?)
    }

    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError> {
        self.execute(sync::release_binding(name, token, end)).await.map(drop)
    }
}

#[async_trait]
impl DeliveryStore for PostgresStore {
    async fn keep_delivery(&self, hook: &NewDelivery) -> Result<bool, StoreError> {
        Ok(self.execute(sync::keep_hook(hook)).await? > 0)
    }

    async fn kept_deliveries(&self, backend: &str, limit: u32) -> Result<Vec<StoredDelivery>, StoreError> {
        lookup::all(NAME, self.all(sync::hooks(backend, limit)).await?)
    }

    async fn purge_kept_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.execute(sync::purge_hooks(before, limit)).await
    }
}

#[async_trait]
impl ConflictStore for PostgresStore {
    async fn unresolved_conflicts(&self, issue: IssueId, backend: &str) -> Result<Vec<Conflict>, StoreError> {
        lookup::all(NAME, self.all(sync::unresolved(issue, backend)).await?)
    }

    async fn conflicts(&self, filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<Conflict>, StoreError> {
        lookup::all(NAME, self.find_all(sync::conflicts(filter, before, limit)).await?)
    }

    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError> {
        lookup::one(NAME, self.one(sync::conflict(id)).await?)
    }

    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.all(sync::open_conflicts()).await
    }
}

#[async_trait]
impl BudgetStore for PostgresStore {
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::spend(&mut connection, budget, windows, now)).await;
        self.finish(connection, answer)
    }

    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, link::spent(&mut connection, budget, since)).await;
        Ok(self.finish(connection, answer)?.unsigned_abs())
    }
}

#[async_trait]
impl RecordStore for PostgresStore {
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, record::records(&mut connection, after, limit)).await;
        self.finish(connection, answer)
    }

    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, record::take_in(&mut connection, records, write)).await;
        self.finish(connection, answer)
    }
}
