//! The fields of two-way sync, as the statements take them. Both dialects take them as JSON, like
//! the links.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{moment, optional_moment};
use crate::domain::sync::{Conflict, Resolution, SyncCursor, SyncProgress};
use crate::domain::tracker::Sighting;

#[derive(Debug, Serialize)]
pub(in crate::store) struct HeardFields<'a> {
    issue_id: Uuid,
    backend: &'a str,
    heard: Option<&'a str>,
    #[serde(serialize_with = "optional_moment")]
    missing_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
pub(in crate::store) struct ConflictFields<'a> {
    id: Uuid,
    issue_id: Uuid,
    backend: &'a str,
    field: &'static str,
    comment: Option<Uuid>,
    base: &'a Value,
    ours: &'a Value,
    theirs: &'a Value,
    state: &'static str,
    resolution: Option<&'static str>,
    cause: &'static str,
    why: &'a str,
    #[serde(serialize_with = "moment")]
    opened_at: DateTime<Utc>,
    #[serde(serialize_with = "optional_moment")]
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<&'a str>,
    edition: i64,
}

#[derive(Debug, Serialize)]
pub(in crate::store) struct ProgressFields<'a> {
    name: &'a str,
    cursor: &'a SyncCursor,
}

/// A delivery that was followed.
#[derive(Debug, Serialize)]
pub(in crate::store) struct HookFields {
    pub(in crate::store) id: i64,
    #[serde(serialize_with = "moment")]
    pub(in crate::store) at: DateTime<Utc>,
}

impl<'a> From<&'a Sighting> for HeardFields<'a> {
    fn from(heard: &'a Sighting) -> Self {
        Self { issue_id: heard.issue_id.0, backend: &heard.backend, heard: heard.heard.as_deref(), missing_at: heard.missing_at }
    }
}

impl HeardFields<'_> {
    /// Joins two sightings of one link: a value that this one leaves unset comes from the earlier
    /// one.
    pub(in crate::store) fn after(self, earlier: Option<Self>) -> Self {
        Self { heard: self.heard.or_else(|| earlier?.heard), ..self }
    }
}

impl<'a> From<&'a Conflict> for ConflictFields<'a> {
    fn from(conflict: &'a Conflict) -> Self {
        Self {
            id: conflict.id,
            issue_id: conflict.issue_id.0,
            backend: &conflict.backend,
            field: conflict.field.as_str(),
            comment: conflict.comment,
            base: &conflict.base,
            ours: &conflict.ours,
            theirs: &conflict.theirs,
            state: conflict.state.as_str(),
            resolution: conflict.resolution.map(Resolution::as_str),
            cause: conflict.cause.as_str(),
            why: &conflict.why,
            opened_at: conflict.opened_at,
            resolved_at: conflict.resolved_at,
            resolved_by: conflict.resolved_by.as_deref(),
            edition: conflict.edition,
        }
    }
}

impl<'a> From<&'a SyncProgress> for ProgressFields<'a> {
    fn from(progress: &'a SyncProgress) -> Self {
        Self { name: &progress.binding, cursor: &progress.cursor }
    }
}
