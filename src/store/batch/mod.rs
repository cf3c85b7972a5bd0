//! The bookkeeping of one `commit`, without a database: which changes are still open, and what became of the others.
//!
//! Both dialects take the same steps: claims, leases of bindings, editions of conflicts, inserts,
//! versions, survivors. No SQL here, no IO. A new kind of write is a method that lists what to
//! write, and one that reads the database's answer.

mod sync;

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::fields::{CommentLinkFields, LinkFields};
use super::reindex::Before;
use super::row::{KeyedRow, UnreadableRow};
use super::{CommitOutcome, StoreError};
use crate::domain::tracker::{CommentLinkWrite, CommentSlot};
use crate::domain::{Change, Comment, CommentWrite, Dedupe, Issue, IssueId, IssueNumber, IssueWrite, Settle};

pub(super) struct CommitBatch<'a> {
    changes: &'a [Change],
    outcomes: Vec<Option<CommitOutcome>>,
}

/// An insert still open: its position in the batch, and what to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenInsert<'a> {
    at: usize,
    pub(super) change: &'a Change,
    pub(super) issue: &'a Issue,
    pub(super) dedupe: Option<&'a Dedupe>,
}

impl<'a> CommitBatch<'a> {
    pub(super) fn new(changes: &'a [Change]) -> Self {
        Self { changes, outcomes: vec![None; changes.len()] }
    }

    /// Nothing but new issues with what belongs to them: the hot path.
    pub(super) fn is_pure_insert(changes: &[Change]) -> bool {
        changes.iter().all(is_insert)
    }

    /// New issues, with the cursor of the list that showed them.
    pub(super) fn is_followed_insert(changes: &[Change]) -> bool {
        changes.iter().all(|change| is_insert(change) || change.is_progress())
    }

    fn open(&self) -> impl Iterator<Item = (usize, &'a Change)> {
        self.changes.iter().enumerate().filter(|(at, _)| self.outcomes[*at].is_none())
    }

    /// The messages whose leases must still be valid.
    pub(super) fn claimed_messages(&self) -> Vec<i64> {
        self.open().filter_map(|(_, change)| claimed(change)).map(|(id, _)| id).collect()
    }

    /// The valid lease token of each message. A change with another token has lost the lease. One
    /// message is settled once; several changes may be written under its lease before that.
    pub(super) fn check_claims(&mut self, held: &[(i64, Option<Uuid>)]) {
        let mut held: HashMap<i64, Uuid> = held.iter().filter_map(|(id, token)| token.map(|token| (*id, token))).collect();
        for (outcome, change) in self.outcomes.iter_mut().zip(self.changes) {
            let Some((id, token)) = claimed(change) else { continue };
            if held.get(&id) != Some(&token) {
                *outcome = Some(CommitOutcome::ClaimLost);
            } else if change.settles.is_some() {
                held.remove(&id);
            }
        }
    }

