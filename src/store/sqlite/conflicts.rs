//! Conflicts. The editions a change was decided on are checked, and conflicts are written, as part of [`super::commit`].

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::SqliteStore;
use super::json::json;
use super::statement::rows;
use crate::domain::IssueId;
use crate::domain::sync::{Conflict, ConflictFilter, ConflictState};
use crate::store::batch::CommitBatch;
use crate::store::row::{ConflictRow, conflict_columns};
use crate::store::{ConflictStore, StoreError};

/// The conflicts that were decided on.
const EDITIONS: &str = "-- editions
select id, edition from conflicts where id in (select unhex(value, '-') from json_each(?1))";

pub(super) const WRITE_CONFLICTS: &str = concat!(
    "-- write_conflicts\ninsert into conflicts (",
    conflict_columns!(),
    ")
select
    unhex(value ->> 'id', '-'), unhex(value ->> 'issue_id', '-'), value ->> 'backend', value ->> 'field',
    unhex(value ->> 'comment', '-'), value -> 'base', value -> 'ours', value -> 'theirs', value ->> 'state',
    value ->> 'resolution', value ->> 'cause', value ->> 'why', value ->> 'opened_at', value ->> 'resolved_at', value ->> 'resolved_by',
    value ->> 'edition'
from json_each(?1) where true
on conflict (id) do update set
    base = excluded.base, ours = excluded.ours, theirs = excluded.theirs, state = excluded.state,
    resolution = excluded.resolution, why = excluded.why, resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, edition = excluded.edition"
);

pub(super) const DELETE_CONFLICTS_OF: &str = "-- delete_conflicts_of
delete from conflicts where issue_id in (select unhex(value, '-') from json_each(?1))";

/// There is one for each field as a rule, and one for a comment now and then.
const UNRESOLVED: &str = concat!(
    "-- unresolved\nselect ",
    conflict_columns!(),
    " from conflicts where issue_id = ?1 and backend = ?2 and state <> 'resolved' order by id limit 1000"
);

/// One of these for each question, so that each finds its index.
macro_rules! conflicts_where {
    ($name:literal, $asked:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect ",
            conflict_columns!(),
            " from conflicts where id < ?1 and ",
            $asked,
            " and (?2 is null or issue_id = ?2) and (?3 is null or state = ?3) and (?4 is null or backend = ?4)",
            " order by id desc limit ?5"
        )
    };
}

const CONFLICTS: &str = conflicts_where!("conflicts", "true");
const CONFLICTS_OF_ISSUE: &str = conflicts_where!("conflicts_of_issue", "issue_id = ?2");
const CONFLICTS_IN_STATE: &str = conflicts_where!("conflicts_in_state", "state = ?3");
const CONFLICTS_WITH: &str = conflicts_where!("conflicts_with", "backend = ?4");
const CONFLICTS_WITH_IN_STATE: &str = conflicts_where!("conflicts_with_in_state", "backend = ?4 and state = ?3");

const CONFLICT: &str = concat!("-- conflict\nselect ", conflict_columns!(), " from conflicts where id = ?1");

const OPEN_CONFLICTS: &str = "-- open_conflicts
select backend, count(*) from conflicts where state = 'open' group by backend order by backend";

/// The conflicts a change was decided on. A decision on another edition is out before anything is written.
pub(super) async fn check(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let decided_on = batch.conflicts_decided_on();
    if !decided_on.is_empty() {
        let editions: Vec<(Uuid, i64)> = sqlx::query_as(EDITIONS).bind(json(&decided_on)?).fetch_all(connection).await?;
        batch.check_editions(&editions);
    }
    Ok(())
}

#[async_trait]
impl ConflictStore for SqliteStore {
    async fn unresolved_conflicts(&self, issue: IssueId, backend: &str) -> Result<Vec<Conflict>, StoreError> {
        self.all(rows::<ConflictRow>(UNRESOLVED).bind(issue.0).bind(backend)).await
    }

    /// From the newest is before the last id there can be.
    async fn conflicts(&self, filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<Conflict>, StoreError> {
        let ConflictFilter { state, issue, backend } = filter;
        let statement = match (issue, state, backend) {
            (Some(_), _, _) => CONFLICTS_OF_ISSUE,
            (None, Some(_), Some(_)) => CONFLICTS_WITH_IN_STATE,
            (None, Some(_), None) => CONFLICTS_IN_STATE,
            (None, None, Some(_)) => CONFLICTS_WITH,
            (None, None, None) => CONFLICTS,
        };
        let listing = rows::<ConflictRow>(statement)
            .bind(before.unwrap_or(Uuid::max()))
            .bind(issue.map(|id| id.0))
            .bind(state.map(ConflictState::as_str))
            .bind(backend.as_deref())
            .bind(limit);
        self.all(listing).await
    }

    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError> {
        self.one(rows::<ConflictRow>(CONFLICT).bind(id)).await
    }

    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.all(rows::<(String, i64)>(OPEN_CONFLICTS)).await
    }
}
