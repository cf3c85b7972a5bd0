//! Rows of questions about many issues: pages, matches, facets, lookups.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::columns::columns;
use super::issue::IssueRow;
use super::{UnreadableRow, broken, origin, word};
use crate::domain::find::facet::FacetCount;
use crate::domain::find::{FoundIssue, SearchMatch};
use crate::domain::{IssueId, IssueNumber};

/// An issue of a page, with how many rows the page had before it was bounded.
#[derive(Debug)]
pub(in crate::store) struct ListedRow {
    pub(in crate::store) issue: IssueRow,
    pub(in crate::store) fetched: i64,
}

columns! { ListedRow { ..issue, fetched } }

#[derive(Debug)]
pub(in crate::store) struct MatchRow {
    number: i64,
    title: String,
    opening: String,
    bytes: i64,
}

columns! { MatchRow { number, title, opening, bytes } }

#[derive(Debug)]
pub(in crate::store) struct FacetRow {
    key: String,
    name: String,
    active: i64,
    closed: i64,
}

columns! { FacetRow { key, name, active, closed } }

#[derive(Debug)]
pub(in crate::store) struct FoundRow {
    place: i64,
    id: Uuid,
    number: i64,
    title: String,
    state: String,
    target_repo: Option<String>,
    backend: String,
    url: Option<String>,
    source_type: Option<String>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    created_at: DateTime<Utc>,
}

columns! { FoundRow {
    place, id, number, title, state, target_repo, backend, url, source_type, source_id, triggering_event_id,
    activity_definition_id, created_at,
} }

impl From<MatchRow> for SearchMatch {
    fn from(row: MatchRow) -> Self {
        Self { number: row.number, title: row.title, opening: row.opening, bytes: row.bytes }
    }
}

impl From<FacetRow> for (String, String, FacetCount) {
    fn from(row: FacetRow) -> Self {
        (row.key, row.name, FacetCount { active: row.active, closed: row.closed })
    }
}

impl TryFrom<FoundRow> for FoundIssue {
    type Error = UnreadableRow;

    fn try_from(row: FoundRow) -> Result<Self, UnreadableRow> {
        Ok(Self {
            place: usize::try_from(row.place).map_err(|_| broken("issues", "place", &row.id, "is negative".to_owned()))?,
            state: word("issues", "state", &row.id, &row.state)?,
            origin: origin(&row.id, row.source_type, row.source_id, row.triggering_event_id, row.activity_definition_id)?,
            id: IssueId(row.id),
            number: IssueNumber(row.number),
            title: row.title,
            target_repo: row.target_repo,
            backend: row.backend,
            url: row.url,
            created_at: row.created_at,
        })
    }
}
