//! Rows on their way in: one JSON array, which a statement takes apart by `json_each`.

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

/// Runs a statement over rows, if there are any.
pub(super) async fn each<T: Serialize>(connection: &mut SqliteConnection, statement: &'static str, rows: &[T]) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(json(rows)?).execute(connection).await?;
    }
    Ok(())
}

pub(super) fn json<T: Serialize>(rows: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}
