//! The part of the bookkeeping for two-way sync: the leases of bindings, the editions of conflicts,
//! and what there is to write of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::CommitBatch;
use crate::domain::sync::{Conflict, ConflictWrite, DeliveriesDone};
use crate::domain::{Change, IssueId};
use crate::store::CommitOutcome;
use crate::store::fields::{ConflictFields, HeardFields, HookFields, ProgressFields};

/// Whether the change has any of it.
pub(super) const fn is_part_of(change: &Change) -> bool {
    let Change { heard, conflicts, hooks_done, progress, .. } = change;
    !heard.is_empty() || !conflicts.is_empty() || hooks_done.is_some() || progress.is_some()
}

impl<'a> CommitBatch<'a> {
    /// The bindings whose leases must be valid, each once.
    pub(in crate::store) fn leased_bindings(&self) -> Vec<&'a str> {
        let names: BTreeSet<&str> = self.open().filter_map(|(_, change)| Some(change.progress.as_ref()?.binding.as_str())).collect();
        names.into_iter().collect()
    }

    /// The valid lease token of each binding. A change with another token has lost the lease.
    pub(in crate::store) fn check_leases(&mut self, held: &[(String, Option<Uuid>)]) {
        let held: HashMap<&str, Option<Uuid>> = held.iter().map(|(name, token)| (name.as_str(), *token)).collect();
        for (outcome, change) in self.outcomes.iter_mut().zip(self.changes) {
            let Some(progress) = &change.progress else { continue };
            if outcome.is_none() && held.get(progress.binding.as_str()).copied().flatten() != Some(progress.token) {
                *outcome = Some(CommitOutcome::ClaimLost);
            }
        }
    }

    /// The conflicts that were decided on.
    pub(in crate::store) fn conflicts_decided_on(&self) -> Vec<Uuid> {
        let ids: BTreeSet<Uuid> = self.open().flat_map(|(_, change)| decided(change).into_keys()).collect();
        ids.into_iter().collect()
    }

    /// The editions they have now. What was decided on another one is stale, and so is the second decision on one conflict.
    pub(in crate::store) fn check_editions(&mut self, editions: &[(Uuid, i64)]) {
        let mut editions: HashMap<Uuid, i64> = editions.iter().copied().collect();
        for (outcome, change) in self.outcomes.iter_mut().zip(self.changes) {
            let read = decided(change);
            if outcome.is_some() || read.is_empty() {
                continue;
            }
            if read.iter().any(|(id, edition)| editions.get(id) != Some(edition)) {
                *outcome = Some(CommitOutcome::Stale);
            } else {
                editions.retain(|id, _| !read.contains_key(id));
            }
        }
    }

    /// The conflicts to write, by id, each once.
    pub(in crate::store) fn conflicts(&self) -> Vec<ConflictFields<'a>> {
        let writes = self.survivors().flat_map(|(change, _)| &change.conflicts).map(conflict);
        let latest: BTreeMap<Uuid, &Conflict> = writes.map(|conflict| (conflict.id, conflict)).collect();
        latest.into_values().map(ConflictFields::from).collect()
    }

    /// The sightings of each link, by its name, each once.
    pub(in crate::store) fn heard(&self) -> Vec<HeardFields<'a>> {
        let mut latest: BTreeMap<(IssueId, &str), HeardFields<'a>> = BTreeMap::new();
        for heard in self.survivors().flat_map(|(change, _)| &change.heard) {
            let link = (heard.issue_id, heard.backend.as_str());
            let earlier = latest.remove(&link);
            latest.insert(link, HeardFields::from(heard).after(earlier));
        }
        latest.into_values().collect()
    }

    /// How far the bindings are, by name, each once.
    pub(in crate::store) fn progress(&self) -> Vec<ProgressFields<'a>> {
        let progress = self.survivors().filter_map(|(change, _)| change.progress.as_ref());
        let latest: BTreeMap<&str, ProgressFields<'a>> =
            progress.map(|progress| (progress.binding.as_str(), ProgressFields::from(progress))).collect();
        latest.into_values().collect()
    }

    /// The deliveries that were followed, by id, each once.
    pub(in crate::store) fn hooks_done(&self) -> Vec<HookFields> {
        let done = self.survivors().filter_map(|(change, _)| change.hooks_done.as_ref());
        let latest: BTreeMap<i64, _> = done.flat_map(|DeliveriesDone { ids, at }| ids.iter().map(|id| (*id, *at))).collect();
        latest.into_iter().map(|(id, at)| HookFields { id, at }).collect()
    }
}

/// The editions the change was decided on. One that it opens itself is not among them.
fn decided(change: &Change) -> BTreeMap<Uuid, i64> {
    let mut read = BTreeMap::new();
    let mut own = BTreeSet::new();
    for write in &change.conflicts {
        match write {
            ConflictWrite::New(conflict) => {
                own.insert(conflict.id);
            }
            // Of several the first was decided on what was read; the others follow from it.
            ConflictWrite::Change { conflict, read_edition } => {
                read.entry(conflict.id).or_insert(*read_edition);
            }
        }
    }
    read.retain(|id, _| !own.contains(id));
    read
}

const fn conflict(write: &ConflictWrite) -> &Conflict {
    match write {
        ConflictWrite::New(conflict) | ConflictWrite::Change { conflict, .. } => conflict,
    }
}
