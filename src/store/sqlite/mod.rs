//! The store on SQLite: one file, one writing connection, a few reading ones.
//!
//! One process owns the file as a rule, but a second one (a command line beside a server) does no harm: writers wait for
//! each other. A file for each subject, with its statements and its part of [`Store`]; the same files as in `postgres/`. To add
//! a method: its statement and its lines in the file of its subject; see `statement.rs` for how it runs.

mod bindings;
mod budget;
mod commit;
mod conflicts;
mod deliveries;
mod error;
mod find;
mod index;
mod issues;
mod json;
mod links;
mod queue;
mod records;
mod schema;
mod sql;
mod statement;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::time::sleep;

use self::error::{classify, is_busy};
use super::warm::{LentConnection, WarmPool};
use super::{CommitOutcome, PoolConnections, Store, StoreError, migrate};
use crate::domain::Change;

const NAME: &str = "sqlite";

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

    /// Migrates the schema to this binary's version. Any number of processes may call it at once: a
    /// lock lets one migrate at a time.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let failed = |error| classify(&error);
        // The driver takes no lock on SQLite. A transaction begun as a writer is one, and makes the migrations one step.
        let mut transaction = self.writer.pool().begin_with("begin immediate").await.map_err(failed)?;
        schema::migrate(&mut transaction).await?;
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
        let applied = schema::applied(&mut connection).await?;
        connection.done();
        migrate::check(&applied, &schema::MIGRATIONS)
    }

    fn connections(&self) -> Vec<PoolConnections> {
        vec![self.writer.connections("writer"), self.readers.connections("readers")]
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
