//! Connections kept at hand between uses. Knows neither statements nor dialects.
//!
//! The driver's pool makes a round trip after every use, to see what it gets back: half of what a short statement costs. A
//! connection whose statement was answered well needs no such test: it waits here and is lent again as it is. One whose use
//! failed, or was given up halfway, goes back to the pool, which tests it; so does one that has waited for long.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::PoolConnections;

/// A connection used within this time is taken to be alive still.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// The pool, and what of it is at hand.
#[derive(Debug)]
pub(super) struct WarmPool<DB: Database>(Arc<WarmState<DB>>);

#[derive(Debug)]
struct WarmState<DB: Database> {
    pool: Pool<DB>,
    /// One permit for each connection of the pool. A task with a permit finds a connection here or
    /// in the pool without waiting, so that a free connection here is never missed by a task that
    /// waits at the pool.
    turns: Arc<Semaphore>,
    patience: Duration,
    /// The one used last is lent first, so that those that are not needed grow old.
    idle: Mutex<Vec<IdleConnection<DB>>>,
}

#[derive(Debug)]
struct IdleConnection<DB: Database> {
    connection: PoolConnection<DB>,
    since: Instant,
}

/// A connection in use. Dropped as it is, it goes back to the pool.
#[derive(Debug)]
pub(super) struct LentConnection<DB: Database> {
    pub(super) connection: PoolConnection<DB>,
    home: Arc<WarmState<DB>>,
    /// Given back last.
    _turn: OwnedSemaphorePermit,
}

impl<DB: Database> Clone for WarmPool<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<DB: Database> WarmPool<DB> {
    pub(super) fn of(pool: Pool<DB>) -> Self {
        let options = pool.options();
        let turns = Arc::new(Semaphore::new(options.get_max_connections() as usize));
        let patience = options.get_acquire_timeout();
        Self(Arc::new(WarmState { pool, turns, patience, idle: Mutex::default() }))
    }

    pub(super) async fn lend(&self) -> Result<LentConnection<DB>, sqlx::Error> {
        let WarmState { pool, turns, patience, .. } = &*self.0;
        let turn = timeout(*patience, Arc::clone(turns).acquire_owned()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.0.at_hand() {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        Ok(LentConnection { connection, home: Arc::clone(&self.0), _turn: turn })
    }

    pub(super) fn pool(&self) -> &Pool<DB> {
        &self.0.pool
    }

    /// How many there are, and how many of them are not in use.
    pub(super) fn connections(&self, name: &'static str) -> PoolConnections {
        let WarmState { pool, .. } = &*self.0;
        let idle = pool.num_idle() + self.0.idle().len();
        PoolConnections { pool: name, open: pool.size(), idle, most: pool.options().get_max_connections() }
    }

    /// Tasks that hold a connection finish with it; no task gets another.
    pub(super) async fn close(&self) {
        let closing = {
            let mut idle = self.0.idle();
            let closing = self.0.pool.close();
            idle.clear();
            closing
        };
        closing.await;
    }
}

impl<DB: Database> WarmState<DB> {
    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection<DB>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_hand(&self) -> Option<PoolConnection<DB>> {
        let mut idle = self.idle();
        let IdleConnection { connection, since } = idle.pop()?;
        if since.elapsed() < FRESH && !self.pool.is_closed() {
            return Some(connection);
        }
        // The others are older still.
        idle.clear();
        None
    }

    fn keep(&self, connection: PoolConnection<DB>) {
        let mut idle = self.idle();
        if self.pool.is_closed() {
            return;
        }
        idle.push(IdleConnection { connection, since: Instant::now() });
        let aged = idle.iter().take_while(|idle| idle.since.elapsed() >= FRESH).count();
        idle.drain(..aged);
    }
}

impl<DB: Database> LentConnection<DB> {
    /// The statement was answered to its end, and no transaction was left open: the connection is as good as before. One that is
    /// only dropped is rolled back at the connection's next use, which may be long after, with its locks held until then.
    pub(super) fn done(self) {
        let Self { connection, home, _turn } = self;
        home.keep(connection);
    }
}

impl<DB: Database> Deref for LentConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for LentConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
