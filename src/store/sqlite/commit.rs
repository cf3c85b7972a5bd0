//! The only write: one transaction, begun as a writer, so that every value it reads stays true
//! until it ends.
//!
//! To add a kind of write: its statement in [`super::sql`], its line in [`write()`].

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::error::{broken, classify};
use super::json::{each, json};
use super::queue::lease;
use super::{NAME, bindings, conflicts, deliveries, index, issues, links, sql};
use crate::domain::Change;
use crate::store::batch::{CommitBatch, added, deleted, edited};
use crate::store::fields::{CommentFields, EventFields, IssueFields, MessageFields};
use crate::store::lookup::{before, readable};
use crate::store::reindex::{Before, ReindexPlan};
use crate::store::{CommitOutcome, StoreError};

pub(super) async fn commit(connection: &mut SqliteConnection, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError> {
    let failed = |error| classify(&error);
    let mut batch = CommitBatch::new(changes);
    let mut transaction = connection.begin_with("begin immediate").await.map_err(failed)?;
    write(&mut transaction, &mut batch).await?;
    transaction.commit().await.map_err(failed)?;
    batch.outcomes().ok_or_else(|| broken("a change was left undecided"))
}

async fn write(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), StoreError> {
    let failed = |error| classify(&error);
    check_claims(connection, batch).await.map_err(failed)?;
    check_sync(connection, batch).await.map_err(failed)?;
    insert(connection, batch).await?;
    let before = check_versions(connection, batch).await?;
    let updates: Vec<_> = batch.updates().map(|issue| IssueFields::of(issue, None)).collect();
    each(connection, sql::UPDATE_ISSUES, &updates).await.map_err(failed)?;
    delete_issues(connection, batch.deletes()).await.map_err(failed)?;
    insert_children(connection, batch).await.map_err(failed)?;
    change_comments(connection, batch).await.map_err(failed)?;
    let (links, comment_links) = batch.links();
    links::write(connection, &links, &comment_links).await.map_err(failed)?;
    write_sync(connection, batch).await.map_err(failed)?;
    lease::settle(connection, &batch.settled()).await.map_err(failed)?;
    index::write(connection, &ReindexPlan::of(batch, &before)).await.map_err(failed)
}

async fn check_claims(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let claimed = batch.claimed_messages();
    if !claimed.is_empty() {
        let held: Vec<(i64, Option<Uuid>)> = sqlx::query_as(sql::CLAIMS).bind(json(&claimed)?).fetch_all(connection).await?;
        batch.check_claims(&held);
    }
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), StoreError> {
    let inserts = batch.inserts();
    if inserts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = inserts.iter().map(|insert| IssueFields::of(insert.issue, insert.dedupe)).collect();
    let failed = |error| classify(&error);
    let rows = json(&rows).map_err(failed)?;
    let numbers: Vec<(Uuid, i64)> = sqlx::query_as(sql::INSERT_ISSUES).bind(rows).fetch_all(&mut *connection).await.map_err(failed)?;
    batch.inserted(&inserts, &numbers);
    let taken = batch.taken_keys();
    if taken.is_empty() {
        return Ok(());
    }
    let rows = issues::by_keys(&taken).fetch_all(&mut *connection).await.map_err(failed)?;
    readable(NAME, batch.duplicates(rows))
}

async fn check_versions(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<Before, StoreError> {
    let failed = |error| classify(&error);
    let ids = batch.decided_on();
    let rows = if ids.is_empty() { Vec::new() } else { issues::by_refs(&ids, &[]).fetch_all(&mut *connection).await.map_err(failed)? };
    let before = readable(NAME, before(rows))?;
    batch.check_versions(&before);
    Ok(before)
}

async fn delete_issues(connection: &mut SqliteConnection, ids: Vec<Uuid>) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = json(&ids)?;
    let children = [sql::DELETE_EVENTS_OF, sql::DELETE_COMMENTS_OF, sql::DELETE_MESSAGES_OF];
    let ties = [links::DELETE_LINKS_OF, links::DELETE_COMMENT_LINKS_OF, conflicts::DELETE_CONFLICTS_OF];
    for statement in children.into_iter().chain(ties).chain([sql::DELETE_ISSUES]) {
        sqlx::query(statement).bind(&ids).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_children(connection: &mut SqliteConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let changes = || batch.survivors().map(|(change, _): (&Change, _)| change);
    let events: Vec<_> = changes().flat_map(|change| &change.events).map(EventFields::from).collect();
    let comments: Vec<_> = changes().flat_map(|change| &change.comments).filter_map(added).map(CommentFields::from).collect();
    let messages: Vec<_> = changes().flat_map(|change| &change.messages).map(MessageFields::from).collect();
    each(connection, sql::INSERT_EVENTS, &events).await?;
    each(connection, sql::INSERT_COMMENTS, &comments).await?;
    each(connection, sql::INSERT_MESSAGES, &messages).await
}

async fn change_comments(connection: &mut SqliteConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let writes = || batch.survivors().flat_map(|(change, _)| &change.comments);
    let edits: Vec<_> = writes().filter_map(edited).map(CommentFields::from).collect();
    each(connection, sql::EDIT_COMMENTS, &edits).await?;
    each(connection, sql::DELETE_COMMENTS, &writes().filter_map(deleted).collect::<Vec<_>>()).await
}

/// The leases and the editions that changes rely on. A change that is wrong about them is out before anything is written.
async fn check_sync(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    bindings::check(connection, batch).await?;
    conflicts::check(connection, batch).await
}

/// What a sync writes beside issues: what lists said, conflicts, deliveries that were followed, the progress of a list.
async fn write_sync(connection: &mut SqliteConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    each(connection, links::HEAR, &batch.heard()).await?;
    each(connection, conflicts::WRITE_CONFLICTS, &batch.conflicts()).await?;
    each(connection, deliveries::FOLLOW_HOOKS, &batch.hooks_done()).await?;
    each(connection, bindings::PROGRESS, &batch.progress()).await
}
