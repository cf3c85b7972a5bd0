//! Syncs a binding's project: a sync run adopts new issues, and queues a push for each changed one.
//! The run only plans; the push (`super::push`) reconciles, in the lane of its issue.
//!
//! A lease gives a binding to one replica at a time. The cursor is written with the last change of
//! a page, after all others, so that an interrupted run continues there. Issues before the cursor
//! are known by their key, so nothing is adopted twice.

mod ahead;
pub(in crate::app) mod bindings;
pub(in crate::app) mod conflicts;
mod deliveries;
mod page;
mod plan;
pub(in crate::app) mod receive;
mod register;
mod run;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::trackers::Tracker;
use super::{App, AppError, MessageTarget};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::MessageKind;
use crate::domain::sync::{BindingState, SyncCursor, SyncRunRecord};
use crate::store::{BindingEnd, BindingLease};

pub use plan::{Planned, PlannedItem, SyncPlan};

/// One turn at a binding.
#[derive(Clone)]
struct SyncRun<'a> {
    app: &'a App,
    tracker: &'a Arc<Tracker>,
    bound: BindingState,
    token: Uuid,
    /// How long the hold lasts, and until when.
    lease: Duration,
    until: DateTime<Utc>,
    /// The edition of the secret with which it was begun.
    secret: u64,
}

/// Why a turn ended before its end.
enum SyncStop {
    Trouble(BackendError),
    /// Another replica has the binding by now.
    Lost,
    /// It was asked to stop; it goes on from where it is.
    Interrupted,
    Failed(AppError),
}

impl From<BackendError> for SyncStop {
    fn from(error: BackendError) -> Self {
        Self::Trouble(error)
    }
}

impl From<AppError> for SyncStop {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

impl App {
    /// The bindings that this process may sync now, and when to poll again at the latest.
    pub async fn due_bindings(&self) -> Result<(Vec<BindingState>, Option<DateTime<Utc>>), AppError> {
        let now = self.clock.now();
        let all = self.store.bindings().await?;
        let mut hinted = BTreeSet::new();
        for backend in all.iter().map(|bound| &bound.binding.backend).collect::<BTreeSet<_>>() {
            if !self.store.kept_deliveries(backend, 1).await?.is_empty() {
                hinted.insert(backend.clone());
            }
        }
        let next = all.iter().filter(|bound| !bound.paused).map(|bound| bound.due_at).min();
        let due = |bound: &BindingState| {
            !bound.paused
                && bound.binding.pulls()
                && bound.leased_until.is_none_or(|until| until <= now)
                && (bound.due_at <= now || hinted.contains(&bound.binding.backend))
                && self.trackers.get(&bound.binding.backend).is_some()
                && self.outlet_of(&bound.binding.backend).is_none_or(|target| !target.is_paused(now) && target.rests_until(now).is_none())
        };
        Ok((all.into_iter().filter(due).collect(), next))
    }

    /// Syncs one of them, unless another replica has it. Ends early when `stop` says so; the next
    /// run continues from there.
    pub async fn sync_binding(&self, bound: &BindingState, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), AppError> {
        let Some(tracker) = self.trackers.get(&bound.binding.backend) else { return Ok(()) };
        let Some(rules) = self.targets.rules() else { return Ok(()) };
        let stamp = self.clock.stamp();
        let until = stamp.now + rules.lease;
        let request = BindingLease { now: stamp.now, until, token: stamp.id, now_or_later: bound.due_at > stamp.now };
        let Some(leased) = self.store.lease_binding(&bound.binding.name, request).await? else { return Ok(()) };
        let due = leased.due_at <= stamp.now;
        let (name, every) = (leased.binding.name.clone(), leased.binding.every);
        let due_at = leased.due_at;
        let began = leased.cursor.clone();
        let mut work =
            SyncRun { app: self, tracker, bound: leased, token: stamp.id, lease: rules.lease, until, secret: tracker.secret.edition() };
        let ended = match work.follow_deliveries().await {
            Ok(()) if due => {
                work.request_again().await;
                work.run_once(stop).await
            }
            Ok(()) => Ok(None),
            Err(stop) => Err(stop),
        };
        let end = self.ended(&work, ended, &began, due_at, every);
        if let Some(end) = end {
            self.store.release_binding(&name, stamp.id, &end).await?;
        }
        Ok(())
    }

