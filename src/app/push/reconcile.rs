//! Reconciles a bound issue with its remote issue: pulls the remote changes, then sends what
//! differs from the base.
//!
//! One at a time for an issue and a tracker, because it is done in their lane. Each step is written before the next is begun, and all
//! of it may be done again after any of them: what was taken or sent is the base from then on.

use std::collections::BTreeSet;

use super::merge_inputs::{MergeInputs, MergeSides};
use super::{ACTOR, Push, PushStop};
use crate::app::AppError;
use crate::app::attempts::{Attempts, CommitAttempt};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::decide::{self, Cause, RemoteChanges};
use crate::domain::sync::{Binding, BindingState, Conflict, Merged, comparable_base, comparable_local, comparable_remote, words};
use crate::domain::tracker::{Draft, DraftEdit, Link, LinkOrigin, LinkState, RemoteIssue, RemoteRef, without_footer};
use crate::domain::tracker::{Field, FieldFlips, FlipDirection};
use crate::domain::{Change, IssueRef, IssueWrite, Stamp};
use crate::store::CommitOutcome;

/// Fewer than for our store alone: an attempt may read the remote issue again.
pub(super) const PUSH_ATTEMPTS: u32 = 8;

/// A merge with what it makes of the records.
struct MergeWithRecords {
    done: Merged,
    turns: FieldFlips,
    records: super::conflicts::PushRecords,
}

