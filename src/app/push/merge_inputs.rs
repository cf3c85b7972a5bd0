//! The inputs of a merge besides the rules of the binding: the decisions of operators, the frozen
//! fields, and which side changed a field later. A push and a dry run both read them; nothing is
//! written.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::trackers::Tracker;
use crate::app::{App, AppError};
use crate::domain::sync::{Binding, Conflict, ConflictCause, ConflictState, MergeRules, Merged, Resolution, Strategy, merge};
use crate::domain::tracker::{AssigneeSupport, Draft, RemoteIssue};
use crate::domain::tracker::{Field, FieldFlips, FlipDirection};
use crate::domain::{Issue, Stamp};

/// An issue on both sides, in their comparable form.
pub(in crate::app) struct MergeSides {
    pub(in crate::app) base: Draft,
    pub(in crate::app) ours: Draft,
    pub(in crate::app) theirs: Draft,
}

/// What is known of an issue's fields before they are merged.
pub(in crate::app) struct MergeInputs<'a> {
    binding: &'a Binding,
    one_assignee: bool,
    decided: BTreeMap<Field, Resolution>,
    frozen: BTreeSet<Field>,
    /// Of fields that both changed: whether theirs is the later change.
    newer: BTreeMap<Field, bool>,
}

impl<'a> MergeInputs<'a> {
    /// `open` are the issue's conflicts that are not resolved.
    pub(in crate::app) async fn of(
        app: &App,
        tracker: &Tracker,
        binding: &'a Binding,
        issue: &Issue,
        remote: &RemoteIssue,
        sides: &MergeSides,
        open: &[Conflict],
    ) -> Result<Self, AppError> {
        let about_issue = || open.iter().filter(|conflict| conflict.comment.is_none());
        let decided = about_issue()
            .filter(|conflict| conflict.state == ConflictState::Decided)
            .filter_map(|conflict| conflict.resolution.map(|resolution| (conflict.field, resolution)))
            .collect();
        let frozen = about_issue()
            .filter(|conflict| conflict.state == ConflictState::Open && conflict.cause == ConflictCause::PingPong)
            .map(|conflict| conflict.field)
            .collect();
        let newer = newer(app, tracker, binding, issue, remote, sides).await?;
        let one_assignee = tracker.terms.capabilities.assignees == AssigneeSupport::One;
        Ok(Self { binding, one_assignee, decided, frozen, newer })
    }

    /// The merge, with the flips of the fields so far. A field that flips too often is frozen from
    /// now on.
    pub(in crate::app) fn merge(mut self, sides: &MergeSides, turns: &FieldFlips, stamp: Stamp) -> (Merged, FieldFlips) {
        let mut turns = turns.clone();
        for field in self.decided.keys() {
            turns.forget(*field);
        }
        let done = self.merge_fields(sides);
        let taken = done.take.fields();
        let spinning: Vec<Field> = taken.into_iter().filter(|field| turns.note(*field, FlipDirection::Taken, stamp.now)).collect();
        if spinning.is_empty() {
            return (done, turns);
        }
        self.frozen.extend(spinning);
        (self.merge_fields(sides), turns)
    }

    fn merge_fields(&self, MergeSides { base, ours, theirs }: &MergeSides) -> Merged {
        let theirs_is_newer = |field: Field| self.newer.get(&field).copied().unwrap_or(true);
        let (binding, one_assignee) = (self.binding, self.one_assignee);
        let rules = MergeRules { binding, one_assignee, decided: &self.decided, frozen: &self.frozen, theirs_is_newer: &theirs_is_newer };
        merge(base, ours, theirs, &rules)
    }
}

/// Each side's own clock gives the time since its change.
async fn newer(
    app: &App,
    tracker: &Tracker,
    binding: &Binding,
    issue: &Issue,
    remote: &RemoteIssue,
    MergeSides { base, ours, theirs }: &MergeSides,
) -> Result<BTreeMap<Field, bool>, AppError> {
    /// The number of our events that are searched for our own change.
    const EVENTS: u32 = 100;
    if binding.strategy != Strategy::Newer || ours == base || theirs == base {
        return Ok(BTreeMap::new());
    }
    let now = app.clock.now();
    let their_age = now + tracker.backend.clock_ahead() - remote.updated_at;
    let after = issue.version - i64::from(EVENTS);
    let events = app.store.events(issue.id, after.max(0), EVENTS).await?;
    let mut newer = BTreeMap::new();
    for event in &events {
        for change in &event.detail.changes {
            if let Ok(field) = change.field.parse::<Field>() {
                newer.insert(field, their_age < now - event.at);
            }
        }
    }
    Ok(newer)
}
