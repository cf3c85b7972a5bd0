//! Pushes one issue to one tracker, as it is now: creates it there once, sends its changes, and
//! syncs its comments.
//!
//! The order makes the creation happen once. The intent is written before a creation is sent, the
//! link when its answer is here, and between the two nothing else happens. A push that finds an
//! intent without a link searches for the marker before it creates anything, and believes in an
//! absence only when the request can no longer arrive. Everything else (updates, edits of comments)
//! may be sent twice.

mod comments_in;
mod comments_out;
mod conflicts;
mod create;
mod merge_inputs;
mod reconcile;
mod relations;

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::trackers::Tracker;
use super::{App, AppError, MessageTarget};
use crate::app::deliver::targets::LeaseEnd;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::queue::breaker::Breaker;
use crate::domain::sync::Binding;
use crate::domain::tracker::{CommentLinkWrite, FittedDraft, Link, LinkState, RelationTargets, fit};
use crate::domain::{Change, EventKind, Issue, IssueWrite, Lease, NewMessage, Notice, Verdict};
use crate::store::CommitOutcome;
use crate::store::queue::AfterRelease;

pub(super) use merge_inputs::{MergeInputs, MergeSides};
pub(super) use reconcile::with_held;

/// One push under way.
struct Push<'a> {
    app: &'a App,
    target: &'a MessageTarget,
    tracker: &'a Tracker,
    lease: &'a Lease,
    /// The event it is about; none where the tracker's side changed.
    notice: Option<&'a Notice>,
    /// The project has a binding: its changes are pulled.
    bound: bool,
    issue: Issue,
    /// Where those are that it relates to.
    around: RelationTargets,
    fitted: FittedDraft,
}

/// The actor in the history.
const ACTOR: &str = "issue-core";

/// Why a push ended before its end.
enum PushStop {
    /// The tracker's answer, or the lack of one.
    Trouble(BackendError),
    /// Not its fault, and not the tracker's: later, without counting an attempt.
    Later { at: DateTime<Utc>, why: String },
    /// Another worker has the message by now.
    Lost,
    /// The store is away, or failed otherwise.
    Failed(AppError),
}

impl From<BackendError> for PushStop {
    fn from(error: BackendError) -> Self {
        Self::Trouble(error)
    }
}

impl From<AppError> for PushStop {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

impl App {
    pub async fn push(&self, target: &MessageTarget, lease: &Lease, notice: Option<&Notice>) -> LeaseEnd {
        let started = self.clock.now();
        let clock = Instant::now();
        let labels = [target.kind.as_str(), &target.target];
        let about_remote = lease.message.event_seq == NewMessage::REMOTE;
        let Some(tracker) = target.tracker.as_ref().filter(|_| about_remote || notice.is_some()) else {
            // The issue was deleted for good.
            return self.done(target, lease, started, None).await;
        };
        let secret = tracker.secret.edition();
        let ended = match self.push_issue(target, tracker, lease, notice).await {
            Ok(last) => {
                target.with_breaker(Breaker::succeeded);
                let began = notice.map_or(lease.message.created_at, |notice| notice.event.at);
                let delay = (self.clock.now() - began).to_std().unwrap_or_default();
                self.metrics.delivery_delay.with_label_values(&labels).observe(delay.as_secs_f64());
                self.done(target, lease, started, last).await
            }
            Err(stop) => self.stopped(target, lease, stop, started, secret).await,
        };
        self.metrics.delivery_duration.with_label_values(&labels).observe(clock.elapsed().as_secs_f64());
        ended
    }

