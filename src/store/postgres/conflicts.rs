//! Conflicts. The editions a change was decided on are checked, and conflicts are written, as part of [`super::commit`].

use async_trait::async_trait;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::PostgresStore;
use super::statement::rows;
use crate::domain::IssueId;
use crate::domain::sync::{Conflict, ConflictFilter, ConflictState};
use crate::store::batch::CommitBatch;
use crate::store::row::{ConflictRow, conflict_columns};
use crate::store::{ConflictStore, StoreError};

/// The conflicts that were decided on, and those of the issues to delete.
const LOCK_CONFLICTS: &str = "-- lock_conflicts
select id, edition from conflicts where id = any($1) or issue_id = any($2) order by id for update";

pub(super) const WRITE_CONFLICTS: &str = concat!(
    "-- write_conflicts\ninsert into conflicts (",
    conflict_columns!(),
    ")
select * from jsonb_to_recordset($1) as conflict (
    id uuid, issue_id uuid, backend text, field text, comment uuid, base jsonb, ours jsonb, theirs jsonb, state text,
    resolution text, cause text, why text, opened_at timestamptz, resolved_at timestamptz, resolved_by text, edition bigint
)
order by id
on conflict (id) do update set
    base = excluded.base, ours = excluded.ours, theirs = excluded.theirs, state = excluded.state,
    resolution = excluded.resolution, why = excluded.why, resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, edition = excluded.edition"
);

/// There is one for each field as a rule, and one for a comment now and then.
const UNRESOLVED: &str = concat!(
    "-- unresolved\nselect ",
    conflict_columns!(),
    " from conflicts where issue_id = $1 and backend = $2 and state <> 'resolved' order by id limit 1000"
);

/// One of these for each question, so that each finds its index.
macro_rules! conflicts_where {
    ($name:literal, $asked:literal) => {
        concat!(
            "-- ",
            $name,
            "\nselect ",
            conflict_columns!(),
            " from conflicts where id < $1 and ",
            $asked,
            " and ($2::uuid is null or issue_id = $2) and ($3::text is null or state = $3) and ($4::text is null or backend = $4)",
            " order by id desc limit $5"
        )
    };
}

const CONFLICTS: &str = conflicts_where!("conflicts", "true");
const CONFLICTS_OF_ISSUE: &str = conflicts_where!("conflicts_of_issue", "issue_id = $2");
const CONFLICTS_IN_STATE: &str = conflicts_where!("conflicts_in_state", "state = $3");
const CONFLICTS_WITH: &str = conflicts_where!("conflicts_with", "backend = $4");
const CONFLICTS_WITH_IN_STATE: &str = conflicts_where!("conflicts_with_in_state", "backend = $4 and state = $3");

const CONFLICT: &str = concat!("-- conflict\nselect ", conflict_columns!(), " from conflicts where id = $1");

const OPEN_CONFLICTS: &str = "-- open_conflicts
select backend, count(*) from conflicts where state = 'open' group by backend order by backend";

/// Locks the conflicts a change was decided on. A decision on another edition is out before anything is written.
pub(super) async fn check(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let (decided_on, deleting) = (batch.conflicts_decided_on(), batch.wished_deletes());
    if !decided_on.is_empty() || !deleting.is_empty() {
        let locking = sqlx::query_as(LOCK_CONFLICTS).bind(decided_on).bind(deleting);
        let editions: Vec<(Uuid, i64)> = locking.fetch_all(connection).await?;
        batch.check_editions(&editions);
    }
    Ok(())
}

#[async_trait]
impl ConflictStore for PostgresStore {
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
            .bind(i64::from(limit));
        self.find_all(listing).await
    }

    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError> {
        self.one(rows::<ConflictRow>(CONFLICT).bind(id)).await
    }

    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.all(rows::<(String, i64)>(OPEN_CONFLICTS)).await
    }
}
