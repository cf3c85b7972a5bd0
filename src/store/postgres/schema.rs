//! The schema: bringing it up to this binary's, and reading which it is.

use std::sync::LazyLock;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;

use super::NAME;
use super::error::{classify, is_undefined_table};
use crate::store::{StoreError, migrate};

pub(super) static MIGRATIONS: LazyLock<Migrator> =
    LazyLock::new(|| migrate::embedded(include!(concat!(env!("OUT_DIR"), "/migrations_postgres.rs"))));

const SCHEMA: &str = "-- schema
select version, description from _sqlx_migrations where success";

/// Applies what is missing, unless the database is newer. The driver holds a lock meanwhile.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let applied = applied(connection).await?;
    migrate::refuse_newer(&applied, &MIGRATIONS)?;
    if migrate::is_ahead(&applied, &MIGRATIONS) {
        return Ok(());
    }
    // `run` is the same, but its future is not `Send` for every lifetime.
    MIGRATIONS.run_direct(None, connection, false).await.map_err(|error| migrate::explain(NAME, &error, classify))
}

/// The migrations that were applied.
pub(super) async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, String)>, StoreError> {
    match sqlx::query_as(SCHEMA).fetch_all(connection).await {
        Err(error) if is_undefined_table(&error) => Ok(Vec::new()),
        applied => applied.map_err(|error| classify(&error)),
    }
}
