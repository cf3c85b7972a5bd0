//! Rows of what keeps two sides in agreement: bindings, deliveries that wait, conflicts.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::columns::columns;
use super::{UnreadableRow, word};
use crate::domain::IssueId;
use crate::domain::sync::{Binding, BindingState, Conflict, ConflictCause, DeliverySubject, StoredDelivery, SyncCursor, SyncRunRecord};
use crate::domain::tracker::Project;

/// The columns of a [`BoundRow`], of the table `bindings`.
macro_rules! binding_columns {
    () => {
        "bindings.name, rules, source, paused, edition, cursor, last, due_at, leased_until, audit_wanted, brake_off"
    };
}
pub(in crate::store) use binding_columns;

/// The columns of a [`ConflictRow`].
macro_rules! conflict_columns {
    () => {
        "id, issue_id, backend, field, comment, base, ours, theirs, state, resolution, cause, why, opened_at, \
         resolved_at, resolved_by, edition"
    };
}
pub(in crate::store) use conflict_columns;

#[derive(Debug)]
pub(in crate::store) struct BoundRow {
    name: String,
    rules: Json<Binding>,
    source: String,
    paused: bool,
    edition: i64,
    cursor: Json<SyncCursor>,
    last: Option<Json<SyncRunRecord>>,
    due_at: DateTime<Utc>,
    leased_until: Option<DateTime<Utc>>,
    audit_wanted: bool,
    brake_off: bool,
}

columns! { BoundRow {
    name, rules, source, paused, edition, cursor, last, due_at, leased_until, audit_wanted, brake_off,
} }

#[derive(Debug)]
pub(in crate::store) struct HookRow {
    id: i64,
    backend: String,
    received_at: DateTime<Utc>,
    hint_kind: String,
    hint_place: Json<Project>,
    hint_remote_id: String,
}

columns! { HookRow { id, backend, received_at, hint_kind, hint_place, hint_remote_id } }

/// The sentence of a frozen field in rows without a cause.
const PING_PONG_BEFORE: &str = "it went back and forth too often";

#[derive(Debug)]
pub(in crate::store) struct ConflictRow {
    id: Uuid,
    issue_id: Uuid,
    backend: String,
    field: String,
    comment: Option<Uuid>,
    base: Option<Json<Value>>,
    ours: Option<Json<Value>>,
    theirs: Option<Json<Value>>,
    state: String,
    resolution: Option<String>,
    cause: Option<String>,
    why: String,
    opened_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<String>,
    edition: i64,
}

columns! { ConflictRow {
    id, issue_id, backend, field, comment, base, ours, theirs, state, resolution, cause, why, opened_at, resolved_at,
    resolved_by, edition,
} }

impl TryFrom<BoundRow> for BindingState {
    type Error = UnreadableRow;

    /// A request that came while another replica held the cursor counts as one in the cursor.
    fn try_from(row: BoundRow) -> Result<Self, UnreadableRow> {
        let SyncCursor { audit_wanted, brake_off, .. } = row.cursor.0;
        Ok(Self {
            source: word("bindings", "source", &row.name, &row.source)?,
            binding: Binding { name: row.name, ..row.rules.0 },
            paused: row.paused,
            edition: row.edition,
            cursor: SyncCursor { audit_wanted: audit_wanted || row.audit_wanted, brake_off: brake_off || row.brake_off, ..row.cursor.0 },
            last: row.last.map(|run| run.0),
            due_at: row.due_at,
            leased_until: row.leased_until,
        })
    }
}

impl TryFrom<HookRow> for StoredDelivery {
    type Error = UnreadableRow;

    fn try_from(row: HookRow) -> Result<Self, UnreadableRow> {
        let kind = word("hooks", "hint_kind", &row.id, &row.hint_kind)?;
        let hint = DeliverySubject { kind, place: row.hint_place.0, remote_id: row.hint_remote_id };
        Ok(Self { id: row.id, backend: row.backend, received_at: row.received_at, hint })
    }
}

impl TryFrom<ConflictRow> for Conflict {
    type Error = UnreadableRow;

    fn try_from(row: ConflictRow) -> Result<Self, UnreadableRow> {
        let value = |json: Option<Json<Value>>| json.map_or(Value::Null, |json| json.0);
        // A replica of the version before writes no cause, and says the same in the sentence alone.
        let untold = || if row.why == PING_PONG_BEFORE { ConflictCause::PingPong } else { ConflictCause::Diverged };
        let cause = row.cause.as_ref().map_or_else(|| Ok(untold()), |text| word("conflicts", "cause", &row.id, text))?;
        Ok(Self {
            id: row.id,
            issue_id: IssueId(row.issue_id),
            backend: row.backend,
            field: word("conflicts", "field", &row.id, &row.field)?,
            comment: row.comment,
            base: value(row.base),
            ours: value(row.ours),
            theirs: value(row.theirs),
            state: word("conflicts", "state", &row.id, &row.state)?,
            resolution: row.resolution.map(|text| word("conflicts", "resolution", &row.id, &text)).transpose()?,
            cause,
            why: row.why,
            opened_at: row.opened_at,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by,
            edition: row.edition,
        })
    }
}
