//! Records: whole issues on their way out of a store and into one.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::IssueNumber;
use crate::domain::export::record::{ImportOutcome, IssueRecord};

/// Exports and imports issues with everything as it was: numbers, ids, times.
#[async_trait]
pub trait RecordStore: Send + Sync + 'static {
    /// The issues numbered above the one named, with everything that belongs to them, by number, at most `limit`. Archived ones
    /// too.
    async fn records(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<IssueRecord>, StoreError>;

    /// Writes the records that do not exist yet, as they are, all in one transaction, and answers each outcome in order.
    ///
    /// - Records are history: no message announces them.
    /// - The same call again changes nothing.
    /// - Without `write` it answers the outcomes only.
    async fn import_records(&self, records: &[IssueRecord], write: bool) -> Result<Vec<ImportOutcome>, StoreError>;
}
