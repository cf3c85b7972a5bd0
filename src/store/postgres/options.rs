//! How to reach the server, and the limits every connection lives under.
//!
//! Settings come in as values; reading them from a file or the environment is config's work.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::error::broken;
use crate::store::StoreError;

/// The longest a replica waits for another one that migrates.
const MIGRATION_TURN: Duration = Duration::from_mins(2);

/// A plan made while a table is small reads the whole of it, and a prepared statement keeps its
/// plan until the table is next analysed: a minute of full reads, each longer than the last, on a
/// new database under load. Every statement here has its index, so this setting makes the planner
/// use it. Without `jit`, which would take the penalty on the other plans for their cost.
const PLANNER: [(&str, &str); 2] = [("enable_seqscan", "off"), ("jit", "off")];

#[derive(Debug, Clone)]
pub struct PostgresOptions {
    pub server: PostgresServer,
    /// Wins over a password in the URL. To the letter: it may hold `= + /`.
    pub password: Option<SecretString>,
    pub max_connections: u32,
    /// The longest a caller waits for a free connection.
    pub acquire_timeout: Duration,
    /// The longest one statement may run, and the longest a transaction may sit idle.
    pub statement_timeout: Duration,
    /// How the connections are called in `pg_stat_activity`.
    pub application_name: String,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum PostgresServer {
    /// `postgres://user:password@host:port/database?sslmode=…`, every part percent-encoded.
    Url(SecretString),
    /// The same in parts, each to the letter.
    Parts {
        host: String,
        port: u16,
        database: String,
        user: String,
        /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full`; without it, the driver's default.
        ssl_mode: Option<String>,
    },
}

impl PostgresOptions {
    #[must_use]
    pub fn new(server: PostgresServer) -> Self {
        Self {
            server,
            password: None,
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            application_name: "issue-core".to_owned(),
        }
    }

    pub(super) fn connect(&self) -> Result<PgConnectOptions, StoreError> {
        let limit = self.statement_timeout.as_millis().to_string();
        let limits = [("statement_timeout", limit.clone()), ("idle_in_transaction_session_timeout", limit)];
        Ok(self.address()?.options(limits).options(PLANNER))
    }

    /// For statements that are put together from what was asked: planned for their values each time, as a plan for any
    /// value is a hundred times slower for most of them; and by one process, as the answer is a page.
    pub(super) fn connect_to_find(&self) -> Result<PgConnectOptions, StoreError> {
        let plans = [("plan_cache_mode", "force_custom_plan"), ("random_page_cost", "1.1"), ("max_parallel_workers_per_gather", "0")];
        Ok(self.connect()?.options(plans))
    }

    /// How many connections serve commits and reads by name, and how many lists, searches and counts: a third of all.
    pub(super) fn shares(&self) -> (u32, u32) {
        let finders = (self.max_connections / 3).max(1);
        ((self.max_connections - finders).max(1), finders)
    }

    /// Without a time limit on statements: an index on a large table takes its time.
    pub(super) fn connect_to_migrate(&self) -> Result<PgConnectOptions, StoreError> {
        let turn = MIGRATION_TURN.as_millis().to_string();
        Ok(self.address()?.options([("statement_timeout", "0".to_owned()), ("lock_timeout", turn)]))
    }

    /// The longest one call may take once it has its connection: a few statements, each at its limit.
    pub(super) fn deadline(&self) -> Duration {
        self.statement_timeout.saturating_mul(3)
    }

    fn address(&self) -> Result<PgConnectOptions, StoreError> {
        // The driver's messages name the part of the URL that is wrong, never the password.
        let wrong = |error: sqlx::Error| broken(&error.to_string());
        let address = match &self.server {
            PostgresServer::Url(url) => PgConnectOptions::from_str(url.expose_secret()).map_err(wrong)?,
            PostgresServer::Parts { host, port, database, user, ssl_mode } => {
                let address = PgConnectOptions::new_without_pgpass().host(host).port(*port).database(database).username(user);
                match ssl_mode {
                    Some(mode) => address.ssl_mode(PgSslMode::from_str(mode).map_err(wrong)?),
                    None => address,
                }
            }
        };
        let address = match &self.password {
            Some(password) => address.password(password.expose_secret()),
            None => address,
        };
        Ok(address.application_name(&self.application_name))
    }

    /// The address as text, without secrets.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.address() {
            Ok(address) => format!(
                "postgres {}:{}/{}",
                address.get_host(),
                address.get_port(),
                address.get_database().unwrap_or_else(|| address.get_username())
            ),
            Err(error) => error.to_string(),
        }
    }
}
