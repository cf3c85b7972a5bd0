//! Rows on their way in as one JSON array: the short way for tables that are written seldom. The others have types of their own,
//! in [`super::incoming`].

use serde::Serialize;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

/// Runs a statement over rows, if there are any.
pub(super) async fn each<T: Serialize + Sync>(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(Json(rows)).execute(connection).await?;
    }
    Ok(())
}
