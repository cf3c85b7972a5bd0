//! The targets of messages, each with its breaker and its limits.
//!
//! Here is what the use cases about messages share. To add a kind of message: the use case that does its work, its limit in
//! [`WorkRules`], and its targets in [`Targets::new`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::trackers::{Tracker, Trackers};
use crate::app::{App, AppError};
use crate::domain::queue::backoff::Backoff;
use crate::domain::queue::breaker::{Breaker, BreakerPermit, BreakerRule, BreakerState};
use crate::domain::{Change, Lease, MessageKind, QueuePosition, Verdict};
use crate::sink::EventSink;
use crate::store::CommitOutcome;
use crate::store::group::GroupError;
use crate::store::queue::{AfterRelease, LeaseRequest, LeasedMessages, MessageRelease};

/// How messages are worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkRules {
    pub lease: Duration,
    pub backoff: Backoff,
    pub breaker: BreakerRule,
    pub dispatch_attempts: i32,
    pub publish_attempts: i32,
    pub push_attempts: i32,
}

/// One target: what is sent there, and whether it answers.
pub struct MessageTarget {
    pub kind: MessageKind,
    pub target: String,
    pub(in crate::app) sink: Option<Arc<dyn EventSink>>,
    pub(in crate::app) tracker: Option<Arc<Tracker>>,
    attempts: i32,
    breaker: Mutex<Breaker>,
    rest: Mutex<IdleReason>,
}

/// Why nothing goes to a target although it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdleReason {
    Not,
    /// The other side, or the budget, says until when.
    Until(DateTime<Utc>),
    /// The secret of that edition was refused.
    Paused(u64),
}

/// Every target that this process may deliver to. Empty if no sink and no tracker is configured.
#[derive(Default)]
pub struct Targets {
    list: Vec<Arc<MessageTarget>>,
    rules: Option<WorkRules>,
}

impl Targets {
    /// The dispatcher first, then a publisher for each sink and a pusher for each tracker.
    #[must_use]
    pub fn new(sinks: Vec<Arc<dyn EventSink>>, trackers: &Trackers, rules: WorkRules) -> Self {
        if sinks.is_empty() && trackers.is_empty() {
            return Self::default();
        }
        let target = |kind, target: &str, attempts| MessageTarget {
            kind,
            target: target.to_owned(),
            sink: None,
            tracker: None,
            attempts,
            breaker: Mutex::new(Breaker::new(rules.breaker)),
            rest: Mutex::new(IdleReason::Not),
        };
        let mut list = vec![target(MessageKind::Dispatch, MessageKind::Dispatch.as_str(), rules.dispatch_attempts)];
        list.extend(sinks.into_iter().map(|sink| {
            let publisher = target(MessageKind::Publish, sink.name(), rules.publish_attempts);
            MessageTarget { sink: Some(sink), ..publisher }
        }));
        list.extend(trackers.iter().map(|tracker| {
            let pusher = target(MessageKind::Push, &tracker.name, rules.push_attempts);
            MessageTarget { tracker: Some(Arc::clone(tracker)), ..pusher }
        }));
        Self { list: list.into_iter().map(Arc::new).collect(), rules: Some(rules) }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<MessageTarget>> {
        self.list.iter()
    }

    /// The sinks that want the event, in the order of the settings.
    pub(in crate::app) fn sinks(&self) -> impl Iterator<Item = &Arc<dyn EventSink>> {
        self.list.iter().filter_map(|target| target.sink.as_ref())
    }

    pub(in crate::app) const fn rules(&self) -> Option<WorkRules> {
        self.rules
    }
}

impl MessageTarget {
    /// Leave to take messages for this target. What it owes in return is said at [`Breaker::permit`].
    pub fn permit(&self, now: DateTime<Utc>) -> BreakerPermit {
        match self.resting(now) {
            IdleReason::Not => self.with_breaker(|breaker| breaker.permit(now)),
            IdleReason::Until(until) => BreakerPermit::Wait(Some(until)),
            IdleReason::Paused(_) => BreakerPermit::Wait(None),
        }
    }

    /// Whether something that was taken already may be begun.
    pub fn may_begin(&self, now: DateTime<Utc>, probe: bool) -> bool {
        self.resting(now) == IdleReason::Not && (probe || self.breaker_state() == BreakerState::Closed)
    }

    /// Until when it rests because of a limit or a budget.
    pub fn rests_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.resting(now) {
            IdleReason::Until(until) => Some(until),
            IdleReason::Not | IdleReason::Paused(_) => None,
        }
    }

    /// Whether it waits for another secret.
    pub fn is_paused(&self, now: DateTime<Utc>) -> bool {
        matches!(self.resting(now), IdleReason::Paused(_))
    }

