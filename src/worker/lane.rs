//! Works through the messages of one lane, one after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::app::{App, LeaseEnd, MessageTarget};
use crate::domain::{Lease, MessageKind, Notice};
use crate::telemetry::TraceContext;

/// A message and what it is about.
pub(super) struct LaneMessage {
    pub(super) lease: Lease,
    pub(super) notice: Option<Notice>,
}

/// The worker of one lane, and its limits.
pub(super) struct LaneJob {
    pub(super) app: Arc<App>,
    pub(super) target: Arc<MessageTarget>,
    pub(super) calls: Arc<Semaphore>,
    pub(super) margin: Duration,
    /// Goes out although the breaker is not closed.
    pub(super) probe: bool,
    pub(super) stop: CancellationToken,
    /// Given back when all of the lane is out of hand.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

impl Drop for LaneJob {
    /// After any end of the work: a probe that reported nothing to the breaker makes way for the
    /// next one.
    fn drop(&mut self) {
        if self.probe {
            self.target.not_tried(self.app.clock.now());
        }
        // There is room again, and a message behind this lane may be due.
        self.room = None;
        self.app.wake.ring(&self.target.target);
    }
}

impl LaneJob {
    pub(super) async fn work(self, jobs: Vec<LaneMessage>) {
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            if self.work_on(&job).await == Some(LeaseEnd::Done) {
                continue;
            }
            let rest: Vec<Lease> = jobs.map(|job| job.lease).collect();
            self.app.release_unstarted(&rest).await;
            break;
        }
    }

    /// `None`: it was not begun, and is given back.
    async fn work_on(&self, job: &LaneMessage) -> Option<LeaseEnd> {
        let _call = self.calls.acquire().await.ok()?;
        if !self.may_begin(&job.lease) {
            self.app.release_unstarted(std::slice::from_ref(&job.lease)).await;
            return None;
        }
        if self.app.release_exhausted(&self.target, &job.lease).await {
            return Some(LeaseEnd::Done);
        }
        let message = &job.lease.message;
        let span = tracing::info_span!(
            "message.work",
            otel.name = %format_args!("{} {}", message.kind, message.target),
            otel.kind = "consumer",
            otel.status_code = tracing::field::Empty,
            messaging.system = "issue-core",
            messaging.operation.r#type = "process",
            messaging.operation.name = message.kind.as_str(),
            messaging.destination.name = message.target,
            messaging.message.id = %message.id,
            message.attempt = message.attempt,
            issue.id = %message.issue_id,
        );
        if let Some(trace) = message.trace.as_deref().and_then(TraceContext::parse) {
            trace.link(&span);
        }
        let ended = match message.kind {
            MessageKind::Dispatch => self.app.dispatch(&self.target, &job.lease, job.notice.as_ref()).instrument(span.clone()).await,
            MessageKind::Push => self.app.push(&self.target, &job.lease, job.notice.as_ref()).instrument(span.clone()).await,
            MessageKind::Publish => self.app.publish(&self.target, &job.lease, job.notice.as_ref()).instrument(span.clone()).await,
        };
        if ended == LeaseEnd::Waits {
            span.record("otel.status_code", "error");
        }
        Some(ended)
    }

    /// Not while stopping, not when the lease may run out under the work, and not against an open breaker.
    fn may_begin(&self, lease: &Lease) -> bool {
        let now = self.app.clock.now();
        !self.stop.is_cancelled() && self.target.may_begin(now, self.probe) && now + self.margin < lease.until
    }
}
