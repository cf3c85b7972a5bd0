//! How a statement runs: by `all`, `one` or `execute`, each with a connection of its own and the deadline.
//!
//! A statement is a value: `rows(TEXT).bind(…)` reads, `write(TEXT).bind(…)` does not. Inside a transaction the driver's own
//! `fetch_all`, `fetch_optional` and `execute` run it.

use sqlx::FromRow;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::{Query, QueryAs};
use tokio::time::timeout;

use super::{NAME, PostgresStore};
use crate::store::row::UnreadableRow;
use crate::store::{StoreError, lookup};

/// A statement that answers rows of one type.
pub(super) type PostgresRows<'q, R> = QueryAs<'q, Postgres, R, PgArguments>;

/// A statement that answers no rows.
pub(super) type PostgresWrite<'q> = Query<'q, Postgres, PgArguments>;

pub(super) fn rows<'q, R: for<'r> FromRow<'r, PgRow>>(text: &'static str) -> PostgresRows<'q, R> {
    sqlx::query_as(text)
}

pub(super) fn write<'q>(text: &'static str) -> PostgresWrite<'q> {
    sqlx::query(text)
}

impl PostgresStore {
    /// Every row as its value.
    pub(super) async fn all<R, T>(&self, statement: PostgresRows<'_, R>) -> Result<Vec<T>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, statement.fetch_all(&mut *connection)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    /// As [`Self::all`], for a list in an order: planned anew, and by an index.
    pub(super) async fn find_all<R, T>(&self, statement: PostgresRows<'_, R>) -> Result<Vec<T>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        let mut connection = self.finder().await?;
        let answer = timeout(self.deadline, statement.fetch_all(&mut *connection)).await;
        lookup::all(NAME, self.finish(connection, answer)?)
    }

    /// The only row there can be.
    pub(super) async fn one<R, T>(&self, statement: PostgresRows<'_, R>) -> Result<Option<T>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        Ok(self.all(statement).await?.pop())
    }

    /// As [`Self::one`], for a write that answers the row it wrote.
    pub(super) async fn returning<R, T>(&self, statement: PostgresRows<'_, R>) -> Result<Option<T>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        T: TryFrom<R, Error: Into<UnreadableRow>>,
    {
        self.one(statement).await
    }

    /// Answers how many rows it touched.
    pub(super) async fn execute(&self, statement: PostgresWrite<'_>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, statement.execute(&mut *connection)).await;
        Ok(self.finish(connection, answer)?.rows_affected())
    }
}
