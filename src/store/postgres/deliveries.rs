//! Webhook deliveries. Marking them as followed is part of [`super::commit`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::PostgresStore;
use super::statement::{rows, write};
use crate::domain::sync::{NewDelivery, StoredDelivery};
use crate::store::row::HookRow;
use crate::store::{DeliveryStore, StoreError};

pub(super) const FOLLOW_HOOKS: &str = "-- follow_hooks
with done as (
    select hooks.id, followed.at from jsonb_to_recordset($1) as followed (id bigint, at timestamptz)
    join hooks on hooks.id = followed.id order by hooks.id for update of hooks
)
update hooks set followed_at = done.at from done where hooks.id = done.id and hooks.followed_at is null";

const KEEP_HOOK: &str = "-- keep_hook
insert into hooks (backend, delivery, event, received_at, body, hint_kind, hint_place, hint_remote_id, followed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (backend, delivery) do nothing";

const HOOKS: &str = "-- hooks
select id, backend, received_at, hint_kind, hint_place, hint_remote_id from hooks
where backend = $1 and followed_at is null order by id limit $2";

/// An array, so that the rows are looked up by their ids for any number of them.
const PURGE_HOOKS: &str = "-- purge_hooks
delete from hooks where id = any(array(select id from hooks where received_at < $1 order by received_at limit $2))";

#[async_trait]
impl DeliveryStore for PostgresStore {
    /// A delivery without a subject counts as processed: no worker has anything to do for it.
    async fn keep_delivery(&self, hook: &NewDelivery) -> Result<bool, StoreError> {
        let hint = hook.hint.as_ref();
        let followed_at = if hint.is_none() { Some(hook.received_at) } else { None };
        let keeping = write(KEEP_HOOK)
            .bind(&hook.backend)
            .bind(&hook.delivery)
            .bind(&hook.event)
            .bind(hook.received_at)
            .bind(&hook.body)
            .bind(hint.map(|hint| hint.kind.as_str()))
            .bind(hint.map(|hint| Json(&hint.place)))
            .bind(hint.map(|hint| &hint.remote_id))
            .bind(followed_at);
        Ok(self.execute(keeping).await? > 0)
    }

    async fn kept_deliveries(&self, backend: &str, limit: u32) -> Result<Vec<StoredDelivery>, StoreError> {
        self.all(rows::<HookRow>(HOOKS).bind(backend).bind(i64::from(limit))).await
    }

    async fn purge_kept_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.execute(write(PURGE_HOOKS).bind(before).bind(i64::from(limit))).await
    }
}
