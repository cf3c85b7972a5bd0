//! Rows of the ties to trackers.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Unreadable, broken, word};
use crate::domain::IssueId;
use crate::domain::tracker::{CommentLink, Draft, Link, Place, RemoteRef, Slot};

#[derive(Debug, FromRow)]
pub(in crate::store) struct LinkRow {
    issue_id: Uuid,
    backend: String,
    position: i16,
    place: Json<Place>,
    state: String,
    intended_at: Option<DateTime<Utc>>,
    remote_id: Option<String>,
    remote_key: Option<String>,
    url: Option<String>,
    pushed: Option<Json<Draft>>,
}

#[derive(Debug, FromRow)]
pub(in crate::store) struct CommentLinkRow {
    issue_id: Uuid,
    backend: String,
    subject: Uuid,
    part: i16,
    state: String,
    intended_at: Option<DateTime<Utc>>,
    remote_id: Option<String>,
    pushed: Option<String>,
}

impl TryFrom<LinkRow> for Link {
    type Error = Unreadable;

    fn try_from(row: LinkRow) -> Result<Self, Unreadable> {
        let state = word("links", "state", &row.issue_id, &row.state)?;
        let place = row.place.0;
        let remote = row.remote_id.map(|id| RemoteRef { place: place.clone(), id, key: row.remote_key.unwrap_or_default(), url: row.url });
        Ok(Self {
            issue_id: IssueId(row.issue_id),
            backend: row.backend,
            position: row.position,
            place,
            state,
            intended_at: row.intended_at,
            remote,
            pushed: row.pushed.map(|draft| draft.0),
        })
    }
}

impl TryFrom<CommentLinkRow> for CommentLink {
    type Error = Unreadable;

    fn try_from(row: CommentLinkRow) -> Result<Self, Unreadable> {
        let part = u16::try_from(row.part).map_err(|_| broken("comment_links", "part", &row.subject, "is negative".to_owned()))?;
        Ok(Self {
            issue_id: IssueId(row.issue_id),
            backend: row.backend,
            slot: Slot { subject: row.subject, part },
            state: word("comment_links", "state", &row.subject, &row.state)?,
            intended_at: row.intended_at,
            remote_id: row.remote_id,
            pushed: row.pushed,
        })
    }
}
