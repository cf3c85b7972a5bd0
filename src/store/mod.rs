//! The port to durable storage: one trait, split by subject, two dialects in its children, one conformance suite
//! (`tests/it/store`).
//!
//! The only room with SQL in it. Every statement is written in its dialect's own folder, in the file of its subject; row types
//! are shared. To add a method: its contract in the trait of its subject, a statement per dialect, its tests in the
//! conformance suite. A new subject is a file here with its trait, a file of the same name in each dialect, and its name in
//! the list of [`Store`].

mod batch;
pub mod bindings;
pub mod budget;
pub mod conflicts;
pub mod deliveries;
mod fields;
pub mod find;
pub mod group;
mod import;
pub mod issues;
pub mod links;
mod lookup;
mod migrate;
pub mod postgres;
pub mod queue;
pub mod records;
mod reindex;
mod row;
pub mod sqlite;
pub mod wake;
mod warm;

use async_trait::async_trait;

pub use self::bindings::{BindingEnd, BindingLease, BindingStore, PutBinding};
pub use self::budget::BudgetStore;
pub use self::conflicts::ConflictStore;
pub use self::deliveries::DeliveryStore;
pub use self::find::{FindStore, IssuePage};
pub use self::issues::{FiledIssue, IssueStore};
pub use self::links::LinkStore;
pub use self::queue::QueueStore;
pub use self::records::RecordStore;
use crate::domain::{Change, Fingerprint, Issue, IssueNumber};

/// Durable storage: every subject, and the only write. Every method may be called from many tasks and many replicas at once.
///
/// `dyn Store` has the methods of every subject. A function that touches one subject takes that subject's trait: a
/// `&dyn Store` is a `&dyn BudgetStore` as well.
#[async_trait]
pub trait Store:
    IssueStore + FindStore + QueueStore + LinkStore + BindingStore + DeliveryStore + ConflictStore + BudgetStore + RecordStore
{
    /// The dialect's name (`sqlite`, `postgres`): also the backend that holds an issue kept in the store alone.
    fn name(&self) -> &'static str;

    /// Writes each change whole or not at all, all of them in one transaction, and answers the
    /// outcome of each, in order.
    ///
    /// - A change that is not written (duplicate, stale, claim lost) leaves no trace and does not disturb the others.
    /// - Uniqueness is the database's own: any number of callers committing one [`DedupeKey`](crate::domain::DedupeKey)
    ///   at once, in one call or in many, get one [`CommitOutcome::Inserted`]; the others get [`CommitOutcome::Duplicate`].
    /// - Two updates of one issue in one call: the first is written, the later ones are [`CommitOutcome::Stale`].
    /// - When it answers with an error nothing is known: the transaction may have been committed or not. Trying an
    ///   insert with a dedupe key again is safe.
    async fn commit(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, StoreError>;

    /// The store answers, and its schema is one that this binary can work with: its own, or a newer one that only adds.
    async fn check(&self) -> Result<(), StoreError>;

    /// How many connections there are at this moment, by pool. Sends no query.
    fn connections(&self) -> Vec<PoolConnections>;

    /// Lets go of every connection. Calls after it fail.
    async fn close(&self);
}

/// One pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConnections {
    pub pool: &'static str,
    pub open: u32,
    /// The open connections that are not in use.
    pub idle: usize,
    pub most: u32,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// A new issue is stored under this number.
    Inserted(IssueNumber),
    /// The dedupe key was there already: the issue it belongs to, and what the first body said.
    Duplicate { issue: Box<Issue>, fingerprint: Option<Fingerprint> },
    /// Written (every change that inserts no issue).
    Written,
    /// The issue has moved on since it was read, or is gone. Read it again and decide again.
    Stale,
    /// The lease of the message it settles is lost: another worker has it or has delivered it.
    ClaimLost,
}

/// What can go wrong in a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nothing wrong with the request: the database is away, overloaded, or gave up on a deadlock. Trying again may help.
    #[error("the {store} store is not available: {reason}")]
    Unavailable { store: &'static str, reason: String },
    /// The database was migrated by a newer binary, which took away what this one needs.
    #[error(
        "the database has schema version {found}, and lacks what this binary ({known}) needs: run the newer binary, or restore a backup made before the upgrade"
    )]
    SchemaTooNew { found: i64, known: i64 },
    /// The database lacks migrations that this binary needs.
    #[error(
        "the database has schema version {found}, this binary needs {known}: run `issue-core migrate`, or set database.migrate_on_start = true"
    )]
    SchemaTooOld { found: i64, known: i64 },
    /// The database holds something that this binary cannot read, or refused a statement: a defect, retrying will not help.
    #[error("the {store} store failed: {reason}")]
    Broken { store: &'static str, reason: String },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::SchemaTooNew { .. } | Self::SchemaTooOld { .. } | Self::Broken { .. } => false,
        }
    }
}