    /// The inserts still open, in key order, each key once: its repeats wait for what becomes of the first.
    pub(super) fn inserts(&self) -> Vec<OpenInsert<'a>> {
        let mut inserts: Vec<OpenInsert<'a>> = self.open_inserts().collect();
        // Stable: without keys, and among equal keys, the order of the call holds.
        inserts.sort_by_key(|insert| insert.dedupe.map(|dedupe| dedupe.key));
        inserts.dedup_by_key(|insert| insert.dedupe.map_or(Err(insert.at), |dedupe| Ok(dedupe.key)));
        inserts
    }

    fn open_inserts(&self) -> impl Iterator<Item = OpenInsert<'a>> {
        self.open().filter_map(|(at, change)| match &change.write {
            IssueWrite::Insert { issue, dedupe } => Some(OpenInsert { at, change, issue, dedupe: dedupe.as_ref() }),
            IssueWrite::None | IssueWrite::Update { .. } | IssueWrite::Delete { .. } => None,
        })
    }

    /// Which of the inserts were written, and under which numbers.
    pub(super) fn inserted(&mut self, sent: &[OpenInsert<'_>], numbers: &[(Uuid, i64)]) {
        let numbers: HashMap<Uuid, i64> = numbers.iter().copied().collect();
        for insert in sent {
            if let Some(number) = numbers.get(&insert.issue.id.0) {
                self.outcomes[insert.at] = Some(CommitOutcome::Inserted(IssueNumber(*number)));
            }
        }
    }

    /// The keys of the inserts that were not written: another insert with the key was first.
    pub(super) fn taken_keys(&self) -> Vec<[u8; 32]> {
        let keys: HashSet<_> = self.open_inserts().filter_map(|insert| insert.dedupe).map(|dedupe| dedupe.key.0).collect();
        keys.into_iter().collect()
    }

    /// The inserts that were first. A key that is not among the rows stays open: its holder is gone
    /// again.
    pub(super) fn duplicates(&mut self, rows: Vec<KeyedRow>) -> Result<(), UnreadableRow> {
        let mut first = HashMap::with_capacity(rows.len());
        for row in rows {
            let (key, issue, fingerprint) = row.read()?;
            first.insert(key, (issue, fingerprint));
        }
        let open: Vec<OpenInsert<'a>> = self.open_inserts().collect();
        for insert in open {
            if let Some((issue, fingerprint)) = insert.dedupe.and_then(|dedupe| first.get(&dedupe.key.0)) {
                self.outcomes[insert.at] = Some(CommitOutcome::Duplicate { issue: Box::new(issue.clone()), fingerprint: *fingerprint });
            }
        }
        Ok(())
    }

    /// The issues that updates and deletes were decided on.
    pub(super) fn decided_on(&self) -> Vec<Uuid> {
        let ids: HashSet<_> = self.open().filter_map(|(_, change)| decided(change)).map(|(id, _)| id).collect();
        ids.into_iter().collect()
    }

    /// Those issues as they are now. What was decided on another version is stale, and so is the second write to one issue.
    /// Everything still open after this is written.
    pub(super) fn check_versions(&mut self, before: &Before) {
        let mut versions: HashMap<Uuid, i64> = before.iter().map(|(id, issue)| (*id, issue.version)).collect();
        for (outcome, change) in self.outcomes.iter_mut().zip(self.changes) {
            if outcome.is_some() {
                continue;
            }
            *outcome = match decided(change) {
                None if matches!(change.write, IssueWrite::Insert { .. }) => None,
                Some((id, read_version)) if versions.get(&id) != Some(&read_version) => Some(CommitOutcome::Stale),
                Some((id, _)) => {
                    versions.remove(&id);
                    Some(CommitOutcome::Written)
                }
                None => Some(CommitOutcome::Written),
            };
        }
    }

    /// The changes that are written.
    pub(super) fn survivors(&self) -> impl Iterator<Item = (&'a Change, &CommitOutcome)> {
        self.changes
            .iter()
            .zip(&self.outcomes)
            .filter_map(|(change, outcome)| outcome.as_ref().map(|outcome| (change, outcome)))
            .filter(|(_, outcome)| matches!(outcome, CommitOutcome::Inserted(_) | CommitOutcome::Written))
    }

    /// The changes that are written, with the numbers of the new issues (0 for the others).
    pub(super) fn survivors_with_numbers(&self) -> impl Iterator<Item = (&'a Change, i64)> {
        self.survivors().map(|(change, outcome)| match outcome {
            CommitOutcome::Inserted(IssueNumber(number)) => (change, *number),
            CommitOutcome::Duplicate { .. } | CommitOutcome::Written | CommitOutcome::Stale | CommitOutcome::ClaimLost => (change, 0),
        })
    }

    pub(super) fn updates(&self) -> impl Iterator<Item = &'a Issue> {
        self.survivors().filter_map(|(change, _)| match &change.write {
            IssueWrite::Update { issue, .. } => Some(&**issue),
            IssueWrite::None | IssueWrite::Insert { .. } | IssueWrite::Delete { .. } => None,
        })
    }

    pub(super) fn deletes(&self) -> Vec<Uuid> {
        self.survivors().filter_map(|(change, _)| deleted_issue(change)).collect()
    }

    /// The issues that the open changes want to delete, whether they may or not.
    pub(super) fn wished_deletes(&self) -> Vec<Uuid> {
        self.open().filter_map(|(_, change)| deleted_issue(change)).collect()
    }

    /// The messages that are done.
    pub(super) fn settled(&self) -> Vec<Settle> {
        self.survivors().filter_map(|(change, _)| change.settles).collect()
    }

    /// The comment links to write. Of two of one name in a batch the later one counts: one
    /// statement cannot write a row twice.
    pub(super) fn links(&self) -> (Vec<LinkFields<'a>>, Vec<CommentLinkFields<'a>>) {
        let writes = self.survivors().flat_map(|(change, _)| &change.comment_links);
        let comments: BTreeMap<_, _> = writes.map(|write| (slot(write), CommentLinkFields::of(write))).collect();
        (links_of(self.survivors().map(|(change, _)| change)), comments.into_values().collect())
    }

    /// What became of each change, or `None` while one is open.
    pub(super) fn outcomes(&self) -> Option<Vec<CommitOutcome>> {
        self.outcomes.iter().cloned().collect()
    }

    /// Other transactions kept taking a key and giving it back.
    pub(super) fn contended(store: &'static str) -> StoreError {
        StoreError::Unavailable { store, reason: "the same dedupe key was taken and given back by others again and again".to_owned() }
    }
}

