//! Messages: the queue in the store, the workers, the sinks, and what operators see of them.

mod queue;

use std::sync::Arc;

use issue_core::store::Store;
use issue_core::store::postgres::{PostgresOptions, PostgresStore, Server};
use issue_core::store::sqlite::SqliteStore;

use crate::support::database::Database;

/// The store itself, without a service around it.
pub async fn open(db: &Database) -> Arc<dyn Store> {
    match db {
        Database::Sqlite(_) => Arc::new(SqliteStore::open(db.url().strip_prefix("sqlite:").unwrap()).await.unwrap()),
        Database::Postgres(_) => Arc::new(PostgresStore::open(&PostgresOptions::new(Server::Url(db.url().into()))).unwrap()),
    }
}
