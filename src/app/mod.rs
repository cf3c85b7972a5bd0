//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

mod add_comment;
pub mod auth;
mod change_issue;
mod claim_issue;
mod close_issue;
mod create_issue;
mod delete_issue;
mod edit_issue;
mod error;
pub mod page;
mod read_comments;
mod read_issue;
mod read_timeline;
mod readiness;
mod review_issue;
mod start_issue;
mod turns;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead};

pub use auth::{Caller, Keyring, Scope};
pub use change_issue::{Expected, Wish};
pub use create_issue::{Accepted, MAX_IDEMPOTENCY_KEY, Request};
pub use error::AppError;
pub use page::Page;
pub use read_timeline::Happening;
pub use readiness::{Readiness, Unready};
pub use turns::Turns;

/// Everything a use case may need. Built once, in `boot`.
pub struct App {
    pub store: Arc<dyn Store>,
    pub commits: GroupCommit,
    pub reads: GroupRead,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub keyring: Keyring,
    pub readiness: Readiness,
    pub turns: Turns,
}
