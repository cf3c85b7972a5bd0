//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

pub mod access;
mod attempts;
mod deliver;
mod error;
#[cfg(test)]
mod error_samples;
mod issues;
mod measure;
pub mod page;
mod push;
mod show_backends;
mod sync;
mod trackers;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead, GroupRelease};
use crate::store::wake::Wake;

pub use crate::backend::{CheckReport, DeliveryRejected, HookMade, Resource, Workspace};
pub use crate::store::queue::MessageFilter;
pub use access::keys::{Caller, Keyring, Scope, ValidKeys};
pub use access::rate_limit::RateLimiter;
pub use access::readiness::{Readiness, UnreadyReason};
pub use deliver::targets::{LeaseEnd, MessageTarget, Targets, WorkRules};
pub use error::AppError;
#[cfg(test)]
pub(crate) use error_samples::every_failure;
pub use issues::batch::{BatchItemOutcome, BatchTask, MAX_BATCH, TaskBatch};
pub use issues::bulk::{BulkItem, BulkOutcome, BulkReport};
pub use issues::change::{ChangeRequest, ExpectedVersion};
pub use issues::count::{Age, IssueStats};
pub use issues::create::{AcceptedTask, DedupeSource, DryRunOutcome, MAX_IDEMPOTENCY_KEY, TaskSubmission};
pub use issues::find::{IssueList, TotalCount};
pub use issues::import::{ImportItem, MAX_IMPORT};
pub use issues::locks::IssueLocks;
pub use issues::lookup::{LookupMatch, LookupReport};
pub use issues::timeline::TimelineItem;
pub use page::ListPage;
pub use show_backends::BackendState;
pub use sync::bindings::{BindingCache, PutCondition};
pub use sync::conflicts::ResolveRequest;
pub use sync::receive::DeliveryReceipt;
pub use sync::{Planned, PlannedItem, SyncPlan};
pub use trackers::{AnswerWaits, CreationBudget, TaskPlan, Tracker, Trackers, WebhookSetup};

/// The key that wakes the syncer. It has a space, so no backend can have its name.
pub const SYNC: &str = "sync runs";

/// Everything a use case may need. Built once, in `boot`.
pub struct App {
    pub store: Arc<dyn Store>,
    pub commits: GroupCommit,
    pub reads: GroupRead,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub keyring: Keyring,
    pub rate_limit: RateLimiter,
    pub readiness: Readiness,
    /// The ends of messages, in batches of their own: beside new issues they would only slow them down.
    pub settles: GroupCommit,
    pub releases: GroupRelease,
    /// The targets of events.
    pub targets: Targets,
    /// Where issues go.
    pub trackers: Trackers,
    pub waits: AnswerWaits,
    /// The bindings of tracker projects.
    pub bindings: BindingCache,
    pub wake: Arc<Wake>,
    pub turns: IssueLocks,
}
