//! The related issues in a tracker. Read only where the issue has relations and the tracker holds
//! relations.

use chrono::TimeDelta;

use super::{Push, PushStop};
use crate::app::{App, AppError, Tracker};
use crate::domain::issue::relation;
use crate::domain::tracker::{Link, LinkState, RelationTargets, RemoteIssue, RemoteRelation, fit};
use crate::domain::{Issue, IssueId, IssueRef};

impl App {
    /// Loads the links to one tracker of the issues that these relate to.
    pub(in crate::app) async fn load_relation_targets(
        &self,
        around: &mut RelationTargets,
        tracker: &Tracker,
        issues: &[&Issue],
    ) -> Result<(), AppError> {
        if tracker.terms.capabilities.relations.is_empty() {
            return Ok(());
        }
        let ids: Vec<IssueId> = issues.iter().flat_map(|issue| relation::issues(&issue.relations)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        around.learn(&self.store.link_summaries(&ids).await?);
        let unlinked: Vec<IssueRef> = ids.into_iter().filter(|id| !around.knows(*id)).map(IssueRef::Id).collect();
        if !unlinked.is_empty() {
            // The issue stays in our store, or its first event is not dispatched yet.
            for issue in self.store.issues(&unlinked).await?.into_iter().flatten() {
                around.note_unlinked(issue.id, issue.backend != self.store.name() && issue.archived_at.is_none());
            }
        }
        Ok(())
    }

    /// Also our issues behind the names that a tracker gives.
    pub(in crate::app) async fn recognise(
        &self,
        around: &mut RelationTargets,
        tracker: &Tracker,
        named: &[RemoteRelation],
    ) -> Result<(), AppError> {
        let strangers = around.unknown_keys(named);
        if !strangers.is_empty() {
            around.learn(&self.store.link_summaries_by_key(&tracker.name, &strangers).await?);
        }
        Ok(())
    }
}

impl Push<'_> {
    /// Of the issue as it is now: it was read again.
    pub(super) async fn look_around(&mut self) -> Result<(), PushStop> {
        self.app.load_relation_targets(&mut self.around, self.tracker, &[&self.issue]).await?;
        self.fitted = fit(&self.issue, &self.tracker.terms, &self.around);
        Ok(())
    }

    pub(super) async fn load_remote_targets(&mut self, remote: &RemoteIssue) -> Result<(), PushStop> {
        let named = remote.relations.as_deref().unwrap_or_default();
        Ok(self.app.recognise(&mut self.around, self.tracker, named).await?)
    }

    /// If a related issue is still on its way to the tracker, this push is repeated a little later.
    /// The wait doubles, from a second to half a minute, because the next message of this lane
    /// waits behind it. After some minutes the next change of this issue sends the relation.
    pub(super) fn requeue_if_waiting(&self, link: &Link) -> Result<(), PushStop> {
        const SHORTEST: TimeDelta = TimeDelta::seconds(1);
        const LONGEST: TimeDelta = TimeDelta::seconds(30);
        const ALTOGETHER: TimeDelta = TimeDelta::minutes(5);
        let now = self.app.clock.now();
        let waited = (now - self.issue.updated_at).abs();
        let waits = self.around.waits(&self.issue.relations, self.tracker.terms.capabilities.relations);
        if link.state != LinkState::Linked || !waits || waited >= ALTOGETHER {
            return Ok(());
        }
        let why = "an issue that it relates to is on its way there, too".to_owned();
        Err(PushStop::Later { at: now + waited.clamp(SHORTEST, LONGEST), why })
    }
}
