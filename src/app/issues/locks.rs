//! Callers of this process who want to change the same issue take turns, first come, first served.
//!
//! Only a courtesy: what makes a change safe is the version it was decided on, and other replicas know nothing of these
//! turns. But of many who decide on one version only one can win, so without turns a crowd would need as many rounds as
//! heads. Nobody may hold two turns at once.

use tokio::sync::{Mutex, MutexGuard};

use crate::domain::IssueId;

/// Fixed, so that nothing grows: issues that share a slot wait for each other without harm.
const SLOTS: usize = 1024;

/// The turn of whoever holds it, until it is dropped.
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
    /// The turn, if nobody has it.
    pub(in crate::app) fn free(&self, issue: IssueId) -> Option<Turn<'_>> {
        self.slot(issue).try_lock().ok()
    }

    /// The turn, once everybody who came before has had theirs.
    pub(in crate::app) async fn wait(&self, issue: IssueId) -> Turn<'_> {
        self.slot(issue).lock().await
    }

    fn slot(&self, issue: IssueId) -> &Mutex<()> {
        // The end of an id is random.
        let [.., high, low] = *issue.0.as_bytes();
        &self.slots[usize::from(u16::from_be_bytes([high, low])) % SLOTS]
    }
}
