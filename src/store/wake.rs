//! Wakes the workers of this process that wait for messages, by target. A lost call is harmless:
//! the workers also poll.

use std::collections::HashMap;

use tokio::sync::Notify;

use crate::domain::NewMessage;

/// Rung when messages were committed. The one claimer of each target waits for it, and the task
/// that notifies other processes.
#[derive(Debug, Default)]
pub struct Wake {
    targets: HashMap<String, Notify>,
    written: Notify,
}

impl Wake {
    #[must_use]
    pub fn new(targets: impl IntoIterator<Item = String>) -> Self {
        Self { targets: targets.into_iter().map(|target| (target, Notify::new())).collect(), written: Notify::new() }
    }

    /// Messages for these targets were committed by this process.
    pub fn written<'a>(&self, messages: impl Iterator<Item = &'a NewMessage>) {
        let mut any = false;
        for message in messages {
            self.ring(&message.target);
            any = true;
        }
        if any {
            self.written.notify_one();
        }
    }

    /// There may be work for the target.
    pub fn ring(&self, target: &str) {
        if let Some(claimer) = self.targets.get(target) {
            claimer.notify_one();
        }
    }

    /// There may be messages for any target.
    pub fn ring_all(&self) {
        self.targets.values().for_each(Notify::notify_one);
    }

    /// Until there may be work for the target. Never for a target that was not named at the start.
    pub async fn work_for(&self, target: &str) {
        match self.targets.get(target) {
            Some(claimer) => claimer.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Until this process has committed messages.
    pub async fn something_written(&self) {
        self.written.notified().await;
    }
}
