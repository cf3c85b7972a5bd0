//! Decides who must hear of an event: one message becomes one for each interested sink.

use super::outlets::Ended;
use super::{App, AppError, Outlet};
use crate::domain::{Change, Lease, NewMessage, Notice};

impl App {
    /// What is told about the events of these messages, in their order.
    pub async fn notices(&self, leases: &[Lease]) -> Result<Vec<Option<Notice>>, AppError> {
        let events: Vec<_> = leases.iter().map(|lease| (lease.message.issue_id, lease.message.event_seq)).collect();
        Ok(self.store.notices(&events).await?)
    }

    /// Fans one event out. Its messages are written in the transaction that ends this one.
    pub async fn dispatch(&self, outlet: &Outlet, lease: &Lease, notice: Option<&Notice>) -> Ended {
        let started = self.clock.now();
        let mut messages = Vec::new();
        if let Some(notice) = notice {
            let interested = self.outlets.sinks().filter(|sink| sink.wants(notice.event.kind));
            messages.extend(interested.map(|sink| NewMessage::publish(&lease.message, sink.name(), started)));
        }
        // That an event was dispatched is told by what it became; the history keeps real attempts only.
        let settled = self.settle_message(lease, Change::settling(lease.settle(None, started), messages)).await;
        let outcome = if settled { "delivered" } else { "lost" };
        self.metrics.deliveries.with_label_values(&[outlet.kind.as_str(), &outlet.target, outcome]).inc();
        Ended::Done
    }
}
