//! The only write. Pure inserts are one statement and one round trip; everything else is one transaction, in which new issues that come
//! with nothing but the progress of a list are one statement, too.
//!
//! Locks are taken in one order everywhere: messages by id, then bindings by name, then conflicts
//! by id, then dedupe keys by value, then issues by id, then links by name, then webhook deliveries
//! by id, then counts by value. To add a kind of write: its statement in [`super::sql`], its line
//! in [`write()`], its lock in that order if it needs one.

use sqlx::Connection as _;
use sqlx::postgres::{PgArguments, PgConnection};
use uuid::Uuid;

use super::error::{PostgresFailure, broken, is_lost_race};
use super::incoming::children;
use super::index;
use super::insert::{self, InsertExtent};
use super::json::each;
use super::queue::lease::FOLLOWERS;
use super::{NAME, bindings, conflicts, deliveries, issues, links, sql};
use crate::domain::Change;
use crate::store::batch::{CommitBatch, deleted, edited};
use crate::store::fields::{CommentFields, IssueFields};
use crate::store::lookup::{before, readable};
use crate::store::reindex::{Before, ReindexPlan};
use crate::store::row::IssueRow;
use crate::store::{CommitOutcome, StoreError};

/// How often a batch is tried again after it lost a race (a deadlock, or a key taken and given back).
const ATTEMPTS: u32 = 8;

