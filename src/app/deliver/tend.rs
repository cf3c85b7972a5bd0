//! The upkeep of the queue: its numbers, and the end of its history.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::{App, AppError};
use crate::domain::MessageKind;
use crate::domain::queue::breaker::BreakerState;

impl App {
    /// Notifies the workers of other processes that this one has written messages.
    pub async fn call_workers(&self) -> Result<(), AppError> {
        Ok(self.store.notify_processes().await?)
    }

    /// Wakes the workers here whenever another process has written messages, until that fails.
    pub async fn listen_for_calls(&self) -> Result<(), AppError> {
        Ok(self.store.listen(&|| self.wake.ring_all()).await?)
    }

    /// Measures what waits, for the metrics.
    pub async fn sample_messages(&self) -> Result<(), AppError> {
        let (backlog, now) = (self.store.queue_depths().await?, self.clock.now());
        let metrics = &self.metrics;
        metrics.messages.reset();
        metrics.messages_oldest.reset();
        for part in backlog {
            let labels = [part.kind.as_str(), &part.target, part.state.as_str()];
            metrics.messages.with_label_values(&labels).set(part.depth);
            metrics.messages_oldest.with_label_values(&labels).set((now - part.oldest).num_seconds().max(0));
        }
        for target in self.targets.iter() {
            let level = match target.breaker_state() {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            metrics.breakers.with_label_values(&[&target.target]).set(level);
            if target.kind == MessageKind::Push {
                metrics.paused.with_label_values(&[&target.target]).set(target.is_paused(now).into());
            }
        }
        self.sample_budgets().await
    }

    /// If several trackers share a budget, only one is reported.
    async fn sample_budgets(&self) -> Result<(), AppError> {
        let mut told = BTreeSet::new();
        for budget in self.trackers.iter().filter_map(|tracker| tracker.budget.as_ref()).filter(|budget| told.insert(&budget.name)) {
            for (window, used) in self.spent(budget).await? {
                let length = format!("{}s", window.length.as_secs());
                let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                self.metrics.budget_used.with_label_values(&[&budget.name, &length]).set(count(used));
                self.metrics.budget_allowed.with_label_values(&[&budget.name, &length]).set(window.writes.into());
            }
        }
        Ok(())
    }

    /// Forgets attempts older than that, page by page.
    pub async fn purge_history(&self, age: Duration) -> Result<(), AppError> {
        const PAGE: u32 = 1000;
        let before = self.clock.now() - age;
        while self.store.purge_attempts(before, PAGE).await? == u64::from(PAGE) {}
        Ok(())
    }
}
