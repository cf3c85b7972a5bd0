//! The store on Postgres, 14 or newer: many replicas, one database.
//!
//! A file for each subject, with its statements and its part of [`Store`]; the same files as in `sqlite/`. Postgres alone has
//! `incoming`, `insert`, `options` and `words`. To add a method: its statement and its lines in the file of its subject; see
//! `statement.rs` for how it runs.

mod bindings;
mod budget;
mod commit;
mod conflicts;
mod deliveries;
mod error;
mod find;
mod incoming;
mod index;
mod insert;
mod issues;
mod json;
mod links;
mod options;
mod queue;
mod records;
mod schema;
mod sql;
mod statement;
mod words;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection as _, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use self::error::{PostgresFailure, classify};
pub use self::options::{PostgresOptions, PostgresServer};
use super::warm::{FRESH, LentConnection, WarmPool};
use super::{CommitOutcome, PoolConnections, Store, StoreError, migrate};
use crate::domain::Change;

const NAME: &str = "postgres";

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
    /// Does not connect yet: [`Store::check`] shows whether the server answers. Needs a running
    /// tokio runtime.
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

    /// Migrates the schema to this binary's version. Any number of replicas may call it at once: a
    /// lock lets one migrate at a time.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let connecting = timeout(self.acquire_timeout, PgConnection::connect_with(&self.migrating));
        let mut connection = connecting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| classify(&error))?;
        let migrated = schema::migrate(&mut connection).await;
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
        let answer = timeout(self.deadline, schema::applied(&mut connection)).await;
        migrate::check(&self.finish(connection, answer)?, &schema::MIGRATIONS)
    }

    fn connections(&self) -> Vec<PoolConnections> {
        vec![self.pool.connections("requests"), self.finders.connections("lists")]
    }

    async fn close(&self) {
        self.finders.close().await;
        self.pool.close().await;
    }
}
