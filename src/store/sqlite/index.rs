//! Writing what lists, searches and counts stand on, at the end of a transaction. What there is to write is worked out in
//! `store/reindex.rs`.

use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::json::{each, json};
use super::sql;
use crate::store::reindex::ReindexPlan;

/// What lists, searches and counts stand on.
pub(super) async fn write(connection: &mut SqliteConnection, reindex: &ReindexPlan<'_>) -> Result<(), sqlx::Error> {
    each(connection, sql::DELETE_TAGS, &reindex.tags_gone).await?;
    each(connection, sql::INSERT_TAGS, &reindex.tags_new).await?;
    each(connection, sql::COUNT, &reindex.counts).await?;
    let remarked = reindex.remarked();
    let remarks: Vec<(Uuid, String)> = if remarked.is_empty() {
        Vec::new()
    } else {
        sqlx::query_as(sql::REMARKS).bind(json(&remarked)?).fetch_all(&mut *connection).await?
    };
    let documents = reindex.documents(&remarks);
    let old: Vec<i64> = reindex.texts_gone.iter().copied().chain(reindex.rewritten()).collect();
    each(connection, sql::DELETE_TEXTS, &old).await?;
    let documents: Vec<(i64, &str)> = documents.iter().map(|(number, document)| (*number, document.as_str())).collect();
    each(connection, sql::INSERT_TEXTS, &documents).await
}
