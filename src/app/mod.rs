//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

pub mod auth;
mod create_batch;
mod create_issue;
mod error;
pub mod rate_limit;
mod read_issue;
mod readiness;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead};

pub use auth::{Caller, Keyring, Keys, Scope};
pub use create_batch::{Batch, BatchTask, Item, MAX_BATCH};
pub use create_issue::{Accepted, Rehearsal, Request, Rung};
pub use error::AppError;
pub use rate_limit::RateLimit;
pub use readiness::{Readiness, Unready};

/// Everything a use case may need. Built once, in `boot`.
pub struct App {
    pub store: Arc<dyn Store>,
    pub commits: GroupCommit,
    pub reads: GroupRead,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub keyring: Keyring,
    pub rate_limit: RateLimit,
    pub readiness: Readiness,
}
