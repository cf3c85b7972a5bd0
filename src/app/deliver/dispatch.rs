//! Dispatches an event: one message becomes one for each interested sink, and one for each tracker
//! that has the issue or shall have it.

use super::targets::LeaseEnd;
use crate::app::{App, AppError, MessageTarget};
use crate::domain::tracker::FieldFlips;
use crate::domain::tracker::{Link, LinkOrigin, LinkState, RouteDestination};
use crate::domain::{Change, EventKind, Issue, IssueRef, Lease, NewMessage, Notice, Verdict};

impl App {
    /// The notices of the events of these messages, in their order.
    pub async fn notices(&self, leases: &[Lease]) -> Result<Vec<Option<Notice>>, AppError> {
        let events: Vec<_> = leases.iter().map(|lease| (lease.message.issue_id, lease.message.event_seq)).collect();
        Ok(self.store.notices(&events).await?)
    }

    /// Fans one event out. Its messages are written in the transaction that ends this one.
    pub async fn dispatch(&self, target: &MessageTarget, lease: &Lease, notice: Option<&Notice>) -> LeaseEnd {
        let started = self.clock.now();
        let mut messages = Vec::new();
        let mut links = Vec::new();
        if let Some(notice) = notice {
            let interested = self.targets.sinks().filter(|sink| sink.wants(notice.event.kind));
            messages.extend(interested.map(|sink| NewMessage::publish(&lease.message, sink.name(), started)));
            match self.ties(lease, notice).await {
                Ok(DispatchLinks { known, new }) => {
                    let both = known.iter().chain(&new);
                    messages.extend(both.map(|link| NewMessage::push(&lease.message, &link.backend, started)));
                    links = new;
                }
                Err(error) => {
                    return self.record_failure(target, lease, Verdict::Retry { after: None }, error.to_string(), started).await;
                }
            }
        }
        // The messages that a dispatch writes show that it happened; the history keeps only
        // attempts to deliver.
        let change = Change { links, ..Change::settling(lease.settle(None, started), messages) };
        let settled = self.settle_message(lease, change).await;
        let outcome = if settled { "delivered" } else { "lost" };
        self.metrics.deliveries.with_label_values(&[target.kind.as_str(), &target.target, outcome]).inc();
        LeaseEnd::Done
    }

    /// The links to the trackers that receive the event: those that have the issue, or those on its
    /// route, once it may leave.
    async fn ties(&self, lease: &Lease, notice: &Notice) -> Result<DispatchLinks, AppError> {
        if self.trackers.is_empty() || !notice.event.kind.is_carried() {
            return Ok(DispatchLinks::default());
        }
        let id = lease.message.issue_id;
        let known = self.store.links(&[id]).await?;
        let begins = matches!(notice.event.kind, EventKind::Created | EventKind::ReviewApproved);
        if !known.is_empty() || !begins {
            // One that is configured no more would let messages pile up.
            // The one it was taken from knows.
            let from = notice.event.detail.from.as_ref();
            let hears = |link: &Link| self.trackers.get(&link.backend).is_some() && from != Some(&link.backend);
            let known = known.into_iter().filter(hears).collect();
            return Ok(DispatchLinks { known, new: Vec::new() });
        }
        let Some(issue) = self.reads.issue(IssueRef::Id(id)).await?.filter(Issue::may_leave) else { return Ok(DispatchLinks::default()) };
        // What was decided when it was filed holds, unless the task was changed in review.
        let decided = notice.event.detail.route.as_ref().map(|note| note.to.clone());
        let to = decided.or_else(|| Some(self.plan(&issue)?.routed.to)).unwrap_or_default();
        let routed = |(position, to): (i16, RouteDestination)| Link {
            issue_id: id,
            backend: to.backend,
            position,
            place: to.place.unwrap_or_default(),
            state: LinkState::Routed,
            intended_at: None,
            remote: None,
            moved_from: None,
            base: None,
            origin: LinkOrigin::Ours,
            turns: FieldFlips::default(),
            heard: None,
            missing_at: None,
        };
        let here = |to: &RouteDestination| self.trackers.get(&to.backend).is_some();
        let new = (0i16..).zip(to).filter(|(_, to)| here(to)).map(routed).collect();
        Ok(DispatchLinks { known: Vec::new(), new })
    }
}

/// The links of an issue. The pushes own those that exist already; a dispatch only reads them.
#[derive(Default)]
struct DispatchLinks {
    known: Vec<Link>,
    new: Vec<Link>,
}
