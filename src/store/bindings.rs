//! Bindings: their rules, how far each sync is, and the lease of the worker that runs it.
//!
//! [`Store::commit`](super::Store::commit) writes a sync's progress together with the page it belongs to.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::StoreError;
use crate::domain::sync::{Binding, BindingSource, BindingState, SyncCursor, SyncRunRecord};

/// Keeps bindings and leases them.
#[async_trait]
pub trait BindingStore: Send + Sync + 'static {
    /// Every binding, by name. There are few.
    async fn bindings(&self) -> Result<Vec<BindingState>, StoreError>;

    /// Writes the rules of a binding, and nothing of its progress: a new one is due at once. With `read_edition` it writes only
    /// over that edition (0: only if the binding does not exist) and answers `None` otherwise. The same rules again change
    /// nothing.
    async fn put_binding(&self, request: &PutBinding<'_>) -> Result<Option<BindingState>, StoreError>;

    /// Pauses a binding, or lets it go on at once. `None`: it does not exist.
    async fn pause_binding(&self, name: &str, paused: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError>;

    /// Makes a binding due now. With `audit` the next run lists everything. With `brake_off` the next run believes any number
    /// of missing issues, once. `None`: it does not exist.
    async fn request_sync(&self, name: &str, audit: bool, brake_off: bool, now: DateTime<Utc>) -> Result<Option<BindingState>, StoreError>;

    /// Deletes a binding, where `read_edition` is given only that edition. The issues and their links stay. `false`: it does
    /// not exist, or has another edition.
    async fn delete_binding(&self, name: &str, read_edition: Option<i64>) -> Result<bool, StoreError>;

    /// Leases the binding if it is due (or `now_or_later`), not paused, and under no other lease at `now`. Waits for no lock.
    async fn lease_binding(&self, name: &str, lease: BindingLease) -> Result<Option<BindingState>, StoreError>;

    /// Ends the lease and keeps the result of the run. A stale token changes nothing.
    async fn release_binding(&self, name: &str, token: Uuid, end: &BindingEnd) -> Result<(), StoreError>;
}

/// The rules of a binding, about to be written.
#[derive(Debug, Clone, Copy)]
pub struct PutBinding<'a> {
    pub binding: &'a Binding,
    pub source: BindingSource,
    pub read_edition: Option<i64>,
    pub now: DateTime<Utc>,
}

/// A request for the lease of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindingLease {
    pub now: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub token: Uuid,
    /// Deliveries wait for it: whether it is due does not matter.
    pub now_or_later: bool,
}

/// How the work on a binding ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingEnd {
    pub cursor: SyncCursor,
    /// `None`: as it was (only deliveries were followed).
    pub last: Option<SyncRunRecord>,
    pub due_at: DateTime<Utc>,
}
