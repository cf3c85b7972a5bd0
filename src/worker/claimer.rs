//! Takes messages of one target: when woken, when there may be more, and now and then by itself; never more than there is room for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::WorkerLimits;
use super::lane::{LaneJob, LaneMessage};
use super::low_water_mark::{LowWaterMark, PollOutcome};
use crate::app::{App, AppError, MessageTarget};
use crate::domain::queue::breaker::BreakerPermit;
use crate::domain::{Lease, QueuePosition};

/// What is in hand at most, in batches: one being taken, the others being worked through.
const BATCHES: u32 = 4;

pub(super) struct MessageClaimer {
    app: Arc<App>,
    target: Arc<MessageTarget>,
    limits: WorkerLimits,
    stop: CancellationToken,
    room: Arc<Semaphore>,
    calls: Arc<Semaphore>,
    mark: LowWaterMark,
}

/// What to do next.
enum NextStep {
    /// It polled; there may be more.
    Took {
        found: bool,
        more: bool,
    },
    /// No poll before then, unless it is woken.
    Rest(Option<DateTime<Utc>>),
    Failed(AppError),
}

impl MessageClaimer {
    pub(super) fn new(app: Arc<App>, target: Arc<MessageTarget>, limits: WorkerLimits, stop: CancellationToken) -> Self {
        let semaphore = |permits: u32| Arc::new(Semaphore::new(permits as usize));
        Self {
            app,
            target,
            limits,
            stop,
            room: semaphore(limits.batch * BATCHES),
            calls: semaphore(limits.concurrency),
            mark: LowWaterMark::new(limits.poll),
        }
    }

    pub(super) async fn run(mut self, tasks: TaskTracker) {
        let mut away = false;
        while !self.stop.is_cancelled() {
            match self.next_step(&tasks).await {
                NextStep::Took { more: true, .. } => away = false,
                // What was taken calls when it is done.
                NextStep::Took { more: false, .. } => {
                    away = false;
                    self.rest(None).await;
                }
                NextStep::Rest(until) => {
                    away = false;
                    self.rest(until).await;
                }
                NextStep::Failed(error) => {
                    if !away {
                        tracing::warn!(%error, message.target = self.target.target, "no messages can be taken for now");
                    }
                    away = true;
                    self.rest(None).await;
                }
            }
        }
        self.wait_for_all().await;
    }

    /// Takes and does until nothing is found; answers whether anything was.
    pub(super) async fn drain(&mut self, tasks: &TaskTracker) -> bool {
        let mut found_any = false;
        loop {
            let turn = self.next_step(tasks).await;
            self.wait_for_all().await;
            match turn {
                NextStep::Took { found: false, more: false } | NextStep::Rest(_) | NextStep::Failed(_) => return found_any,
                NextStep::Took { found, .. } => found_any |= found,
            }
        }
    }

    async fn next_step(&mut self, tasks: &TaskTracker) -> NextStep {
        let (limit, probe) = match self.target.permit(self.app.clock.now()) {
            BreakerPermit::Go => (self.limits.batch, false),
            BreakerPermit::Probe => (1, true),
            BreakerPermit::Wait(until) => return NextStep::Rest(until),
        };
        let turn = self.lease_and_start(limit, probe, tasks).await;
        if probe && !matches!(turn, Ok(NextStep::Took { found: true, .. })) {
            self.target.not_tried(self.app.clock.now());
            // Without a message to probe with there is nothing to hurry for.
            return turn.map_or_else(NextStep::Failed, |_| NextStep::Rest(None));
        }
        turn.unwrap_or_else(NextStep::Failed)
    }

    async fn lease_and_start(&mut self, limit: u32, probe: bool, tasks: &TaskTracker) -> Result<NextStep, AppError> {
        let acquiring = self.room.clone().acquire_many_owned(limit);
        let Some(Ok(room)) = self.stop.run_until_cancelled(acquiring).await else { return Ok(NextStep::Rest(None)) };
        let began = self.app.clock.now();
        let since = self.mark.since(began);
        let claimed = self.app.claim_messages(&self.target, since, limit).await?;
        let last = claimed.leases.iter().map(|Lease { message, .. }| QueuePosition { due_at: message.due_at, id: message.id }).max();
        self.mark.polled(PollOutcome { since, began, ended: self.app.clock.now(), last, more: claimed.more });
        let found = !claimed.leases.is_empty();
        if found {
            self.start_lanes(claimed.leases, probe, room, tasks).await?;
        }
        Ok(NextStep::Took { found, more: claimed.more })
    }

    async fn start_lanes(
        &self,
        leases: Vec<Lease>,
        probe: bool,
        mut room: OwnedSemaphorePermit,
        tasks: &TaskTracker,
    ) -> Result<(), AppError> {
        let notices = match self.app.notices(&leases).await {
            Ok(notices) => notices,
            Err(error) => {
                self.app.release_unstarted(&leases).await;
                return Err(error);
            }
        };
        let mut lanes: BTreeMap<_, Vec<LaneMessage>> = BTreeMap::new();
        for (lease, notice) in leases.into_iter().zip(notices) {
            lanes.entry(lease.message.issue_id).or_default().push(LaneMessage { lease, notice });
        }
        for jobs in lanes.into_values() {
            let hand = LaneJob {
                app: self.app.clone(),
                target: self.target.clone(),
                calls: self.calls.clone(),
                margin: self.limits.margin,
                probe,
                stop: self.stop.clone(),
                room: room.split(jobs.len()),
            };
            tasks.spawn(hand.work(jobs));
        }
        Ok(())
    }

    async fn rest(&self, until: Option<DateTime<Utc>>) {
        let wait = until.and_then(|until| (until - self.app.clock.now()).to_std().ok()).unwrap_or(self.limits.poll);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.app.wake.work_for(&self.target.target) => {}
            () = tokio::time::sleep(wait.clamp(Duration::from_millis(1), self.limits.poll)) => {}
        }
    }

    /// Until nothing is in hand.
    async fn wait_for_all(&self) {
        _ = self.room.acquire_many(self.limits.batch * BATCHES).await;
    }
}
