//! Conflicts of two-way sync. [`Store::commit`](super::Store::commit) opens and resolves them.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::domain::IssueId;
use crate::domain::sync::{Conflict, ConflictFilter};

/// Reads conflicts.
#[async_trait]
pub trait ConflictStore: Send + Sync + 'static {
    /// The conflicts of an issue with one tracker that are not resolved yet.
    async fn unresolved_conflicts(&self, issue: IssueId, backend: &str) -> Result<Vec<Conflict>, StoreError>;

    /// Conflicts older than the one named, newest first, at most `limit`.
    async fn conflicts(&self, filter: &ConflictFilter, before: Option<Uuid>, limit: u32) -> Result<Vec<Conflict>, StoreError>;

    /// The conflict of that id, `None` if it does not exist.
    async fn conflict(&self, id: Uuid) -> Result<Option<Conflict>, StoreError>;

    /// How many conflicts are open, by backend.
    async fn open_conflicts(&self) -> Result<Vec<(String, i64)>, StoreError>;
}
