//! Requests of this process that change the same issue wait for each other, first come, first
//! served.
//!
//! The locks only avoid wasted work: a change is safe because of the version it was decided on, and
//! other replicas know nothing of these locks. But of many requests that decide on one version only
//! one can win, so without locks a crowd would need as many rounds as requests. A request must
//! never hold two locks at once.

use tokio::sync::{Mutex, MutexGuard};

use crate::domain::IssueId;

/// Fixed, so that nothing grows: issues that share a slot wait for each other without harm.
const SLOTS: usize = 1024;

/// The lock of an issue, held until it is dropped.
pub(in crate::app) type Turn<'a> = MutexGuard<'a, ()>;

#[derive(Debug)]
pub struct IssueLocks {
    slots: Vec<Mutex<()>>,
}

impl Default for IssueLocks {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| Mutex::default()).collect() }
    }
}

impl IssueLocks {
    /// The lock, if it is free.
    pub(in crate::app) fn free(&self, issue: IssueId) -> Option<Turn<'_>> {
        self.slot(issue).try_lock().ok()
    }

    /// The lock, after every earlier request has released it.
    pub(in crate::app) async fn wait(&self, issue: IssueId) -> Turn<'_> {
        self.slot(issue).lock().await
    }

    fn slot(&self, issue: IssueId) -> &Mutex<()> {
        // The end of an id is random.
        let [.., high, low] = *issue.0.as_bytes();
        &self.slots[usize::from(u16::from_be_bytes([high, low])) % SLOTS]
    }
}