/// The message whose lease must be valid for the change to be written.
fn claimed(change: &Change) -> Option<(i64, Uuid)> {
    let settles = change.settles.map(|settle| (settle.message_id, settle.token));
    settles.or(change.held.map(|hold| (hold.message_id, hold.token)))
}

/// A new issue, with rows that belong to it and nothing else.
fn is_insert(change: &Change) -> bool {
    let add = |comment: &CommentWrite| matches!(comment, CommentWrite::Add(_));
    matches!(change.write, IssueWrite::Insert { .. }) && !needs_a_transaction(change) && change.comments.iter().all(add)
}

/// More than rows that belong to a new issue.
fn needs_a_transaction(change: &Change) -> bool {
    let ties_another = || change.links.iter().any(|link| Some(link.issue_id) != change.issue().map(|issue| issue.id));
    claimed(change).is_some() || ties_another() || !change.comment_links.is_empty() || sync::is_part_of(change)
}

/// The links of the changes. Of two of one name the later one counts.
pub(super) fn links_of<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<LinkFields<'a>> {
    let links = changes.flat_map(|change| &change.links);
    links.map(|link| ((link.issue_id, &link.backend), LinkFields::from(link))).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn decided(change: &Change) -> Option<(Uuid, i64)> {
    match &change.write {
        IssueWrite::Update { issue, read_version } => Some((issue.id.0, *read_version)),
        IssueWrite::Delete { id, read_version } => Some((id.0, *read_version)),
        IssueWrite::None | IssueWrite::Insert { .. } => None,
    }
}

fn deleted_issue(change: &Change) -> Option<Uuid> {
    match &change.write {
        IssueWrite::Delete { id, .. } => Some(id.0),
        IssueWrite::None | IssueWrite::Insert { .. } | IssueWrite::Update { .. } => None,
    }
}

fn slot(write: &CommentLinkWrite) -> (IssueId, &String, CommentSlot) {
    match write {
        CommentLinkWrite::Set(link) => (link.issue_id, &link.backend, link.slot),
        CommentLinkWrite::Remove { issue_id, backend, slot } => (*issue_id, backend, *slot),
    }
}

/// The comment to add, where the write adds one.
pub(super) fn added(write: &CommentWrite) -> Option<&Comment> {
    match write {
        CommentWrite::Add(comment) => Some(comment),
        CommentWrite::Edit(_) | CommentWrite::Delete(_) => None,
    }
}

/// The comment as it will be, where the write edits one.
pub(super) fn edited(write: &CommentWrite) -> Option<&Comment> {
    match write {
        CommentWrite::Edit(comment) => Some(comment),
        CommentWrite::Add(_) | CommentWrite::Delete(_) => None,
    }
}

/// The comment to delete, where the write deletes one.
pub(super) fn deleted(write: &CommentWrite) -> Option<Uuid> {
    match write {
        CommentWrite::Delete(id) => Some(id.0),
        CommentWrite::Add(_) | CommentWrite::Edit(_) => None,
    }
}
