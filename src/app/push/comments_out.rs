//! Sends comments to the tracker: the parts of a long body, and our comments.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Push, PushStop};
use crate::app::AppError;
use crate::domain::sync::ConflictState;
use crate::domain::tracker::without_our_footer;
use crate::domain::tracker::{
    CommentLink, CommentLinkWrite, CommentSlot, Link, LinkOrigin, LinkState, Marker, RemoteRef, defused, fit_comment,
};
use crate::domain::{Comment, CommentId};

/// Comments read at once.
const PAGE: u32 = 50;

impl Push<'_> {
    /// Everything that is more than the issue itself.
    pub(super) async fn comments_out(&self, link: &Link) -> Result<(), PushStop> {
        self.rest_of_body(link).await?;
        self.comments(link).await
    }

    /// The parts of the body from the second on.
    async fn rest_of_body(&self, link: &Link) -> Result<(), PushStop> {
        let Some(at) = &link.remote else { return Ok(()) };
        let id = self.issue.id;
        let known = self.comment_links(&[id.0]).await?;
        if self.fitted.rest.is_empty() && known.is_empty() {
            return Ok(());
        }
        let wanted =
            self.fitted.rest.iter().zip(2u16..).map(|(text, part)| WantedText { slot: CommentSlot::of_body(id, part), text, base: None });
        self.send_texts(at, wanted.collect(), known).await
    }

    /// The comment that the event is about; or all of them.
    async fn comments(&self, link: &Link) -> Result<(), PushStop> {
        let Some(at) = link.remote.as_ref().filter(|_| self.tracker.terms.capabilities.comments) else { return Ok(()) };
        if let Some(id) = self.notice.and_then(|notice| notice.event.detail.comment_id) {
            let comment = self.app.store.comment(id).await.map_err(AppError::from)?;
            return self.send_comment(at, id, comment.as_ref()).await;
        }
        if !self.is_about_all() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.app.store.comments(self.issue.id, after, PAGE).await.map_err(AppError::from)?;
            for comment in &page {
                self.send_comment(at, comment.id, Some(comment)).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = Some(last.id),
                Some(_) | None => return Ok(()),
            }
        }
    }

    pub(super) async fn send_comment(&self, at: &RemoteRef, id: CommentId, comment: Option<&Comment>) -> Result<(), PushStop> {
        let known = self.comment_links(&[id.0]).await?;
        if self.bound && self.is_held(id).await? {
            return Ok(());
        }
        let theirs = known.values().find(|link| link.origin == LinkOrigin::Theirs);
        let texts = match (comment, theirs) {
            (None, _) => Vec::new(),
            (Some(comment), Some(link)) => vec![self.comment_text(link, comment, &comment.body)],
            (Some(comment), None) => fit_comment(comment, &self.tracker.terms),
        };
        let base = comment.map(|comment| self.tracker.backend.canonical(&without_our_footer(&comment.body)));
        let wanted = texts.iter().zip(1u16..).map(|(text, part)| WantedText {
            slot: CommentSlot::of_comment(id, part),
            text,
            base: base.as_deref(),
        });
        self.send_texts(at, wanted.collect(), known).await
    }

    /// Both sides changed it, and no operator has decided yet.
    async fn is_held(&self, id: CommentId) -> Result<bool, PushStop> {
        let open = self.app.store.unresolved_conflicts(self.issue.id, &self.tracker.name).await.map_err(AppError::from)?;
        Ok(open.iter().any(|conflict| conflict.comment == Some(id.0) && conflict.state == ConflictState::Open))
    }

    /// A comment as it is sent: what was written there first carries neither a name nor a mark of ours.
    pub(super) fn comment_text(&self, link: &CommentLink, comment: &Comment, body: &str) -> String {
        match link.origin {
            LinkOrigin::Theirs => defused(body, self.tracker.terms.text),
            LinkOrigin::Ours => {
                let comment = Comment { body: body.to_owned(), ..comment.clone() };
                fit_comment(&comment, &self.tracker.terms).into_iter().next().unwrap_or_default()
            }
        }
    }

    async fn comment_links(&self, subjects: &[Uuid]) -> Result<HashMap<CommentSlot, CommentLink>, PushStop> {
        let links = self.app.store.comment_links(self.issue.id, &self.tracker.name, subjects).await.map_err(AppError::from)?;
        Ok(links.into_iter().map(|link| (link.slot, link)).collect())
    }

    /// Adds what is missing, edits what differs, takes away what is no longer wanted.
    async fn send_texts(
        &self,
        at: &RemoteRef,
        wanted: Vec<WantedText<'_>>,
        mut known: HashMap<CommentSlot, CommentLink>,
    ) -> Result<(), PushStop> {
        for wanted in wanted {
            match known.remove(&wanted.slot) {
                Some(CommentLink { state: LinkState::Linked, remote_id: Some(remote), pushed, origin, .. }) => {
                    if pushed.as_deref() != Some(&digest(wanted.text)) && self.tracker.terms.capabilities.comment_edits {
                        self.in_time()?;
                        // A comment that was deleted in the tracker stays deleted.
                        self.tracker.backend.edit_comment(at, &remote, wanted.text).await?;
                        self.link_comment(wanted, remote, origin).await?;
                    }
                }
                other => self.send_new_text(at, wanted, other).await?,
            }
        }
        for (slot, link) in known {
            if let Some(remote) = link.remote_id.filter(|_| self.tracker.terms.capabilities.comment_deletes) {
                self.in_time()?;
                self.tracker.backend.delete_comment(at, &remote).await?;
            }
            let backend = self.tracker.name.clone();
            self.note_comment(CommentLinkWrite::Remove { issue_id: self.issue.id, backend, slot }).await?;
        }
        Ok(())
    }

    /// In the order of an issue's creation: intent, marker, link.
    async fn send_new_text(&self, at: &RemoteRef, wanted: WantedText<'_>, known: Option<CommentLink>) -> Result<(), PushStop> {
        let WantedText { slot, text, .. } = wanted;
        if let Some(intended) = known.and_then(|link| link.intended_at) {
            let marker = Marker::new(slot.subject, slot.part);
            if let Some(found) = self.tracker.backend.find_comment(at, &marker, intended).await? {
                // It may have been changed here since it was sent.
                self.in_time()?;
                if self.tracker.terms.capabilities.comment_edits && found.body != text {
                    self.tracker.backend.edit_comment(at, &found.id, text).await?;
                }
                return self.link_comment(wanted, found.id, LinkOrigin::Ours).await;
            }
            self.believed(intended)?;
        }
        self.spend().await?;
        self.in_time()?;
        let intent = self.comment_link(slot, LinkState::Intended);
        self.note_comment(CommentLinkWrite::Set(intent.clone())).await?;
        match self.tracker.backend.add_comment(at, text).await {
            Ok(added) => self.link_comment(wanted, added.id, LinkOrigin::Ours).await,
            Err(error) => {
                let state = Self::left_by(error.trouble);
                let left = match state {
                    LinkState::Unknown => CommentLinkWrite::Set(CommentLink { state, ..intent }),
                    LinkState::Routed | LinkState::Intended | LinkState::Linked | LinkState::Gone => {
                        CommentLinkWrite::Remove { issue_id: self.issue.id, backend: self.tracker.name.clone(), slot }
                    }
                };
                if let Err(PushStop::Lost) = self.note_comment(left).await {
                    return Err(PushStop::Lost);
                }
                Err(error.into())
            }
        }
    }

    /// Not under the lease: the comment exists, even if the lease is lost.
    async fn link_comment(&self, wanted: WantedText<'_>, remote: String, origin: LinkOrigin) -> Result<(), PushStop> {
        let link = CommentLink {
            remote_id: Some(remote),
            pushed: Some(digest(wanted.text)),
            base: wanted.base.map(str::to_owned),
            origin,
            ..self.comment_link(wanted.slot, LinkState::Linked)
        };
        let mut change = crate::domain::Change::of(crate::domain::IssueWrite::None);
        change.comment_links.push(CommentLinkWrite::Set(link));
        self.app.settle_change(self.lease, change).await.map(drop).ok_or(PushStop::Lost)
    }

    fn comment_link(&self, slot: CommentSlot, state: LinkState) -> CommentLink {
        CommentLink {
            issue_id: self.issue.id,
            backend: self.tracker.name.clone(),
            slot,
            state,
            intended_at: Some(self.app.clock.now()),
            remote_id: None,
            pushed: None,
            base: None,
            origin: LinkOrigin::Ours,
        }
    }
}

/// A text that is to be there.
#[derive(Clone, Copy)]
struct WantedText<'a> {
    slot: CommentSlot,
    text: &'a str,
    /// The base after it is sent; only where the comment is synced.
    base: Option<&'a str>,
}

/// Enough to distinguish two texts.
pub(super) fn digest(text: &str) -> String {
    STANDARD_NO_PAD.encode(&Sha256::digest(text)[..18])
}
