//! The use cases: one file each, named by its verb. Entrances call them; they call the ports.
//!
//! No HTTP, no SQL, no concrete adapter. To add a use case: a file with one `impl App` block, and an entrance that calls it.

pub mod auth;
mod create_issue;
mod discard_message;
mod dispatch;
mod error;
mod find_messages;
mod outlets;
mod publish;
mod read_issue;
mod readiness;
mod retry_messages;
mod tend_messages;

use std::sync::Arc;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::group::{GroupCommit, GroupRead, GroupRelease};
use crate::store::wake::Wake;

pub use auth::{Caller, Keyring, Scope};
pub use create_issue::{Accepted, Request};
pub use error::AppError;
pub use outlets::{Ended, Outlet, Outlets, WorkRules};
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
    /// The ends of messages, in batches of their own: beside new issues they would only slow them down.
    pub settles: GroupCommit,
    pub releases: GroupRelease,
    /// Who hears of what happens.
    pub outlets: Outlets,
    pub wake: Arc<Wake>,
}
