//! What keeps the queue in order without anybody asking: its numbers, and the end of its history.

use std::time::Duration;

use super::App;
use crate::domain::breaker::BreakerState;
use crate::store::StoreError;

impl App {
    /// Measures what waits, for the metrics.
    pub async fn sample_messages(&self) -> Result<(), StoreError> {
        let (backlog, now) = (self.store.backlog().await?, self.clock.now());
        let metrics = &self.metrics;
        metrics.messages.reset();
        metrics.messages_oldest.reset();
        for part in backlog {
            let labels = [part.kind.as_str(), &part.target, part.state.as_str()];
            metrics.messages.with_label_values(&labels).set(part.depth);
            metrics.messages_oldest.with_label_values(&labels).set((now - part.oldest).num_seconds().max(0));
        }
        for outlet in self.outlets.iter() {
            let level = match outlet.breaker_state() {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            metrics.breakers.with_label_values(&[&outlet.target]).set(level);
        }
        Ok(())
    }

    /// Forgets attempts older than that, page by page.
    pub async fn purge_history(&self, age: Duration) -> Result<(), StoreError> {
        const PAGE: u32 = 1000;
        let before = self.clock.now() - age;
        while self.store.purge_deliveries(before, PAGE).await? == u64::from(PAGE) {}
        Ok(())
    }
}
