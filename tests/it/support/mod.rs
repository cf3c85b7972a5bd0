//! What tests stand on: databases of their own, and sample values. No test lives here, and nothing here asserts for one.

pub(crate) mod database;
pub(crate) mod sample;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Starts something beside the test; the runtime of the test ends it at the latest.
pub(crate) fn start<F: Future<Output: Send> + Send + 'static>(work: F) -> JoinHandle<F::Output> {
    TaskTracker::new().spawn(work)
}