    /// The binding's state after a run; nothing is written if another replica has the binding.
    fn ended(
        &self,
        work: &SyncRun<'_>,
        ended: Result<Option<SyncRunRecord>, SyncStop>,
        began: &SyncCursor,
        due_at: DateTime<Utc>,
        every: Duration,
    ) -> Option<BindingEnd> {
        let now = self.clock.now();
        let mut cursor = work.bound.cursor.clone();
        if cursor.page.is_none() {
            // What broke off before it was anywhere begins anew.
            cursor.began_at = None;
        }
        let name = &work.bound.binding.name;
        let told = |outcome: &str| self.metrics.sync.runs.with_label_values(&[name, outcome]).inc();
        match ended {
            Ok(Some(run)) => {
                told("completed");
                let cursor = SyncCursor { completed_at: Some(run.ended_at), ..cursor };
                Some(BindingEnd { cursor, last: Some(run), due_at: now + every })
            }
            Ok(None) => {
                let due_at = if cursor.audit_wanted { now } else { due_at };
                Some(BindingEnd { cursor, last: None, due_at })
            }
            Err(SyncStop::Lost) => None,
            Err(SyncStop::Interrupted) => Some(BindingEnd { cursor, last: None, due_at: due_at.min(now) }),
            Err(SyncStop::Failed(error)) => {
                told("failed");
                tracing::warn!(binding.name = name, %error, "a binding could not be followed for now");
                Some(BindingEnd { cursor, last: Some(broken(work, began, error.to_string(), now)), due_at: now + every })
            }
            Err(SyncStop::Trouble(error)) => {
                told("failed");
                let wait = self.waits_for(work, error.trouble).unwrap_or(every);
                tracing::warn!(binding.name = name, %error, "a tracker could not be asked what changed");
                Some(BindingEnd { cursor, last: Some(broken(work, began, error.message, now)), due_at: now + wait })
            }
        }
    }

    /// A limit or a refused credential counts for everything with it.
    fn waits_for(&self, work: &SyncRun<'_>, trouble: ErrorKind) -> Option<Duration> {
        let target = self.outlet_of(&work.tracker.name)?;
        match trouble {
            ErrorKind::Limited { after } => {
                target.rest_until(self.clock.now() + after);
                Some(after)
            }
            ErrorKind::Paused => {
                self.pause(target, work.secret);
                None
            }
            ErrorKind::Retry { after } => after,
            ErrorKind::Denied | ErrorKind::Stale | ErrorKind::Fail | ErrorKind::Unknown => None,
        }
    }

    /// Measures how far behind the bindings are, for the metrics.
    pub async fn sample_bindings(&self) -> Result<(), AppError> {
        if self.trackers.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.metrics.sync.behind.reset();
        for bound in self.store.bindings().await?.iter().filter(|bound| !bound.paused && bound.binding.pulls()) {
            let behind = bound.behind(now).map_or(0, |behind| behind.num_seconds());
            let name = bound.binding.name.as_str();
            self.metrics.sync.behind.with_label_values(&[name]).set(behind);
            for outcome in ["completed", "failed"] {
                self.metrics.sync.runs.with_label_values(&[name, outcome]);
            }
        }
        self.metrics.sync.open_conflicts.reset();
        for tracker in self.trackers.iter() {
            self.metrics.sync.open_conflicts.with_label_values(&[&tracker.name]).set(0);
            self.tell_from_the_start(&tracker.name);
        }
        for (backend, open) in self.store.open_conflicts().await? {
            self.metrics.sync.open_conflicts.with_label_values(&[&backend]).set(open);
        }
        Ok(())
    }

    /// Counters start at zero: an alert on their growth would miss the first increment.
    fn tell_from_the_start(&self, tracker: &str) {
        let metrics = &self.metrics;
        metrics.sync.open_conflicts.with_label_values(&[tracker]).set(0);
        metrics.sync.conflicts.with_label_values(&[tracker]);
        for action in ["adopted", "taken", "sent", "gone"] {
            metrics.sync.items.with_label_values(&[tracker, action]);
        }
    }

    fn outlet_of(&self, backend: &str) -> Option<&Arc<MessageTarget>> {
        self.targets.iter().find(|target| target.kind == MessageKind::Push && target.target == backend)
    }
}

fn broken(work: &SyncRun<'_>, began: &SyncCursor, error: String, now: DateTime<Utc>) -> SyncRunRecord {
    SyncRunRecord {
        pass: work.next_run_kind(now),
        began_at: began.began_at.unwrap_or(now),
        ended_at: now,
        error: Some(error),
        counts: work.bound.cursor.counts,
    }
}