pub(super) async fn commit(connection: &mut PgConnection, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError> {
    for _ in 1..ATTEMPTS {
        match attempt(connection, changes).await {
            Err(error) if is_lost_race(&error) => {}
            decided => return decided.map_err(PostgresFailure::into_store),
        }
    }
    attempt(connection, changes).await.map_err(PostgresFailure::into_store)
}

async fn attempt(connection: &mut PgConnection, changes: &[Change]) -> Result<Vec<CommitOutcome>, PostgresFailure> {
    let mut batch = CommitBatch::new(changes);
    if CommitBatch::is_pure_insert(changes) {
        // No transaction around it: a statement is one. A later round, for a key that was given back, is a second one.
        insert(connection, &mut batch, InsertExtent::Whole).await?;
    } else {
        let mut transaction = connection.begin().await?;
        if CommitBatch::is_followed_insert(changes) {
            write_followed(&mut transaction, &mut batch).await?;
        } else {
            write(&mut transaction, &mut batch).await?;
        }
        transaction.commit().await?;
    }
    batch.outcomes().ok_or_else(|| PostgresFailure::Store(broken("a change was left undecided")))
}

async fn write(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), PostgresFailure> {
    lock_messages(connection, batch).await?;
    check_sync(connection, batch).await?;
    insert(connection, batch, InsertExtent::Part).await?;
    let before = check_versions(connection, batch).await?;
    update(connection, batch).await?;
    let deletes = batch.deletes();
    if !deletes.is_empty() {
        sqlx::query(sql::DELETE_ISSUES).bind(deletes).execute(&mut *connection).await?;
    }
    insert_children(connection, batch).await?;
    change_comments(connection, batch).await?;
    let (links, comment_links) = batch.links();
    links::write(connection, links, &comment_links).await?;
    write_sync(connection, batch).await?;
    let settled = batch.settled();
    if !settled.is_empty() {
        let ids: Vec<i64> = settled.iter().map(|settle| settle.message_id).collect();
        let (started, at): (Vec<_>, Vec<_>) = settled.iter().map(|settle| (settle.started, settle.at)).unzip();
        let settling = sqlx::query(sql::SETTLE_MESSAGES).bind(ids).bind(started).bind(at).bind(FOLLOWERS);
        settling.execute(&mut *connection).await?;
    }
    index::write(connection, &ReindexPlan::of(batch, &before)).await?;
    Ok(())
}

/// What every page of a first sync ends with, in as few statements as can be. The binding is locked before it is written, and after the
/// new issues with their counts nothing is waited for.
async fn write_followed(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), PostgresFailure> {
    check_sync(connection, batch).await?;
    batch.check_versions(&Before::default());
    write_sync(connection, batch).await?;
    insert(connection, batch, InsertExtent::Whole).await
}

async fn lock_messages(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), PostgresFailure> {
    let (claimed, deleting) = (batch.claimed_messages(), batch.wished_deletes());
    if claimed.is_empty() && deleting.is_empty() {
        return Ok(());
    }
    let held: Vec<(i64, Option<Uuid>)> =
        sqlx::query_as(sql::LOCK_MESSAGES).bind(claimed).bind(deleting).fetch_all(&mut *connection).await?;
    batch.check_claims(&held);
    Ok(())
}

/// Inserts the open issues, and reads the first holders of taken keys. If a holder is gone again by
/// then (rolled back, or deleted), its key is free, so the insert is tried once more.
async fn insert(connection: &mut PgConnection, batch: &mut CommitBatch<'_>, extent: InsertExtent) -> Result<(), PostgresFailure> {
    for _ in 0..ATTEMPTS {
        let inserts = batch.inserts();
        if inserts.is_empty() {
            return Ok(());
        }
        let numbers = insert::insert(connection, &inserts, extent).await?;
        batch.inserted(&inserts, &numbers);
        let taken = batch.taken_keys();
        if taken.is_empty() {
            continue;
        }
        // A new statement, so that it sees what was committed since the first one began.
        let rows = issues::by_keys(&taken).fetch_all(&mut *connection).await?;
        batch.duplicates(rows).map_err(|error| PostgresFailure::Store(broken(&error.to_string())))?;
    }
    if batch.inserts().is_empty() { Ok(()) } else { Err(PostgresFailure::Store(CommitBatch::contended(NAME))) }
}

async fn check_versions(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<Before, PostgresFailure> {
    let ids = batch.decided_on();
    let rows: Vec<IssueRow> =
        if ids.is_empty() { Vec::new() } else { sqlx::query_as(sql::LOCK_ISSUES).bind(ids).fetch_all(&mut *connection).await? };
    let before = readable(NAME, before(rows)).map_err(PostgresFailure::Store)?;
    batch.check_versions(&before);
    Ok(before)
}

async fn update(connection: &mut PgConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let issues: Vec<_> = batch.updates().map(|issue| IssueFields::of(issue, None)).collect();
    if !issues.is_empty() {
        sqlx::query(sql::UPDATE_ISSUES).bind(issues).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_children(connection: &mut PgConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    // The children of new issues were inserted together with them.
    let written: Vec<&Change> =
        batch.survivors().filter(|(_, outcome)| **outcome == CommitOutcome::Written).map(|(change, _)| change).collect();
    let children = children(&written);
    if children.is_empty() {
        return Ok(());
    }
    let mut arguments = PgArguments::default();
    children.bind(&mut arguments).map_err(sqlx::Error::Encode)?;
    sqlx::query_with(sql::INSERT_CHILDREN, arguments).execute(&mut *connection).await?;
    Ok(())
}

async fn change_comments(connection: &mut PgConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let writes = || batch.survivors().flat_map(|(change, _)| &change.comments);
    let edits: Vec<_> = writes().filter_map(edited).map(CommentFields::from).collect();
    if !edits.is_empty() {
        sqlx::query(sql::EDIT_COMMENTS).bind(edits).execute(&mut *connection).await?;
    }
    let deletes: Vec<Uuid> = writes().filter_map(deleted).collect();
    if !deletes.is_empty() {
        sqlx::query(sql::DELETE_COMMENTS).bind(deletes).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The leases and the editions that changes rely on. A change that is wrong about them is out before anything is written.
async fn check_sync(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    bindings::check(connection, batch).await?;
    conflicts::check(connection, batch).await
}

/// What a sync writes beside issues: what lists said, conflicts, deliveries that were followed, the progress of a list.
async fn write_sync(connection: &mut PgConnection, batch: &CommitBatch<'_>) -> Result<(), sqlx::Error> {
    each(connection, links::HEAR, &batch.heard()).await?;
    each(connection, conflicts::WRITE_CONFLICTS, &batch.conflicts()).await?;
    each(connection, deliveries::FOLLOW_HOOKS, &batch.hooks_done()).await?;
    each(connection, bindings::PROGRESS, &batch.progress()).await
}
