//! Pulls a tracker's comments: new ones, edits and deletions, each once.
//!
//! Only where something changed in the tracker: all of the issue's comments are listed then,
//! because no tracker reports a deleted one. Our comments that then differ are sent like any other
//! comment.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::comments_out::digest;
use super::reconcile::PUSH_ATTEMPTS;
use super::{Push, PushStop};
use crate::app::AppError;
use crate::app::attempts::{Attempts, CommitAttempt};
use crate::domain::base::text;
use crate::domain::decide::{self, Cause, RemoteChanges};
use crate::domain::sync::{
    Binding, CommentOutcome, Conflict, ConflictCause, ConflictWrite, FieldConflict, Owner, Resolution, comment_outcome, quoted_author,
    without_our_signature,
};
use crate::domain::tracker::{
    CommentLink, CommentLinkWrite, CommentSlot, Field, Link, LinkOrigin, LinkState, Marker, RemoteComment, RemoteRef, defused,
    without_our_footer,
};
use crate::domain::{Change, Comment, CommentId, CommentWrite, EventKind, IssueWrite, Stamp};

/// What is known of an issue's comments on both sides.
struct CommentSync<'a> {
    at: RemoteRef,
    binding: &'a Binding,
    known: HashMap<String, CommentLink>,
    open: Vec<Conflict>,
}