    async fn push_issue(
        &self,
        target: &MessageTarget,
        tracker: &Tracker,
        lease: &Lease,
        notice: Option<&Notice>,
    ) -> Result<Option<Link>, PushStop> {
        let id = lease.message.issue_id;
        let links = self.store.links(&[id]).await.map_err(AppError::from)?;
        let link = links.into_iter().find(|link| link.backend == tracker.name);
        let issue = self.reads.issue(crate::domain::IssueRef::Id(id)).await.map_err(AppError::from)?;
        // Without a link no route led there; without an issue there is nothing to push.
        let (Some(link), Some(issue)) = (link, issue) else { return Ok(None) };
        let mut around = RelationTargets::of(&tracker.name);
        self.load_relation_targets(&mut around, tracker, &[&issue]).await?;
        let fitted = fit(&issue, &tracker.terms, &around);
        let bound = self.binding_of(&tracker.name, &link.place).await?;
        // Where changes only come from there nothing is made there either.
        if link.state == LinkState::Routed && bound.as_ref().is_some_and(|bound| !bound.binding.pushes()) {
            return Ok(None);
        }
        let sends = bound.as_ref().is_none_or(|bound| bound.binding.pushes());
        let bound = bound.filter(|bound| bound.binding.pulls());
        let mut work = Push { app: self, target, tracker, lease, notice, bound: bound.is_some(), issue, around, fitted };
        let linked = work.ensure_created(link).await?;
        let updated = match &bound {
            Some(bound) => work.reconcile(linked.clone(), bound).await?,
            None => work.push_edit(linked.clone()).await?,
        };
        let said = work.sync_comments(&updated, bound.as_ref().map(|bound| &bound.binding)).await;
        match said.and_then(|()| if sends { work.requeue_if_waiting(&updated) } else { Ok(()) }) {
            Ok(()) => Ok(Some(updated)),
            Err(stop) => {
                // What was sent is sent: it is not to be sent again over what people write meanwhile.
                if updated != linked
                    && let Err(PushStop::Lost) = work.note_link(&updated).await
                {
                    return Err(PushStop::Lost);
                }
                Err(stop)
            }
        }
    }

    async fn done(&self, target: &MessageTarget, lease: &Lease, started: DateTime<Utc>, last: Option<Link>) -> LeaseEnd {
        let mut change = Change::settling(lease.settle(Some(started), self.clock.now()), Vec::new());
        change.links.extend(last);
        let settled = self.settle_message(lease, change).await;
        let outcome = if settled { "delivered" } else { "lost" };
        self.metrics.deliveries.with_label_values(&[target.kind.as_str(), &target.target, outcome]).inc();
        LeaseEnd::Done
    }

    /// `secret` is the edition of the secret with which it was begun.
    async fn stopped(&self, target: &MessageTarget, lease: &Lease, stop: PushStop, started: DateTime<Utc>, secret: u64) -> LeaseEnd {
        let error = match stop {
            PushStop::Lost => return LeaseEnd::Done,
            PushStop::Later { at, why } => return self.postpone(lease, at, why).await,
            // The store's failure is not the tracker's: the breaker does not count it.
            PushStop::Failed(error) => {
                let retry = Verdict::Retry { after: None };
                return self.record_failure(target, lease, retry, error.to_string(), started).await;
            }
            PushStop::Trouble(error) => error,
        };
        let now = self.clock.now();
        let retry = |after| Verdict::Retry { after };
        match error.trouble {
            ErrorKind::Limited { after } => {
                target.rest_until(now + after);
                self.postpone(lease, now + after, error.message).await
            }
            ErrorKind::Paused => {
                self.pause(target, secret);
                self.postpone(lease, now, error.message).await
            }
            ErrorKind::Retry { after } => {
                self.tell_breaker(target, retry(after), self.clock.stamp().random());
                self.record_failure(target, lease, retry(after), error.message, started).await
            }
            ErrorKind::Unknown => {
                self.tell_breaker(target, retry(None), self.clock.stamp().random());
                self.record_failure(target, lease, retry(None), error.message, started).await
            }
            ErrorKind::Denied | ErrorKind::Stale => {
                target.with_breaker(Breaker::succeeded);
                self.record_failure(target, lease, retry(None), error.message, started).await
            }
            ErrorKind::Fail => {
                target.with_breaker(Breaker::succeeded);
                self.record_failure(target, lease, Verdict::Fail, error.message, started).await
            }
        }
    }

    async fn postpone(&self, lease: &Lease, due_at: DateTime<Utc>, error: String) -> LeaseEnd {
        self.record(lease, AfterRelease::PutOff { due_at, error }, self.clock.now()).await;
        LeaseEnd::Waits
    }

