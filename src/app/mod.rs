//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

pub mod auth;
mod create_issue;
mod error;
mod read_issue;
mod readiness;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead};

pub use auth::{Caller, Keyring, Scope};
pub use create_issue::{Accepted, MAX_IDEMPOTENCY_KEY, Request};
pub use error::AppError;
pub use readiness::{Readiness, Unready};

/// Everything a use case may need. Built once, in `boot`.
pub struct App {
    pub store: Arc<dyn Store>,
    pub commits: GroupCommit,
    pub reads: GroupRead,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub keyring: Keyring,
    pub readiness: Readiness,
}
