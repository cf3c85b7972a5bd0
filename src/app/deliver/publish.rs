//! Publishes one event to one sink.

use std::time::Instant;

use super::targets::LeaseEnd;
use crate::app::{App, MessageTarget};
use crate::domain::queue::breaker::BreakerState;
use crate::domain::{Change, Lease, Notice, Verdict};

impl App {
    /// Calls the sink, informs the breaker, and records the outcome. No connection is held while
    /// the sink works.
    pub async fn publish(&self, target: &MessageTarget, lease: &Lease, notice: Option<&Notice>) -> LeaseEnd {
        let started = self.clock.now();
        let (Some(sink), Some(notice)) = (&target.sink, notice) else {
            // The issue was deleted for good, with its history: nothing is left to publish.
            self.settle_message(lease, Change::settling(lease.settle(Some(started), started), Vec::new())).await;
            return LeaseEnd::Done;
        };
        let labels = [target.kind.as_str(), &target.target];
        let clock = Instant::now();
        let told = sink.publish(notice).await;
        self.metrics.delivery_duration.with_label_values(&labels).observe(clock.elapsed().as_secs_f64());
        let stamp = self.clock.stamp();
        match told {
            Ok(()) => {
                target.with_breaker(crate::domain::queue::breaker::Breaker::succeeded);
                let settled = self.settle_message(lease, Change::settling(lease.settle(Some(started), stamp.now), Vec::new())).await;
                let outcome = if settled { "delivered" } else { "lost" };
                self.metrics.deliveries.with_label_values(&[labels[0], labels[1], outcome]).inc();
                let delay = (stamp.now - notice.event.at).to_std().unwrap_or_default();
                self.metrics.delivery_delay.with_label_values(&labels).observe(delay.as_secs_f64());
                LeaseEnd::Done
            }
            Err(error) => {
                self.tell_breaker(target, error.verdict, stamp.random());
                self.record_failure(target, lease, error.verdict, error.message, started).await
            }
        }
    }

    /// A refusal is an answer: the target is well.
    pub(in crate::app) fn tell_breaker(&self, target: &MessageTarget, verdict: Verdict, random: u32) {
        let before = target.breaker_state();
        match verdict {
            Verdict::Retry { after } => target.with_breaker(|breaker| breaker.failed(self.clock.now(), random, after)),
            Verdict::Fail => target.with_breaker(crate::domain::queue::breaker::Breaker::succeeded),
        }
        if before == BreakerState::Closed && target.breaker_state() == BreakerState::Open {
            tracing::warn!(
                message.target = target.target,
                "the target does not answer: its breaker is open, and one probe at a time goes out"
            );
        }
    }
}
