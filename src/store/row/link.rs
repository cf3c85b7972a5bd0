//! Rows of the links to trackers.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::columns::columns;
use super::{UnreadableRow, broken, word};
use crate::domain::IssueId;
use crate::domain::tracker::FieldFlips;
use crate::domain::tracker::{CommentLink, CommentSlot, Draft, Link, LinkSummary, Project, RemoteRef};

/// The columns of a [`LinkRow`]. The base lies in the column of its older name.
macro_rules! link_columns {
    () => {
        "issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, pushed as base, moved_from, origin, turns, \
         heard, missing_at"
    };
}
pub(in crate::store) use link_columns;

/// The columns of a [`CommentLinkRow`].
macro_rules! comment_link_columns {
    () => {
        "issue_id, backend, subject, part, state, intended_at, remote_id, pushed, base, origin"
    };
}
pub(in crate::store) use comment_link_columns;

#[derive(Debug)]
pub(in crate::store) struct LinkRow {
    issue_id: Uuid,
    backend: String,
    position: i16,
    place: Json<Project>,
    state: String,
    intended_at: Option<DateTime<Utc>>,
    remote_id: Option<String>,
    remote_key: Option<String>,
    url: Option<String>,
    base: Option<Json<Draft>>,
    moved_from: Option<String>,
    origin: String,
    turns: Option<Json<FieldFlips>>,
    heard: Option<String>,
    missing_at: Option<DateTime<Utc>>,
}

columns! { LinkRow {
    issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, base, moved_from, origin, turns,
    heard, missing_at,
} }

#[derive(Debug)]
pub(in crate::store) struct TieRow {
    issue_id: Uuid,
    backend: String,
    state: String,
    remote_key: Option<String>,
}

columns! { TieRow { issue_id, backend, state, remote_key } }

#[derive(Debug)]
pub(in crate::store) struct CommentLinkRow {
    issue_id: Uuid,
    backend: String,
    subject: Uuid,
    part: i16,
    state: String,
    intended_at: Option<DateTime<Utc>>,
    remote_id: Option<String>,
    pushed: Option<String>,
    base: Option<String>,
    origin: String,
}

columns! { CommentLinkRow { issue_id, backend, subject, part, state, intended_at, remote_id, pushed, base, origin } }

impl TryFrom<LinkRow> for Link {
    type Error = UnreadableRow;

    fn try_from(row: LinkRow) -> Result<Self, UnreadableRow> {
        let state = word("links", "state", &row.issue_id, &row.state)?;
        let origin = word("links", "origin", &row.issue_id, &row.origin)?;
        let project = row.place.0;
        let remote =
            row.remote_id.map(|id| RemoteRef { place: project.clone(), id, key: row.remote_key.unwrap_or_default(), url: row.url });
        Ok(Self {
            issue_id: IssueId(row.issue_id),
            backend: row.backend,
            position: row.position,
            place: project,
            state,
            intended_at: row.intended_at,
            remote,
            moved_from: row.moved_from,
            base: row.base.map(|draft| draft.0),
            origin,
            turns: row.turns.map(|turns| turns.0).unwrap_or_default(),
            heard: row.heard,
            missing_at: row.missing_at,
        })
    }
}

impl TryFrom<TieRow> for LinkSummary {
    type Error = UnreadableRow;

    fn try_from(row: TieRow) -> Result<Self, UnreadableRow> {
        let state = word("links", "state", &row.issue_id, &row.state)?;
        Ok(Self { issue_id: IssueId(row.issue_id), backend: row.backend, state, key: row.remote_key })
    }
}

impl TryFrom<CommentLinkRow> for CommentLink {
    type Error = UnreadableRow;

    fn try_from(row: CommentLinkRow) -> Result<Self, UnreadableRow> {
        let part = u16::try_from(row.part).map_err(|_| broken("comment_links", "part", &row.subject, "is negative".to_owned()))?;
        Ok(Self {
            issue_id: IssueId(row.issue_id),
            backend: row.backend,
            slot: CommentSlot { subject: row.subject, part },
            state: word("comment_links", "state", &row.subject, &row.state)?,
            intended_at: row.intended_at,
            remote_id: row.remote_id,
            pushed: row.pushed,
            base: row.base,
            origin: word("comment_links", "origin", &row.subject, &row.origin)?,
        })
    }
}
