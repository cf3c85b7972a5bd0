//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

mod add_comment;
pub mod auth;
mod bindings;
mod change_issue;
mod claim_issue;
mod close_issue;
mod conflicts;
mod count_issues;
mod create_batch;
mod create_issue;
mod delete_issue;
mod discard_message;
mod dispatch;
mod edit_issue;
mod edit_many;
mod error;
mod export_issues;
mod find_issues;
mod find_messages;
mod import_issues;
mod issue_locks;
mod lookup_issues;
mod measure;
mod next_issue;
pub mod page;
mod publish;
mod push;
pub mod rate_limit;
mod read_comments;
mod read_issue;
mod read_timeline;
mod readiness;
mod receive_webhook;
mod register_webhook;
mod relations;
mod retry_messages;
mod review_issue;
mod show_backends;
mod start_issue;
mod sync;
mod targets;
mod tend_messages;
mod trackers;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead, GroupRelease};
use crate::store::wake::Wake;

pub use crate::backend::{CheckReport, DeliveryRejected, HookMade, Resource, Workspace};
pub use crate::store::queue::MessageFilter;
pub use auth::{Caller, Keyring, Scope, ValidKeys};
pub use bindings::{BindingCache, PutCondition};
pub use change_issue::{ChangeRequest, ExpectedVersion};
pub use conflicts::ResolveRequest;
pub use count_issues::{Age, IssueStats};
pub use create_batch::{BatchItemOutcome, BatchTask, MAX_BATCH, TaskBatch};
pub use create_issue::{AcceptedTask, DedupeSource, DryRunOutcome, MAX_IDEMPOTENCY_KEY, TaskSubmission};
pub use edit_many::{BulkItem, BulkOutcome, BulkReport};
pub use error::AppError;
pub use find_issues::{IssueList, TotalCount};
pub use import_issues::{ImportItem, MAX_IMPORT};
pub use issue_locks::IssueLocks;
pub use lookup_issues::{LookupMatch, LookupReport};
pub use page::ListPage;
pub use rate_limit::RateLimiter;
pub use read_timeline::TimelineItem;
pub use readiness::{Readiness, UnreadyReason};
pub use receive_webhook::DeliveryReceipt;
pub use show_backends::BackendState;
pub use sync::{Planned, PlannedItem, SyncPlan};
pub use targets::{LeaseEnd, Target, Targets, WorkRules};
pub use trackers::{AnswerWaits, CreationBudget, TaskPlan, Tracker, Trackers, WebhookSetup};

/// What whoever follows trackers is woken by.
pub const SYNC: &str = "sync";

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
    /// Who hears of what happens.
    pub outlets: Targets,
    /// Where issues go.
    pub trackers: Trackers,
    pub waits: AnswerWaits,
    /// Which places of them are followed.
    pub bindings: BindingCache,
    pub wake: Arc<Wake>,
    pub turns: IssueLocks,
}