impl Push<'_> {
    /// The link after the reconcile.
    pub(super) async fn reconcile(&mut self, mut link: Link, bound: &BindingState) -> Result<Link, PushStop> {
        let binding = &bound.binding;
        if self.issue.archived_at.is_some() && link.state != LinkState::Gone {
            return Ok(link);
        }
        let mut attempts = Attempts::at_most(PUSH_ATTEMPTS);
        loop {
            attempts.another()?;
            // If nothing has to be sent, the remote issue need not be read.
            if !self.is_about_remote() && !self.differs(&link) {
                return Ok(link);
            }
            let Some(at) = link.remote.clone() else { return Ok(link) };
            let Some(mut remote) = self.tracker.backend.read(&at).await? else { return self.mark_missing(link).await };
            remote.at.place = bound.home(remote.at.place);
            self.load_remote_targets(&remote).await?;
            link = self.merge_remote(link, &remote).await?;
            let held;
            (link, held) = self.apply_remote(link, &remote, binding).await?;
            if !binding.pushes() {
                return Ok(link);
            }
            match self.push_fields(link.clone(), &remote, &held).await {
                Err(PushStop::Trouble(BackendError { trouble: ErrorKind::Stale, .. })) => {}
                ended => return ended,
            }
        }
    }

    fn comparable_sides(&self, link: &Link) -> (Draft, Draft) {
        let canon = |text: &str| self.tracker.backend.canonical(text);
        let ours = comparable_local(&self.issue, &self.tracker.terms, &self.around, &canon);
        let base = link.base.as_ref().map_or_else(|| ours.clone(), |base| comparable_base(base, &canon));
        (base, ours)
    }

    fn differs(&self, link: &Link) -> bool {
        let (base, ours) = self.comparable_sides(link);
        !DraftEdit { before: &base, after: &ours }.fields().is_empty()
    }

    /// It is there: under another name, perhaps, or again.
    async fn merge_remote(&mut self, link: Link, remote: &RemoteIssue) -> Result<Link, PushStop> {
        if link.state == LinkState::Gone {
            let back = Link { state: LinkState::Linked, ..link };
            self.write(|issue, cause, stamp| {
                let restored = decide::restore(issue, cause, stamp).ok().flatten();
                Change { links: vec![back.clone()], ..restored.unwrap_or_else(|| Change::of(IssueWrite::None)) }
            })
            .await?;
            return Ok(back);
        }
        if link.remote.as_ref() == Some(&remote.at) {
            return Ok(link);
        }
        self.archive_duplicates(&remote.at).await?;
        let before = link.remote.map(|at| at.id).filter(|id| *id != remote.at.id);
        let moved = Link { remote: Some(remote.at.clone()), place: remote.at.place.clone(), moved_from: before, ..link };
        let kind = self.tracker.backend.kind();
        self.write(|issue, cause, stamp| decide::link(issue, moved.clone(), kind, false, cause, stamp)).await?;
        Ok(Link { moved_from: None, ..moved })
    }

    /// Before the link learned the new name of a moved issue, a sync run may have met it under that
    /// name and adopted it. The comments and changes of that duplicate are in the remote issue, and
    /// come with this one.
    async fn archive_duplicates(&mut self, at: &RemoteRef) -> Result<(), PushStop> {
        let links = self.app.store.links_to(&self.tracker.name, &at.place, std::slice::from_ref(&at.id)).await.map_err(AppError::from)?;
        for link in links.into_iter().filter(|link| link.issue_id != self.issue.id) {
            let unlinked = Link { state: LinkState::Gone, remote: None, moved_from: Some(at.id.clone()), ..link };
            let Some(duplicate) = self.app.reads.issue(IssueRef::Id(unlinked.issue_id)).await.map_err(AppError::from)? else { continue };
            let stamp = self.app.clock.stamp();
            let change = decide::archive_duplicate(&duplicate, self.issue.id, &self.tracker.name, &self.cause(), stamp);
            let change = change.unwrap_or_else(|| Change::of(IssueWrite::None));
            let change = Change { links: vec![unlinked], held: Some(self.lease.hold()), ..change };
            match self.app.settles.commit(change).await.map_err(AppError::from)? {
                CommitOutcome::Written => {}
                CommitOutcome::Stale => return Err(PushStop::Failed(AppError::Contended)),
                CommitOutcome::ClaimLost | CommitOutcome::Inserted(_) | CommitOutcome::Duplicate { .. } => return Err(PushStop::Lost),
            }
        }
        Ok(())
    }

    /// The tracker does not return the issue. It counts as deleted only if a complete list of the
    /// project lacked it too.
    async fn mark_missing(&mut self, link: Link) -> Result<Link, PushStop> {
        if link.state == LinkState::Gone {
            return Ok(link);
        }
        if link.missing_at.is_none() {
            let key = link.remote.map(|at| at.key).unwrap_or_default();
            let text = format!("{key} is deleted or not visible; the next complete list shows which");
            return Err(BackendError::new(ErrorKind::Denied, text).into());
        }
        let gone = Link { state: LinkState::Gone, ..link };
        let backend = self.tracker.name.clone();
        self.write(|issue, cause, stamp| {
            // A mirror that is gone changes nothing of the issue.
            let change = if gone.position == 0 && issue.archived_at.is_none() {
                decide::remote_gone(issue, &backend, cause, stamp)
            } else {
                Change::of(IssueWrite::None)
            };
            Change { links: vec![gone.clone()], ..change }
        })
        .await?;
        self.app.metrics.sync.items.with_label_values(&[&self.tracker.name, "gone"]).inc();
        Ok(gone)
    }

    /// Pulls and writes the remote changes; answers the fields that are held.
    async fn apply_remote(&mut self, link: Link, remote: &RemoteIssue, binding: &Binding) -> Result<(Link, BTreeSet<Field>), PushStop> {
        let mut attempts = Attempts::at_most(PUSH_ATTEMPTS);
        loop {
            attempts.another()?;
            let stamp = self.app.clock.stamp();
            let open = self.app.store.unresolved_conflicts(self.issue.id, &self.tracker.name).await.map_err(AppError::from)?;
            let merged = self.merge_sides(&link, remote, binding, &open, stamp).await?;
            let held = merged.done.held.clone();
            let absorption = RemoteChanges {
                words: words(&self.issue, &merged.done.take, &remote.body, &self.tracker.terms, &self.around),
                state: merged.done.take.state,
                clashes: merged.records.notes,
            };
            let next = Link { base: Some(merged.done.base), turns: merged.turns, ..link.clone() };
            let change = decide::apply_remote(&self.issue, &self.tracker.name, absorption, &self.cause(), stamp);
            if change.is_none() && next == link && merged.records.writes.is_empty() {
                return Ok((link, held));
            }
            let change = change.unwrap_or_else(|| Change::of(IssueWrite::None));
            let taken = merged.done.take.fields().len();
            let change = Change { links: vec![next.clone()], conflicts: merged.records.writes, ..change };
            if let CommitAttempt::Done(()) = self.committed(change).await? {
                let name = &self.tracker.name;
                self.app.metrics.sync.items.with_label_values(&[name, "taken"]).inc_by(u64::from(taken > 0));
                self.app.metrics.sync.conflicts.with_label_values(&[name]).inc_by(merged.records.new);
                return Ok((next, held));
            }
        }
    }

    async fn merge_sides(
        &self,
        link: &Link,
        remote: &RemoteIssue,
        binding: &Binding,
        open: &[Conflict],
        stamp: Stamp,
    ) -> Result<MergeWithRecords, PushStop> {
        let (base, ours) = self.comparable_sides(link);
        let canon = |text: &str| self.tracker.backend.canonical(text);
        let theirs = comparable_remote(remote, &base, &self.tracker.terms, &canon);
        let sides = MergeSides { base, ours, theirs };
        let weights = MergeInputs::of(self.app, self.tracker, binding, &self.issue, remote, &sides, open).await?;
        let (done, turns) = weights.merge(&sides, &link.turns, stamp);
        let records = self.plan_records(&done, open, stamp);
        Ok(MergeWithRecords { done, turns, records })
    }

    /// What of ours differs from the base is sent, the fields that are held left out.
    async fn push_fields(&self, link: Link, remote: &RemoteIssue, held: &BTreeSet<Field>) -> Result<Link, PushStop> {
        let (base, ours) = self.comparable_sides(&link);
        let ours = with_held(ours, &base, held);
        let body = if ours.body == base.body { base.body.clone() } else { self.body_to_send(&link) };
        let after = Draft { body, ..ours.clone() };
        let edit = DraftEdit { before: &base, after: &after };
        if edit.fields().is_empty() {
            return Ok(link);
        }
        self.in_time()?;
        let version = remote.version.as_deref().filter(|_| self.tracker.terms.capabilities.optimistic_lock);
        self.tracker.backend.update(&remote.at, &edit, version).await?;
        let mut turns = link.turns.clone();
        let now = self.app.clock.now();
        for field in (DraftEdit { before: &base, after: &ours }).fields() {
            turns.note(field, FlipDirection::Sent, now);
        }
        self.app.metrics.sync.items.with_label_values(&[&self.tracker.name, "sent"]).inc();
        Ok(Link { base: Some(ours), turns, ..link })
    }

    /// With our footer where we made it; what was made there is not marked by us.
    fn body_to_send(&self, link: &Link) -> String {
        let fitted = crate::domain::tracker::fit(&self.issue, &self.tracker.terms, &self.around).draft.body;
        match link.origin {
            LinkOrigin::Ours => fitted,
            LinkOrigin::Theirs => without_footer(&fitted).to_owned(),
        }
    }

    pub(super) fn cause(&self) -> Cause {
        Cause { actor: self.tracker.backend.kind().as_str().to_owned(), trace: self.lease.message.trace.clone() }
    }

    /// Writes a change decided on the issue as it is; on one that moved on, it is decided again.
    pub(super) async fn write(&mut self, decide: impl Fn(&crate::domain::Issue, &Cause, Stamp) -> Change) -> Result<(), PushStop> {
        let cause = Cause { actor: ACTOR.to_owned(), trace: self.lease.message.trace.clone() };
        let mut attempts = Attempts::at_most(PUSH_ATTEMPTS);
        loop {
            attempts.another()?;
            let change = decide(&self.issue, &cause, self.app.clock.stamp());
            if let CommitAttempt::Done(()) = self.committed(change).await? {
                return Ok(());
            }
        }
    }

    /// Writes the change under the lease. Where the issue moved on, this reads it again.
    pub(super) async fn committed(&mut self, change: Change) -> Result<CommitAttempt<()>, PushStop> {
        let after = change.issue().cloned();
        let change = Change { held: Some(self.lease.hold()), ..change };
        match self.app.settles.commit(change).await.map_err(AppError::from)? {
            CommitOutcome::Written => {
                self.issue = after.unwrap_or_else(|| self.issue.clone());
                Ok(CommitAttempt::Done(()))
            }
            CommitOutcome::Stale => {
                self.read_again().await?;
                Ok(CommitAttempt::Stale)
            }
            CommitOutcome::ClaimLost | CommitOutcome::Inserted(_) | CommitOutcome::Duplicate { .. } => Err(PushStop::Lost),
        }
    }

    /// Takes the issue as it is after another writer changed it. The issues that it relates to may be others too.
    pub(super) async fn read_again(&mut self) -> Result<(), PushStop> {
        let id = IssueRef::Id(self.issue.id);
        let Some(issue) = self.app.reads.issue(id).await.map_err(AppError::from)? else { return Err(PushStop::Lost) };
        self.issue = issue;
        self.look_around().await
    }
}

/// The local side, with the base's values for the fields that are held.
pub(in crate::app) fn with_held(ours: Draft, base: &Draft, held: &BTreeSet<Field>) -> Draft {
    let mut draft = ours;
    for field in held {
        match field {
            Field::Title => draft.title.clone_from(&base.title),
            Field::Description => draft.body.clone_from(&base.body),
            Field::State => (draft.state, draft.close_reason) = (base.state, base.close_reason),
            Field::Priority => draft.priority = base.priority,
            Field::Kind => draft.kind = base.kind,
            Field::Labels => draft.labels.clone_from(&base.labels),
            Field::Assignees => draft.assignees.clone_from(&base.assignees),
            Field::Milestone => draft.milestone.clone_from(&base.milestone),
            Field::DueOn => draft.due_on = base.due_on,
            Field::Relations => draft.relations.clone_from(&base.relations),
            Field::Comment => {}
        }
    }
    draft
}