    /// Everything for this target waits until then.
    pub(in crate::app) fn rest_until(&self, until: DateTime<Utc>) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        match *rest {
            IdleReason::Until(known) if known >= until => {}
            IdleReason::Not | IdleReason::Until(_) => *rest = IdleReason::Until(until),
            IdleReason::Paused(_) => {}
        }
    }

    /// Everything for this target waits for another secret than the one of that edition; `true` where it did not wait for that yet. What
    /// was asked with the one before may be refused only after it was changed.
    pub(in crate::app) fn pause(&self, edition: u64) -> bool {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *rest, IdleReason::Paused(edition)) != IdleReason::Paused(edition)
    }

    fn resting(&self, now: DateTime<Utc>) -> IdleReason {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let over = match *rest {
            IdleReason::Not => false,
            IdleReason::Until(until) => until <= now,
            IdleReason::Paused(edition) => self.tracker.as_ref().is_none_or(|tracker| tracker.secret.edition() != edition),
        };
        if over {
            *rest = IdleReason::Not;
        }
        *rest
    }

    pub fn breaker_state(&self) -> BreakerState {
        self.with_breaker(|breaker| breaker.state())
    }

    /// A probe found nothing to send.
    pub fn not_tried(&self, now: DateTime<Utc>) {
        self.with_breaker(|breaker| breaker.not_tried(now));
    }

    pub(in crate::app) fn with_breaker<T>(&self, work: impl FnOnce(&mut Breaker) -> T) -> T {
        work(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What became of one lease; the next of its lane may only follow when this one is out of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// Delivered, dead, or no longer ours: the lane goes on.
    Done,
    /// It waits for its next attempt, and so does its lane.
    Waits,
}

impl App {
    /// Takes messages that are due for the target. An empty answer is the usual one.
    pub async fn claim_messages(
        &self,
        target: &MessageTarget,
        since: Option<QueuePosition>,
        limit: u32,
    ) -> Result<LeasedMessages, AppError> {
        let Some(rules) = self.targets.rules() else { return Ok(LeasedMessages::default()) };
        let stamp = self.clock.stamp();
        let request = LeaseRequest { target: &target.target, now: stamp.now, since, lease: rules.lease, limit, token: stamp.id };
        let claimed = self.store.lease_messages(&request).await?;
        let labels = [target.kind.as_str(), &target.target];
        for lease in claimed.leases.iter().filter(|lease| lease.message.attempt == 1) {
            let waited = (stamp.now - lease.message.due_at).to_std().unwrap_or_default();
            self.metrics.message_pickup.with_label_values(&labels).observe(waited.as_secs_f64());
        }
        Ok(claimed)
    }

    /// A message that was leased more often than allowed, without any recorded end, may be what
    /// crashes its workers. Then it is given up, and the answer is `true`.
    pub async fn release_exhausted(&self, target: &MessageTarget, lease: &Lease) -> bool {
        let spent = lease.message.attempt > target.attempts;
        if spent {
            let error = lease.message.last_error.clone();
            let error = error.unwrap_or_else(|| "leased again and again without a recorded end; it may crash its worker".to_owned());
            self.record_failure(target, lease, Verdict::Fail, error, self.clock.now()).await;
        }
        spent
    }

    /// Gives leases back that were not tried.
    pub async fn release_unstarted(&self, leases: &[Lease]) {
        let at = self.clock.now();
        for lease in leases {
            self.record(lease, AfterRelease::PutBack, at).await;
        }
    }

    /// Writes down that the work is done, together with what follows from it. `false`: it was no longer ours.
    ///
    /// The store may be away for a moment, but the work was done: this goes on trying for as long as the lease lasts, because
    /// then another worker does the work again.
    pub(in crate::app) async fn settle_message(&self, lease: &Lease, change: Change) -> bool {
        self.settle_change(lease, change).await == Some(CommitOutcome::Written)
    }

    /// Writes down what was done outside, trying for as long as the lease lasts; `None`: in vain.
    pub(in crate::app) async fn settle_change(&self, lease: &Lease, change: Change) -> Option<CommitOutcome> {
        loop {
            match self.settles.commit(change.clone()).await {
                Ok(outcome) => return Some(outcome),
                Err(error) if self.is_exhausted(lease, &error).await => return None,
                Err(_) => {}
            }
        }
    }

    /// Decides what follows from a failed attempt, and writes it down.
    pub(in crate::app) async fn record_failure(
        &self,
        target: &MessageTarget,
        lease: &Lease,
        verdict: Verdict,
        error: String,
        started: DateTime<Utc>,
    ) -> LeaseEnd {
        const LONGEST: usize = 1000;
        let error: String = error.chars().take(LONGEST).collect();
        let stamp = self.clock.stamp();
        let (at, random) = (stamp.now, stamp.random());
        let wait = match verdict {
            Verdict::Retry { after } if lease.message.attempt < target.attempts => {
                self.targets.rules().map(|rules| rules.backoff.wait(lease.message.attempt, random, after))
            }
            Verdict::Retry { .. } | Verdict::Fail => None,
        };
        let (then, outcome, ended) = match wait {
            Some(wait) => (AfterRelease::Retry { due_at: at + wait, started, error: error.clone() }, "failed", LeaseEnd::Waits),
            None => (AfterRelease::Dead { started, error: error.clone() }, "dead", LeaseEnd::Done),
        };
        self.metrics.deliveries.with_label_values(&[target.kind.as_str(), &target.target, outcome]).inc();
        if ended == LeaseEnd::Done {
            tracing::error!(
                message.id = lease.message.id,
                message.target = target.target,
                message.attempt = lease.message.attempt,
                error,
                "message given up; it is kept as a dead letter"
            );
        } else {
            tracing::info!(
                message.id = lease.message.id,
                message.target = target.target,
                message.attempt = lease.message.attempt,
                error,
                "message failed; it will be tried again"
            );
        }
        self.record(lease, then, at).await;
        ended
    }

    pub(in crate::app) async fn record(&self, lease: &Lease, then: AfterRelease, at: DateTime<Utc>) {
        while let Err(error) = self.releases.release(MessageRelease::of(lease, at, then.clone())).await {
            if self.is_exhausted(lease, &error).await {
                return;
            }
        }
    }

    /// Waits a little before the next try, unless the lease runs out or trying cannot help.
    async fn is_exhausted(&self, lease: &Lease, error: &GroupError) -> bool {
        const PAUSE: Duration = Duration::from_millis(250);
        let lasting = matches!(error, GroupError::Store(error) if !error.is_transient());
        if lasting || self.clock.now() + PAUSE >= lease.until {
            tracing::error!(message.id = lease.message.id, %error, "the end of a message could not be written down; it will be done again");
            return true;
        }
        tokio::time::sleep(PAUSE).await;
        false
    }
}
