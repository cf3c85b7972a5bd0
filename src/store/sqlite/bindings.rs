//! Bindings and their leases. The leases a change relies on are checked, and the progress of a list is written, as part of
//! [`super::commit`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::SqliteStore;
use super::json::json;
use super::statement::{rows, write};
use crate::domain::sync::BindingState;
use crate::store::batch::CommitBatch;
use crate::store::fields::moment_text;
use crate::store::row::{BoundRow, binding_columns};
use crate::store::{BindingEnd, BindingLease, BindingStore, PutBinding, StoreError};

/// The bindings whose leases must hold.
const LEASES: &str = "-- leases
select name, lease_token from bindings where name in (select value from json_each(?1))";

pub(super) const PROGRESS: &str = "-- progress
update bindings set cursor = value -> 'cursor' from json_each(?1) where bindings.name = value ->> 'name'";

const BINDINGS: &str = concat!("-- bindings\nselect ", binding_columns!(), " from bindings order by name");

const OPEN_BINDING: &str = concat!(
    "-- open_binding
insert into bindings (name, rules, source, edition, cursor, due_at) values (?1, ?2, ?3, 1, '{}', ?4)
on conflict (name) do nothing
returning ",
    binding_columns!()
);

const CHANGE_BINDING: &str = concat!(
    "-- change_binding
update bindings set rules = ?2, source = ?3, edition = edition + 1
where name = ?1 and (?4 is null or edition = ?4) and (rules <> ?2 or source <> ?3)
returning ",
    binding_columns!()
);

const BINDING: &str = concat!("-- binding\nselect ", binding_columns!(), " from bindings where name = ?1 and (?2 is null or edition = ?2)");

const PAUSE_BINDING: &str = concat!(
    "-- pause_binding
update bindings set paused = ?2, hurried = hurried or not ?2, due_at = case when ?2 then due_at else ?3 end
where name = ?1
returning ",
    binding_columns!()
);

const HURRY_BINDING: &str = concat!(
    "-- hurry_binding
update bindings set
    hurried = true, audit_wanted = audit_wanted or ?2, brake_off = brake_off or ?3, due_at = min(due_at, ?4)
where name = ?1
returning ",
    binding_columns!()
);

const DELETE_BINDING: &str = "-- delete_binding
delete from bindings where name = ?1 and (?2 is null or edition = ?2)";

/// Requests for runs that came in the meantime go to the new holder. A holder that renews its lease
/// reads them at the next one.
const LEASE_BINDING: &str = concat!(
    r#"-- lease_binding
update bindings set
    lease_token = ?3, leased_until = ?4,
    cursor = json_patch(
        json_patch(cursor, iif(lease_token is not ?3 and audit_wanted, '{"audit_wanted":true}', '{}')),
        iif(lease_token is not ?3 and brake_off, '{"brake_off":true}', '{}')
    ),
    hurried = hurried and lease_token is ?3, audit_wanted = audit_wanted and lease_token is ?3,
    brake_off = brake_off and lease_token is ?3
where name = ?1 and not paused and (due_at <= ?2 or ?5) and (leased_until is null or leased_until <= ?2 or lease_token = ?3)
returning "#,
    binding_columns!()
);

const RELEASE_BINDING: &str = "-- release_binding
update bindings set
    cursor = ?3, last = coalesce(?4, last), due_at = case when hurried then min(due_at, ?5) else ?5 end, hurried = false,
    lease_token = null, leased_until = null
where name = ?1 and lease_token = ?2";

/// The leases that must hold. A change without its lease is out before anything is written.
pub(super) async fn check(connection: &mut SqliteConnection, batch: &mut CommitBatch<'_>) -> Result<(), sqlx::Error> {
    let names = batch.leased_bindings();
    if !names.is_empty() {
        let held: Vec<(String, Option<Uuid>)> = sqlx::query_as(LEASES).bind(json(&names)?).fetch_all(connection).await?;
        batch.check_leases(&held);
    }
    Ok(())
}

#[async_trait]
impl BindingStore for SqliteStore {
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError> {
        self.all(rows::<BoundRow>(BINDINGS)).await
    }

    /// Each of the three statements is a transaction by itself. Between them the binding can change once more at most; the
    /// answer then shows that change.
    async fn put_binding(&self, request: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError> {
        let PutBinding { binding, source, read_edition, now } = *request;
        let (name, source) = (&binding.name, source.as_str());
        if read_edition.is_none_or(|edition| edition == 0) {
            let opened =
                self.returning(rows::<BoundRow>(OPEN_BINDING).bind(name).bind(Json(binding)).bind(source).bind(moment_text(now))).await?;
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
        self.returning(rows::<BoundRow>(PAUSE_BINDING).bind(name).bind(paused).bind(moment_text(now))).await
    }

    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError> {
        self.returning(rows::<BoundRow>(HURRY_BINDING).bind(name).bind(audit).bind(brake_off).bind(moment_text(now))).await
    }

    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError> {
        Ok(self.execute(write(DELETE_BINDING).bind(name).bind(read_edition)).await? > 0)
    }

    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError> {
        let BindingLease { now, until, token, now_or_later } = lease;
        let (now, until) = (moment_text(now), moment_text(until));
        self.returning(rows::<BoundRow>(LEASE_BINDING).bind(name).bind(now).bind(token).bind(until).bind(now_or_later)).await
    }

    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError> {
        let (cursor, last) = (Json(&end.cursor), end.last.as_ref().map(Json));
        let ending = write(RELEASE_BINDING).bind(name).bind(token).bind(cursor).bind(last).bind(moment_text(end.due_at));
        self.execute(ending).await.map(drop)
    }
}
