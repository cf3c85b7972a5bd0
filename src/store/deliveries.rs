//! Webhook deliveries, kept until a worker has followed them. [`Store::commit`](super::Store::commit) marks them as followed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::domain::sync::{NewDelivery, StoredDelivery};

/// Keeps the deliveries of trackers.
#[async_trait]
pub trait DeliveryStore: Send + Sync + 'static {
    /// Keeps a delivery. `false`: one of that name is kept already.
    async fn keep_delivery(&self, hook: &NewDelivery) -> Result<bool, StoreError>;

    /// The deliveries for a backend that were not followed yet, oldest first, at most `limit`.
    async fn kept_deliveries(&self, backend: &str, limit: u32) -> Result<Vec<StoredDelivery>, StoreError>;

    /// Deletes deliveries that came before that moment, at most `limit`; answers how many.
    async fn purge_kept_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
