//! The issue itself: made there once, and kept as it is here.

use super::{ACTOR, Push, PushStop};
use crate::app::attempts::Attempts;
use crate::backend::{BackendError, CreatedRemote, ErrorKind};
use crate::domain::decide::{self, Cause};
use crate::domain::tracker::{DraftEdit, Link, LinkState, Marker};
use crate::store::CommitOutcome;

impl Push<'_> {
    /// The link, with the remote issue created if it is not there.
    pub(super) async fn ensure_created(&mut self, link: Link) -> Result<Link, PushStop> {
        match (link.state, link.intended_at) {
            (LinkState::Linked | LinkState::Gone, _) => Ok(link),
            (LinkState::Intended | LinkState::Unknown, Some(intended)) => {
                let marker = self.marker();
                if let Some(found) = self.tracker.backend.find_by_marker(&link.place, &marker, intended).await? {
                    let carried = found.as_draft(&self.fitted.draft);
                    return self.record_created(link, CreatedRemote { at: found.at, carried }, true).await;
                }
                self.believed(intended)?;
                self.create(link).await
            }
            (LinkState::Routed | LinkState::Intended | LinkState::Unknown, _) => self.create(link).await,
        }
    }

    fn marker(&self) -> Marker {
        Marker::new(self.issue.id.0, 1)
    }

    /// Prepares first, then writes the intent under the lease, then sends the one request at once.
    /// A later attempt counts the doubt from the intent, so nothing may stand between the intent
    /// and the request.
    async fn create(&mut self, link: Link) -> Result<Link, PushStop> {
        let marker = self.marker();
        let preparing = self.tracker.backend.prepare(&link.place, &self.fitted.draft, &marker);
        let prepared = self.before_the_lease_ends(preparing).await.ok_or(PushStop::Lost)??;
        self.spend().await?;
        self.in_time()?;
        let intended = Link { state: LinkState::Intended, intended_at: Some(self.app.clock.now()), ..link };
        self.note_link(&intended).await?;
        // The commit may have waited long. The intent stays, and the next attempt searches for the
        // marker.
        self.in_time()?;
        let late = || Err(BackendError::new(ErrorKind::Unknown, "the lease of the message ended before the tracker answered"));
        match self.before_the_lease_ends(self.tracker.backend.create(prepared)).await.unwrap_or_else(late) {
            Ok(created) => self.record_created(intended, created, false).await,
            Err(error) => {
                let state = Self::left_by(error.trouble);
                let intended_at = intended.intended_at.filter(|_| state == LinkState::Unknown);
                // If this write is lost too, the intent stays, and the next attempt searches for
                // the marker in vain.
                if let Err(PushStop::Lost) = self.note_link(&Link { state, intended_at, ..intended }).await {
                    return Err(PushStop::Lost);
                }
                Err(error.into())
            }
        }
    }

    /// Past the end of the lease another worker may do the same work, so this worker sends nothing more: `None`.
    async fn before_the_lease_ends<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        let left = (self.lease.until - self.app.clock.now()).to_std().unwrap_or_default();
        tokio::time::timeout(left, request).await.ok()
    }

    /// Records that the remote issue exists. Not under the lease: it exists, even if the lease is
    /// lost. This function tries until the lease ends; if the process dies, the intent leads to the
    /// marker.
    async fn record_created(&mut self, link: Link, created: CreatedRemote, found_again: bool) -> Result<Link, PushStop> {
        let linked = Link { state: LinkState::Linked, remote: Some(created.at), base: Some(created.carried), ..link };
        let cause = Cause { actor: ACTOR.to_owned(), trace: self.lease.message.trace.clone() };
        let kind = self.tracker.backend.kind();
        let mut attempts = Attempts::default();
        loop {
            attempts.another()?;
            let change = decide::link(&self.issue, linked.clone(), kind, found_again, &cause, self.app.clock.stamp());
            let after = change.issue().cloned();
            match self.app.settle_change(self.lease, change).await {
                Some(CommitOutcome::Written) => {
                    self.issue = after.unwrap_or_else(|| self.issue.clone());
                    return Ok(linked);
                }
                Some(CommitOutcome::Stale) => self.read_again().await?,
                Some(CommitOutcome::ClaimLost | CommitOutcome::Inserted(_) | CommitOutcome::Duplicate { .. }) | None => {
                    return Err(PushStop::Lost);
                }
            }
        }
    }

    /// What changed since it was sent last.
    pub(super) async fn push_edit(&self, link: Link) -> Result<Link, PushStop> {
        let (Some(at), Some(before)) = (&link.remote, &link.base) else { return Ok(link) };
        let edit = DraftEdit { before, after: &self.fitted.draft };
        if edit.is_empty() {
            return Ok(link);
        }
        self.in_time()?;
        let version = if self.tracker.terms.capabilities.optimistic_lock && edit.body().is_some() {
            let gone = || BackendError::new(ErrorKind::Denied, format!("{} is not there any more, or not to be seen", at.key));
            self.tracker.backend.read(at).await?.ok_or_else(gone)?.version
        } else {
            None
        };
        self.tracker.backend.update(at, &edit, version.as_deref()).await?;
        Ok(Link { base: Some(self.fitted.draft.clone()), ..link })
    }
}
