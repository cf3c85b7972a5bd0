//! Records of conflicts after a merge: one for each conflict, even if many merges meet it.

use super::Push;
use crate::domain::Stamp;
use crate::domain::sync::{Conflict, ConflictNote, ConflictState, ConflictWrite, FieldConflict, Merged, Resolution};

#[derive(Default)]
pub(super) struct PushRecords {
    pub(super) writes: Vec<ConflictWrite>,
    /// The conflicts that get an event.
    pub(super) notes: Vec<ConflictNote>,
    pub(super) new: u64,
}

impl Push<'_> {
    pub(super) fn plan_records(&self, done: &Merged, open: &[Conflict], stamp: Stamp) -> PushRecords {
        let mut records = PushRecords::default();
        for (clash, n) in done.clashes.iter().zip(1u32..) {
            let known = open.iter().find(|conflict| conflict.comment.is_none() && conflict.field == clash.field);
            match known {
                Some(known) => records.update_conflict(known, clash, stamp),
                None => records.add_conflict(self.conflict(clash, stamp, n)),
            }
        }
        let settled = open.iter().filter(|conflict| conflict.comment.is_none() && done.settled.contains(&conflict.field));
        for conflict in settled.filter(|conflict| !done.clashes.iter().any(|clash| clash.field == conflict.field)) {
            records.resolve_known(conflict, conflict.resolution.unwrap_or(Resolution::Agreed), stamp);
        }
        records
    }

    pub(super) fn conflict(&self, conflict: &FieldConflict, stamp: Stamp, n: u32) -> Conflict {
        /// Behind the ids of the events of the same change.
        const FROM: u32 = 1000;
        let state = if conflict.resolution.is_some() { ConflictState::Resolved } else { ConflictState::Open };
        Conflict {
            id: stamp.nth(FROM + n),
            issue_id: self.issue.id,
            backend: self.tracker.name.clone(),
            field: conflict.field,
            comment: None,
            base: conflict.base.clone(),
            ours: conflict.ours.clone(),
            theirs: conflict.theirs.clone(),
            state,
            resolution: conflict.resolution,
            cause: conflict.cause,
            why: conflict.why.to_owned(),
            opened_at: stamp.now,
            resolved_at: conflict.resolution.map(|_| stamp.now),
            resolved_by: conflict.resolution.map(|_| super::ACTOR.to_owned()),
            edition: 1,
        }
    }
}

impl PushRecords {
    pub(super) fn add_conflict(&mut self, conflict: Conflict) {
        self.notes.push(ConflictNote {
            id: conflict.id,
            backend: conflict.backend.clone(),
            field: conflict.field,
            resolution: conflict.resolution,
            why: conflict.why.clone(),
        });
        self.writes.push(ConflictWrite::New(conflict));
        self.new += 1;
    }

    /// The same conflict: a side may have another value by now, or a rule settles it.
    fn update_conflict(&mut self, known: &Conflict, clash: &FieldConflict, stamp: Stamp) {
        if let Some(resolution) = clash.resolution {
            self.resolve_known(known, resolution, stamp);
        } else if known.ours != clash.ours || known.theirs != clash.theirs {
            let conflict = Conflict { ours: clash.ours.clone(), theirs: clash.theirs.clone(), edition: known.edition + 1, ..known.clone() };
            self.writes.push(ConflictWrite::Change { conflict, read_edition: known.edition });
        }
    }

    pub(super) fn resolve_known(&mut self, known: &Conflict, resolution: Resolution, stamp: Stamp) {
        let conflict = Conflict {
            state: ConflictState::Resolved,
            resolution: Some(resolution),
            resolved_at: Some(stamp.now),
            resolved_by: known.resolved_by.clone().or_else(|| Some(super::ACTOR.to_owned())),
            edition: known.edition + 1,
            ..known.clone()
        };
        self.writes.push(ConflictWrite::Change { conflict, read_edition: known.edition });
    }
}
