//! How a statement runs: by `all` or `one` on a reading connection, by `returning` or `execute` on the writing one.
//!
//! A statement is a value: `rows(TEXT).bind(…)` reads, `write(TEXT).bind(…)` does not. Inside a transaction the driver's own
//! `fetch_all`, `fetch_optional` and `execute` run it.

use sqlx::FromRow;
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use super::{NAME, SqliteStore, finish};
use crate::store::row::UnreadableRow;
use crate::store::{StoreError, lookup};

/// A statement that answers rows of one type.
pub(super) type SqliteRows<'q, R> = QueryAs<'q, Sqlite, R, SqliteArguments>;

/// A statement that answers no rows.
pub(super) type SqliteWrite<'q> = Query<'q, Sqlite, SqliteArguments>;

pub(super) fn rows<'q, R: for<'r> FromRow<'r, SqliteRow>>(text: &'static str) -> SqliteRows<'q, R> {
    sqlx::query_as(text)
}

pub(super) fn write<'q>(text: &'static str) -> SqliteWrite<'q> {
    sqlx::query(text)
}

impl SqliteStore {
    /// Every row as its value.
    pub(super) async fn all<R, T>(&self, statement: SqliteRows<'_, R>) -> Result<Vec<T>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        let mut connection = self.reader().await?;
        let found = statement.fetch_all(&mut *connection).await;
        lookup::all(NAME, finish(connection, found)?)
    }

    /// The only row there can be.
    pub(super) async fn one<R, T>(&self, statement: SqliteRows<'_, R>) -> Result<Option<T>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        Ok(self.all(statement).await?.pop())
    }

    /// As [`Self::one`], for a write that answers the row it wrote. It reads to the end, although there is one row at most:
    /// before that the write is not done.
    pub(super) async fn returning<R, T>(&self, statement: SqliteRows<'_, R>) -> Result<Option<T>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        let mut connection = self.writer().await?;
        let written = statement.fetch_all(&mut *connection).await;
        Ok(lookup::all(NAME, finish(connection, written)?)?.pop())
    }

    /// Answers how many rows it touched.
    pub(super) async fn execute(&self, statement: SqliteWrite<'_>) -> Result<u64, StoreError> {
        let mut connection = self.writer().await?;
        let answer = statement.execute(&mut *connection).await;
        Ok(finish(connection, answer)?.rows_affected())
    }
}