impl Push<'_> {
    pub(super) async fn comments_in(&mut self, link: &Link, binding: &Binding) -> Result<(), PushStop> {
        let Some(at) = link.remote.clone().filter(|_| self.tracker.terms.capabilities.comments) else { return Ok(()) };
        if link.state != LinkState::Linked || self.issue.archived_at.is_some() {
            return Ok(());
        }
        let links = self.app.store.comment_links_of(self.issue.id, &self.tracker.name).await.map_err(AppError::from)?;
        let open = self.app.store.unresolved_conflicts(self.issue.id, &self.tracker.name).await.map_err(AppError::from)?;
        let known = links.into_iter().filter_map(|link| link.remote_id.clone().map(|id| (id, link))).collect();
        let talk = CommentSync { at, binding, known, open };
        let mut there = HashSet::new();
        let mut page: Option<String> = None;
        loop {
            let listing = self.tracker.backend.comments(&talk.at, page.as_deref()).await?;
            for comment in &listing.items {
                there.insert(comment.id.clone());
                self.take_comment(&talk, comment).await?;
            }
            page = listing.next;
            if page.is_none() {
                break;
            }
        }
        self.missing_comments(&talk, &there).await
    }

    async fn take_comment(&mut self, talk: &CommentSync<'_>, there: &RemoteComment) -> Result<(), PushStop> {
        match talk.known.get(&there.id) {
            Some(link) => self.take_known_comment(talk, link, there).await,
            // A comment of ours that is on its way, or whose end is not known yet: the push that
            // sends it writes its link.
            None if Marker::is_in_any(&there.body) => Ok(()),
            None => self.adopt_comment(there).await,
        }
    }

    async fn adopt_comment(&mut self, there: &RemoteComment) -> Result<(), PushStop> {
        let body = holdable(&without_our_footer(&there.body));
        if body.trim().is_empty() {
            return Ok(());
        }
        let author = self.author(there);
        let backend = self.tracker.name.clone();
        let canonical = self.tracker.backend.canonical(&body);
        let sent = digest(&defused(&body, self.tracker.terms.text));
        let remote = there.id.clone();
        let created = there.created_at;
        self.write_comment(author.clone(), move |issue, cause, stamp| {
            let comment = Comment {
                id: CommentId(stamp.id),
                issue_id: issue.id,
                author: author.clone(),
                body: body.clone(),
                created_at: created.min(stamp.now),
                edited_at: None,
            };
            let mut change = decide::add_remote_comment(issue, &backend, &comment, EventKind::CommentAdded, cause, stamp);
            change.comment_links.push(CommentLinkWrite::Set(CommentLink {
                issue_id: issue.id,
                backend: backend.clone(),
                slot: CommentSlot::of_comment(comment.id, 1),
                state: LinkState::Linked,
                intended_at: None,
                remote_id: Some(remote.clone()),
                pushed: Some(sent.clone()),
                base: Some(canonical.clone()),
                origin: LinkOrigin::Theirs,
            }));
            change.comments.push(CommentWrite::Add(comment));
            change
        })
        .await
    }

    /// The author: our name of the user, or else the tracker's name with its origin.
    fn author(&self, there: &RemoteComment) -> String {
        let kind = self.tracker.backend.kind();
        match &there.author {
            Some(name) => self.tracker.terms.users.local_name(name).map_or_else(|| format!("{name} ({kind})"), str::to_owned),
            None => kind.as_str().to_owned(),
        }
    }

    /// Decides again on the present comment, if the issue changed meanwhile.
    async fn take_known_comment(&mut self, talk: &CommentSync<'_>, link: &CommentLink, there: &RemoteComment) -> Result<(), PushStop> {
        let mut attempts = Attempts::at_most(PUSH_ATTEMPTS);
        loop {
            attempts.another()?;
            if let CommitAttempt::Done(()) = self.merge_comment(talk, link, there).await? {
                return Ok(());
            }
        }
    }

    async fn merge_comment(
        &mut self,
        talk: &CommentSync<'_>,
        link: &CommentLink,
        there: &RemoteComment,
    ) -> Result<CommitAttempt<()>, PushStop> {
        // A text that was cut into parts, or a part of the issue's own, is changed here only.
        let whole = link.slot.part == 1 && link.slot.subject != self.issue.id.0 && link.state == LinkState::Linked;
        let Some(base) = link.base.clone().filter(|_| whole && !Self::is_in_parts(talk, link.slot.subject)) else {
            return Ok(CommitAttempt::Done(()));
        };
        let id = CommentId(link.slot.subject);
        let Some(comment) = self.app.store.comment(id).await.map_err(AppError::from)? else {
            return self.merge_deleted_comment(talk, link, &base, there).await;
        };
        let plain = without_our_signature(&there.body, &comment.author);
        let theirs = self.tracker.backend.canonical(&plain);
        let ours = self.tracker.backend.canonical(&without_our_footer(&comment.body));
        let open = talk.open.iter().find(|conflict| conflict.comment == Some(id.0));
        let stamp = self.app.clock.stamp();
        let (heard, clash) = comment_outcome(talk.binding, open, [&base, &ours, &theirs], &plain);
        let mut writes = Vec::new();
        let mut notes = super::conflicts::PushRecords::default();
        if let Some(clash) = clash {
            match open {
                None => notes.add_conflict(Conflict { comment: Some(id.0), ..self.conflict(&clash, stamp, 0) }),
                Some(known) if known.ours != clash.ours || known.theirs != clash.theirs => {
                    let (ours, theirs) = (clash.ours, clash.theirs);
                    let conflict = Conflict { ours, theirs, edition: known.edition + 1, ..known.clone() };
                    writes.push(ConflictWrite::Change { conflict, read_edition: known.edition });
                }
                Some(_) => {}
            }
        } else if let Some(known) = open {
            notes.resolve_known(known, known.resolution.unwrap_or(Resolution::Agreed), stamp);
        }
        writes.extend(notes.writes);
        let (body, sends, moved) = match heard {
            CommentOutcome::Nothing if writes.is_empty() => return Ok(CommitAttempt::Done(())),
            CommentOutcome::Nothing | CommentOutcome::Hold => (None, false, false),
            CommentOutcome::Agree { sends } => (None, sends, true),
            CommentOutcome::Take { body, sends } => (Some(body), sends, true),
        };
        let backend = &self.tracker.name;
        let text = body.as_deref().unwrap_or(&comment.body);
        // What stands there is what would be sent, unless there is something to send.
        let pushed = if sends { Some(String::new()) } else { Some(digest(&self.comment_text(link, &comment, text))) };
        let link = CommentLink { base: Some(theirs), pushed, ..link.clone() };
        let cause = Cause { actor: self.author(there), trace: self.lease.message.trace.clone() };
        let mut change = decide::edit_remote_comment(&self.issue, backend, &comment, body, notes.notes, &cause, stamp);
        if moved {
            change.comment_links.push(CommentLinkWrite::Set(link));
        }
        change.conflicts = writes;
        if let CommitAttempt::Stale = self.committed(change).await? {
            return Ok(CommitAttempt::Stale);
        }
        if sends {
            let comment = self.app.store.comment(id).await.map_err(AppError::from)?;
            self.send_comment(&talk.at, id, comment.as_ref()).await?;
        }
        Ok(CommitAttempt::Done(()))
    }

    /// The comment is deleted here. If it was edited in the tracker since, no reader here saw that
    /// text: the comment is restored, as it is there. If this side owns comments, it stays deleted,
    /// and a conflict keeps the tracker's text.
    async fn merge_deleted_comment(
        &mut self,
        talk: &CommentSync<'_>,
        link: &CommentLink,
        base: &str,
        there: &RemoteComment,
    ) -> Result<CommitAttempt<()>, PushStop> {
        let (author, body) = match quoted_author(&there.body).filter(|_| link.origin == LinkOrigin::Ours) {
            Some(said) => said,
            None => (self.author(there), without_our_footer(&there.body)),
        };
        let theirs = self.tracker.backend.canonical(&body);
        if theirs == base {
            return Ok(CommitAttempt::Done(()));
        }
        let stamp = self.app.clock.stamp();
        let id = CommentId(link.slot.subject);
        let cause = Cause { actor: self.author(there), trace: self.lease.message.trace.clone() };
        let open = talk.open.iter().find(|conflict| conflict.comment == Some(id.0));
        let mut notes = super::conflicts::PushRecords::default();
        let mut pushed = link.pushed.clone();
        let mut change = if talk.binding.owner_of(Field::Comment) == Owner::Local {
            let (resolution, why) = (Some(Resolution::Local), "this side owns comments, and it was deleted here");
            let clash = FieldConflict {
                field: Field::Comment,
                base: json!(base),
                ours: Value::Null,
                theirs: json!(theirs),
                resolution,
                cause: ConflictCause::Diverged,
                why,
            };
            notes.add_conflict(Conflict { comment: Some(id.0), ..self.conflict(&clash, stamp, 0) });
            let absorption = RemoteChanges { clashes: std::mem::take(&mut notes.notes), ..RemoteChanges::default() };
            let told = decide::apply_remote(&self.issue, &self.tracker.name, absorption, &cause, stamp);
            told.unwrap_or_else(|| Change::of(IssueWrite::None))
        } else {
            let (issue_id, created_at) = (self.issue.id, there.created_at.min(stamp.now));
            let comment = Comment { id, issue_id, author, body: holdable(&body), created_at, edited_at: Some(stamp.now) };
            pushed = Some(digest(&self.comment_text(link, &comment, &comment.body)));
            let mut change = decide::add_remote_comment(&self.issue, &self.tracker.name, &comment, EventKind::CommentAdded, &cause, stamp);
            change.comments.push(CommentWrite::Add(comment));
            change
        };
        if let Some(known) = open {
            notes.resolve_known(known, known.resolution.unwrap_or(Resolution::Agreed), stamp);
        }
        change.comment_links.push(CommentLinkWrite::Set(CommentLink { base: Some(theirs), pushed, ..link.clone() }));
        change.conflicts = notes.writes;
        self.committed(change).await
    }

    fn is_in_parts(talk: &CommentSync<'_>, subject: Uuid) -> bool {
        talk.known.values().any(|link| link.slot.subject == subject && link.slot.part > 1)
    }

    /// Those that were there and are no more: taken away here too, unless they were changed here since.
    async fn missing_comments(&mut self, talk: &CommentSync<'_>, there: &HashSet<String>) -> Result<(), PushStop> {
        let gone = talk.known.values().filter(|link| link.state == LinkState::Linked && link.slot.subject != self.issue.id.0);
        let gone: Vec<&CommentLink> =
            gone.filter(|link| link.remote_id.as_ref().is_some_and(|id| !there.contains(id)) && link.base.is_some()).collect();
        for link in gone {
            let mut attempts = Attempts::at_most(PUSH_ATTEMPTS);
            loop {
                attempts.another()?;
                if let CommitAttempt::Done(()) = self.missing_comment(talk, link).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn missing_comment(&mut self, talk: &CommentSync<'_>, link: &CommentLink) -> Result<CommitAttempt<()>, PushStop> {
        let id = CommentId(link.slot.subject);
        let Some(comment) = self.app.store.comment(id).await.map_err(AppError::from)? else { return Ok(CommitAttempt::Done(())) };
        let ours = self.tracker.backend.canonical(&without_our_footer(&comment.body));
        let kept = link.base.as_deref() != Some(&ours) || talk.binding.owner_of(Field::Comment) == Owner::Local;
        let backend = &self.tracker.name;
        let cause = Cause { actor: self.tracker.backend.kind().as_str().to_owned(), trace: self.lease.message.trace.clone() };
        let stamp = self.app.clock.stamp();
        let mut change =
            if kept { Change::of(IssueWrite::None) } else { decide::delete_remote_comment(&self.issue, backend, id, &cause, stamp) };
        let (issue_id, slot) = (self.issue.id, link.slot);
        change.comment_links.push(CommentLinkWrite::Remove { issue_id, backend: backend.clone(), slot });
        if let CommitAttempt::Stale = self.committed(change).await? {
            return Ok(CommitAttempt::Stale);
        }
        if kept {
            self.send_comment(&talk.at, id, Some(&comment)).await?;
        }
        Ok(CommitAttempt::Done(()))
    }

    async fn write_comment(
        &mut self,
        actor: String,
        decide: impl Fn(&crate::domain::Issue, &Cause, Stamp) -> Change,
    ) -> Result<(), PushStop> {
        let trace = self.lease.message.trace.clone();
        self.write(|issue, _, stamp| decide(issue, &Cause { actor: actor.clone(), trace: trace.clone() }, stamp)).await
    }
}

/// As much of a text as a comment here can hold.
fn holdable(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(text::COMMENT.max).collect()
}
