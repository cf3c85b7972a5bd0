//! Rows as they lie in both databases: read into domain values here, and nowhere else.
//!
//! A row never travels further than its dialect. What the database holds is not trusted: a word that this binary does not
//! know is an [`UnreadableRow`] error, never a guess. To add a column: its field in the row, in the conversion, and in
//! [`super::fields`]; then the compiler and the conformance suite ask for the rest.

mod columns;
mod find;
mod issue;
mod link;
mod queue;
mod sync;

use std::convert::Infallible;
use std::str::FromStr;

pub(super) use columns::columns;
pub(super) use find::{FacetRow, FoundRow, ListedRow, MatchRow};
pub(super) use issue::{CommentRow, EventRow, IssueRow, KeyedRow, issue_columns, written_columns};
pub(super) use link::{CommentLinkRow, LinkRow, TieRow, comment_link_columns, link_columns};
pub(super) use queue::{BacklogRow, DeliveryRow, MessageRow, NoticeRow, message_columns};
pub(super) use sync::{BoundRow, ConflictRow, HookRow, binding_columns, conflict_columns};

use uuid::Uuid;

use crate::domain::TaskOrigin;

/// The row says something this binary cannot read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} of {table} row {id}: {reason}")]
pub(super) struct UnreadableRow {
    table: &'static str,
    column: &'static str,
    id: String,
    reason: String,
}

/// A row that is its own value is always readable.
impl From<Infallible> for UnreadableRow {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn word<T: FromStr<Err: ToString>>(table: &'static str, column: &'static str, id: &impl ToString, text: &str) -> Result<T, UnreadableRow> {
    text.parse().map_err(|error: T::Err| broken(table, column, id, format!("{text:?} {}", error.to_string())))
}

fn broken(table: &'static str, column: &'static str, id: &impl ToString, reason: String) -> UnreadableRow {
    UnreadableRow { table, column, id: id.to_string(), reason }
}

fn origin(
    id: &Uuid,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
) -> Result<TaskOrigin, UnreadableRow> {
    let source_type = source_type.map(|text| word("issues", "source_type", id, &text)).transpose()?;
    Ok(TaskOrigin { source_type, source_id, triggering_event_id, activity_definition_id })
}
