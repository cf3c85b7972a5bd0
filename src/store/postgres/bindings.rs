//! Bindings and their leases. The leases a change relies on are checked, and the progress of a list is written, as part of
//! [`super::commit`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::PostgresStore;
use super::statement::{rows, write};
use crate::domain::sync::BindingState;
use crate::store::batch::CommitBatch;
use crate::store::row::{BoundRow, binding_columns};
use crate::store::{BindingEnd, BindingLease, BindingStore, PutBinding, StoreError};

/// The bindings whose leases must hold.
const LOCK_BINDINGS: &str = "-- lock_bindings
select name, lease_token from bindings where name = any($1) order by name for update";

pub(super) const PROGRESS: &str = "-- progress
update bindings set cursor = far.cursor from jsonb_to_recordset($1) as far (name text, cursor jsonb)
where bindings.name = far.name";

const BINDINGS: &str = concat!("-- bindings\nselect ", binding_columns!(), " from bindings order by name");

const OPEN_BINDING: &str = concat!(
    "-- open_binding
insert into bindings (name, rules, source, edition, cursor, due_at) values ($1, $2, $3, 1, '{}', $4)
on conflict (name) do nothing
returning ",
    binding_columns!()
);

const CHANGE_BINDING: &str = concat!(
    "-- change_binding
update bindings set rules = $2, source = $3, edition = edition + 1
where name = $1 and ($4::bigint is null or edition = $4) and (rules <> $2 or source <> $3)
returning ",
    binding_columns!()
);

const BINDING: &str =
    concat!("-- binding\nselect ", binding_columns!(), " from bindings where name = $1 and ($2::bigint is null or edition = $2)");

const PAUSE_BINDING: &str = concat!(
    "-- pause_binding
update bindings set paused = $2, hurried = hurried or not $2, due_at = case when $2 then due_at else $3 end
where name = $1
returning ",
    binding_columns!()
);

const HURRY_BINDING: &str = concat!(
    "-- hurry_binding
update bindings set
    hurried = true, audit_wanted = audit_wanted or $2, brake_off = brake_off or $3, due_at = least(due_at, $4)
where name = $1
returning ",
    binding_columns!()
);

const DELETE_BINDING: &str = "-- delete_binding
delete from bindings where name = $1 and ($2::bigint is null or edition = $2)";

/// Requests for runs that came in the meantime go to the new holder. A holder that renews its lease
/// reads them at the next one.
const LEASE_BINDING: &str = concat!(
    r#"-- lease_binding
with free as (
    select name, lease_token is distinct from $3 as anew from bindings
    where name = $1 and not paused and (due_at <= $2 or $5) and (leased_until is null or leased_until <= $2 or lease_token = $3)
    for update skip locked
)
update bindings set
    lease_token = $3, leased_until = $4,
    cursor = cursor
        || case when anew and audit_wanted then '{"audit_wanted": true}'::jsonb else '{}' end
        || case when anew and brake_off then '{"brake_off": true}'::jsonb else '{}' end,
    hurried = hurried and not anew, audit_wanted = audit_wanted and not anew, brake_off = brake_off and not anew
from free where bindings.name = free.name
returning "#,
    binding_columns!()
);

const RELEASE_BINDING: &str = "-- release_binding
update bindings set
    cursor = $3, last = coalesce($4, last), due_at = case when hurried then least(due_at, $5) else $5 end, hurried = false,
    lease_token = null, leased_until = null
where name = $1 and lease_token = $2";

/// Locks the bindings whose leases must hold. A change without its lease is out before anything is written.
pub(super) async fn check(connection: &mut PgConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let names = batch.leased_bindings();
    if !names.is_empty() {
        let held: Vec<(String, Option<Uuid>)> = sqlx::query_as(LOCK_BINDINGS).bind(names).fetch_all(connection).await?;
        batch.check_leases(&held);
    }
    Ok(())
}

#[async_trait]
impl BindingStore for PostgresStore {
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError> {
        self.all(rows::<BoundRow>(BINDINGS)).await
    }

    /// Each of the three statements is a transaction by itself. Between them the binding can change once more at most; the
    /// answer then shows that change.
    async fn put_binding(&self, request: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError> {
        let PutBinding { binding, source, read_edition, now } = *request;
        let (name, source) = (&binding.name, source.as_str());
        if read_edition.is_none_or(|edition| edition == 0) {
            let opened = self.returning(rows::<BoundRow>(OPEN_BINDING).bind(name).bind(Json(binding)).bind(source).bind(now)).await?;
            if opened.is_some() || read_edition.is_some() {
                return Ok(opened);
            }
        }
        let changing = rows::<BoundRow>(CHANGE_BINDING).bind(name).bind(Json(binding)).bind(source).bind(read_edition);
        match self.returning(changing).await? {
            Some(changed) => Ok(Some(changed)),
            None => self.one(rows::<BoundRow>(BINDING).bind(name).bind(read_edition)).await,
        }
    }

    async fn pause_binding(&self, name: &str, paused: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        self.returning(rows::<BoundRow>(PAUSE_BINDING).bind(name).bind(paused).bind(now)).await
    }

    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        self.returning(rows::<BoundRow>(HURRY_BINDING).bind(name).bind(audit).bind(brake_off).bind(now)).await
    }

    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError> {
        Ok(self.execute(write(DELETE_BINDING).bind(name).bind(read_edition)).await? > 0)
    }

    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError> {
        let BindingLease { now, until, token, now_or_later } = lease;
        self.returning(rows::<BoundRow>(LEASE_BINDING).bind(name).bind(now).bind(token).bind(until).bind(now_or_later)).await
    }

    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError> {
        let (cursor, last) = (Json(&end.cursor), end.last.as_ref().map(Json));
        self.execute(write(RELEASE_BINDING).bind(name).bind(token).bind(cursor).bind(last).bind(end.due_at)).await.map(drop)
    }
}