    /// The secret of that edition was refused. Where it is another one by now, nothing waits for that.
    pub(super) fn pause(&self, target: &MessageTarget, secret: u64) {
        if target.pause(secret) {
            tracing::error!(
                message.target = target.target,
                "the credential is refused: nothing is sent to this tracker until the secret changes"
            );
        }
        self.metrics.paused.with_label_values(&[&target.target]).set(1);
    }
}

impl Push<'_> {
    /// The issue's comments, in both directions where the project has a binding.
    async fn sync_comments(&mut self, link: &Link, binding: Option<&Binding>) -> Result<(), PushStop> {
        if link.state == LinkState::Gone {
            return Ok(());
        }
        if let Some(binding) = binding {
            if self.is_about_remote() || self.is_about_old_comment() {
                self.comments_in(link, binding).await?;
            }
            if !binding.pushes() {
                return Ok(());
            }
            self.fitted = fit(&self.issue, &self.tracker.terms, &self.around);
        }
        self.comments_out(link).await
    }

    /// What was said before was changed here: it may have been changed there, too.
    fn is_about_old_comment(&self) -> bool {
        self.notice.is_some_and(|notice| matches!(notice.event.kind, EventKind::CommentEdited | EventKind::CommentDeleted))
    }

    /// The tracker's side changed, or may have.
    fn is_about_remote(&self) -> bool {
        self.notice.is_none()
    }

    /// Writes something down under the claim, before or between calls.
    async fn commit_note(&self, change: Change) -> Result<(), PushStop> {
        let change = Change { held: Some(self.lease.hold()), ..change };
        match self.app.settles.commit(change).await.map_err(AppError::from)? {
            CommitOutcome::Written => Ok(()),
            CommitOutcome::ClaimLost | CommitOutcome::Stale | CommitOutcome::Inserted(_) | CommitOutcome::Duplicate { .. } => {
                Err(PushStop::Lost)
            }
        }
    }

    async fn note_link(&self, link: &Link) -> Result<(), PushStop> {
        self.commit_note(Change { links: vec![link.clone()], ..Change::of(IssueWrite::None) }).await
    }

    async fn note_comment(&self, write: CommentLinkWrite) -> Result<(), PushStop> {
        self.commit_note(Change { comment_links: vec![write], ..Change::of(IssueWrite::None) }).await
    }

    /// No write begins so late that the lease may end under it: then another worker does the same.
    fn in_time(&self) -> Result<(), PushStop> {
        let now = self.app.clock.now();
        if now + self.tracker.timeout < self.lease.until {
            return Ok(());
        }
        Err(PushStop::Later { at: now, why: "it takes longer than one lease; it goes on from where it is".to_owned() })
    }

    /// One creating write out of what the credential may do.
    async fn spend(&self) -> Result<(), PushStop> {
        let Some(budget) = &self.tracker.budget else { return Ok(()) };
        let now = self.app.clock.now();
        match self.app.store.spend_budget(&budget.name, &budget.windows, now).await.map_err(AppError::from)? {
            None => Ok(()),
            Some(at) => {
                self.target.rest_until(at);
                Err(PushStop::Later { at, why: "the credential's share of writes is used up".to_owned() })
            }
        }
    }

    /// What a failed creation leaves behind: nothing, or doubt.
    const fn left_by(trouble: ErrorKind) -> LinkState {
        match trouble {
            ErrorKind::Unknown => LinkState::Unknown,
            ErrorKind::Retry { .. }
            | ErrorKind::Limited { .. }
            | ErrorKind::Paused
            | ErrorKind::Denied
            | ErrorKind::Stale
            | ErrorKind::Fail => LinkState::Routed,
        }
    }

    /// Whether an absence can be believed: what was sent has arrived by now, or never will.
    fn believed(&self, intended: DateTime<Utc>) -> Result<(), PushStop> {
        let at = intended + self.tracker.doubt;
        if self.app.clock.now() >= at {
            return Ok(());
        }
        Err(PushStop::Later { at, why: "an answer was lost; what was sent may still arrive".to_owned() })
    }

    /// Which comments the event may have to do with: all of them when the issue may only just have come there.
    fn is_about_all(&self) -> bool {
        self.notice.is_some_and(|notice| matches!(notice.event.kind, EventKind::Created | EventKind::ReviewApproved | EventKind::Reopened))
    }
}
