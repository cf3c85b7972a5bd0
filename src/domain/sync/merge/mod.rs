//! The merge: base, local and remote in; the fields to take and the new base out. Nothing is sent
//! here: the difference between the local side and the new base is sent later.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};

use super::binding::{Binding, Owner, Strategy};
use super::conflict::{ConflictCause, Resolution};
use crate::domain::base::vocabulary::{CloseReason, Kind, Priority, StateName};
use crate::domain::tracker::Field;
use crate::domain::tracker::{Draft, RemoteRelation, SetChange, SetElement, has};

/// By what a merge is decided.
pub struct MergeRules<'a> {
    pub binding: &'a Binding,
    /// People are one name there, not a set.
    pub one_assignee: bool,
    /// Fields that an operator decided, to be settled now.
    pub decided: &'a BTreeMap<Field, Resolution>,
    /// Fields that flipped too often: they are frozen until an operator decides.
    pub frozen: &'a BTreeSet<Field>,
    /// Whether their change of a field is the later one. Asked only where it matters.
    pub theirs_is_newer: &'a (dyn Fn(Field) -> bool + Sync),
}

/// What comes of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The new base, after `take` is applied.
    pub base: Draft,
    pub take: TakenFields,
    pub clashes: Vec<FieldConflict>,
    /// Fields that are neither taken nor sent.
    pub held: BTreeSet<Field>,
    /// Fields that are equal on both sides or that need no decision.
    pub settled: BTreeSet<Field>,
}

/// The remote values to apply here, in the tracker's form. Absent: the field stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenFields {
    pub title: Option<String>,
    pub description: Option<TakenText>,
    pub state: Option<(StateName, Option<CloseReason>)>,
    pub priority: Option<Priority>,
    pub kind: Option<Kind>,
    pub labels: Option<SetChange>,
    pub assignees: Option<SetChange>,
    pub milestone: Option<Option<String>>,
    pub due_on: Option<Option<NaiveDate>>,
    pub relations: Option<SetChange<RemoteRelation>>,
}

/// A text to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenText {
    /// Theirs, as it is there.
    Theirs,
    /// Both, merged.
    Merged(String),
}

/// Both sides changed a field, or one that the other side owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    pub field: Field,
    pub base: Value,
    pub ours: Value,
    pub theirs: Value,
    /// `None`: it waits for an operator.
    pub resolution: Option<Resolution>,
    pub cause: ConflictCause,
    pub why: &'static str,
}

/// What becomes of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldVerdict {
    /// Nothing came from there.
    Keep,
    /// Both say the same.
    Agree,
    Take,
    /// Ours stands, over what came from there.
    Push,
    Hold,
}

/// How the three stand to each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct SidesChanged {
    pub(super) theirs_changed: bool,
    pub(super) ours_changed: bool,
    pub(super) equal: bool,
}

impl FieldVerdict {
    /// Whether the value of one side is overwritten or waits, so that a conflict keeps it.
    pub(super) const fn loses_words(self, sides: SidesChanged) -> bool {
        match self {
            Self::Take => sides.ours_changed && !sides.equal,
            Self::Push => sides.theirs_changed && !sides.equal,
            Self::Hold => true,
            Self::Keep | Self::Agree => false,
        }
    }

    /// How the conflict is resolved by the verdict itself; `None` if a person must decide.
    pub(super) const fn resolution(self) -> Option<Resolution> {
        match self {
            Self::Take => Some(Resolution::External),
            Self::Push => Some(Resolution::Local),
            Self::Keep | Self::Agree | Self::Hold => None,
        }
    }
}

impl TakenFields {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The fields in it.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let all = [
            (Field::Title, self.title.is_some()),
            (Field::Description, self.description.is_some()),
            (Field::State, self.state.is_some()),
            (Field::Priority, self.priority.is_some()),
            (Field::Kind, self.kind.is_some()),
            (Field::Labels, self.labels.is_some()),
            (Field::Assignees, self.assignees.is_some()),
            (Field::Milestone, self.milestone.is_some()),
            (Field::DueOn, self.due_on.is_some()),
            (Field::Relations, self.relations.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(field, _)| field).collect()
    }
}

/// Merges the remote changes into the local side.
#[must_use]
pub fn merge(base: &Draft, ours: &Draft, theirs: &Draft, rules: &MergeRules<'_>) -> Merged {
    let mut merge = FieldMerge {
        rules,
        done: Merged {
            base: base.clone(),
            take: TakenFields::default(),
            clashes: Vec::new(),
            held: BTreeSet::new(),
            settled: BTreeSet::new(),
        },
    };
    let state = |draft: &Draft| (draft.state, draft.close_reason);
    if let Some(next) = merge.one(Field::Title, &base.title, &ours.title, &theirs.title) {
        merge.done.base.title.clone_from(&theirs.title);
        merge.done.take.title = next;
    }
    merge.text(base, ours, theirs);
    if let Some(next) = merge.one(Field::State, &state(base), &state(ours), &state(theirs)) {
        (merge.done.base.state, merge.done.base.close_reason) = state(theirs);
        merge.done.take.state = next;
    }
    if let Some(next) = merge.one(Field::Priority, &base.priority, &ours.priority, &theirs.priority) {
        merge.done.base.priority = theirs.priority;
        merge.done.take.priority = next;
    }
    if let Some(next) = merge.one(Field::Kind, &base.kind, &ours.kind, &theirs.kind) {
        merge.done.base.kind = theirs.kind;
        merge.done.take.kind = next;
    }
    if let Some(next) = merge.set(Field::Labels, [&base.labels, &ours.labels, &theirs.labels], false) {
        merge.done.base.labels.clone_from(&theirs.labels);
        merge.done.take.labels = next;
    }
    if let Some(next) = merge.set(Field::Assignees, [&base.assignees, &ours.assignees, &theirs.assignees], rules.one_assignee) {
        merge.done.base.assignees.clone_from(&theirs.assignees);
        merge.done.take.assignees = next;
    }
    if let Some(next) = merge.one(Field::Milestone, &base.milestone, &ours.milestone, &theirs.milestone) {
        merge.done.base.milestone.clone_from(&theirs.milestone);
        merge.done.take.milestone = next;
    }
    if let Some(next) = merge.one(Field::DueOn, &base.due_on, &ours.due_on, &theirs.due_on) {
        merge.done.base.due_on = theirs.due_on;
        merge.done.take.due_on = next;
    }
    if let Some(next) = merge.set(Field::Relations, [&base.relations, &ours.relations, &theirs.relations], false) {
        merge.done.base.relations.clone_from(&theirs.relations);
        merge.done.take.relations = next;
    }
    merge.done
}

/// Both changes of a text, line by line; `None` where they are about the same lines.
#[must_use]
pub fn merged_text(base: &str, ours: &str, theirs: &str) -> Option<String> {
    // Without a final line end, the last line would conflict with any text below it.
    let ended = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
    let merged = diffy::merge(&ended(base), &ended(ours), &ended(theirs)).ok()?;
    Some(merged.trim_end().to_owned())
}

struct FieldMerge<'a> {
    rules: &'a MergeRules<'a>,
    done: Merged,
}

impl FieldMerge<'_> {
    /// `None`: the base stays; else it becomes theirs, and the inner value is what is taken.
    #[expect(clippy::option_option, reason = "two questions: does the base move, and does anything come here")]
    fn one<T: PartialEq + Clone + Serialize>(&mut self, field: Field, base: &T, ours: &T, theirs: &T) -> Option<Option<T>> {
        let stand = SidesChanged { theirs_changed: theirs != base, ours_changed: ours != base, equal: ours == theirs };
        match self.verdict(field, stand, [json!(base), json!(ours), json!(theirs)]) {
            FieldVerdict::Keep | FieldVerdict::Hold => None,
            FieldVerdict::Agree | FieldVerdict::Push => Some(None),
            FieldVerdict::Take => Some(Some(theirs.clone())),
        }
    }

    fn text(&mut self, base: &Draft, ours: &Draft, theirs: &Draft) {
        let field = Field::Description;
        let stand = SidesChanged {
            theirs_changed: theirs.body != base.body,
            ours_changed: ours.body != base.body,
            equal: ours.body == theirs.body,
        };
        let shared = self.rules.binding.owner_of(field) == Owner::Shared;
        let free = shared && !self.rules.decided.contains_key(&field) && !self.rules.frozen.contains(&field);
        if free
            && stand.theirs_changed
            && stand.ours_changed
            && !stand.equal
            && let Some(merged) = merged_text(&base.body, &ours.body, &theirs.body)
        {
            self.done.base.body.clone_from(&theirs.body);
            self.done.settled.insert(field);
            if merged != ours.body {
                let theirs_whole = merged == theirs.body;
                self.done.take.description = Some(if theirs_whole { TakenText::Theirs } else { TakenText::Merged(merged) });
            }
            return;
        }
        match self.verdict(field, stand, [json!(base.body), json!(ours.body), json!(theirs.body)]) {
            FieldVerdict::Keep | FieldVerdict::Hold => {}
            FieldVerdict::Agree | FieldVerdict::Push => self.done.base.body.clone_from(&theirs.body),
            FieldVerdict::Take => {
                self.done.base.body.clone_from(&theirs.body);
                self.done.take.description = Some(TakenText::Theirs);
            }
        }
    }

    /// Element by element, so that a set never conflicts, unless the tracker holds it as one value.
    #[expect(clippy::option_option, reason = "as in `one`")]
    fn set<T: SetElement + Serialize>(
        &mut self,
        field: Field,
        [base, ours, theirs]: [&Vec<T>; 3],
        single: bool,
    ) -> Option<Option<SetChange<T>>> {
        let same = |a: &[T], b: &[T]| SetChange::between(a, b).is_none();
        let stand = SidesChanged { theirs_changed: !same(base, theirs), ours_changed: !same(base, ours), equal: same(ours, theirs) };
        let merges = !single && self.rules.binding.owner_of(field) == Owner::Shared && !self.rules.frozen.contains(&field);
        if merges && !self.rules.decided.contains_key(&field) {
            self.done.settled.insert(field);
            if !stand.theirs_changed {
                return None;
            }
            return Some(SetChange::between(ours, &elementwise(base, ours, theirs)));
        }
        match self.verdict(field, stand, [json!(base), json!(ours), json!(theirs)]) {
            FieldVerdict::Keep | FieldVerdict::Hold => None,
            FieldVerdict::Agree | FieldVerdict::Push => Some(None),
            FieldVerdict::Take => Some(SetChange::between(ours, theirs)),
        }
    }

    fn verdict(&mut self, field: Field, stand: SidesChanged, [base, ours, theirs]: [Value; 3]) -> FieldVerdict {
        let (fate, why) = self.decide(field, stand);
        let loses = fate.loses_words(stand);
        if fate == FieldVerdict::Hold {
            self.done.held.insert(field);
        } else {
            self.done.settled.insert(field);
        }
        // An operator's decision is on record already.
        if loses && !self.rules.decided.contains_key(&field) {
            let resolution = fate.resolution();
            let frozen = self.rules.frozen.contains(&field);
            let cause = if frozen { ConflictCause::PingPong } else { ConflictCause::Diverged };
            self.done.clashes.push(FieldConflict { field, base, ours, theirs, resolution, cause, why });
        }
        fate
    }

    fn decide(&self, field: Field, stand: SidesChanged) -> (FieldVerdict, &'static str) {
        if stand.equal {
            return (FieldVerdict::Agree, "");
        }
        match self.rules.decided.get(&field) {
            Some(Resolution::External) => return (FieldVerdict::Take, ""),
            Some(Resolution::Local | Resolution::Other | Resolution::Agreed) => return (FieldVerdict::Push, ""),
            None => {}
        }
        if self.rules.frozen.contains(&field) {
            return (FieldVerdict::Hold, "it went back and forth too often");
        }
        let binding = self.rules.binding;
        by_owner(binding.owner_of(field), binding.strategy, stand, || (self.rules.theirs_is_newer)(field))
    }
}

/// The rule that fields and comments share: the owner decides; where both sides own it, an unchanged side yields; then the
/// binding's strategy decides.
pub(super) fn by_owner(
    owner: Owner,
    strategy: Strategy,
    stand: SidesChanged,
    theirs_is_newer: impl FnOnce() -> bool,
) -> (FieldVerdict, &'static str) {
    match owner {
        Owner::External => (FieldVerdict::Take, "the tracker owns this field"),
        Owner::Local if stand.theirs_changed => (FieldVerdict::Push, "this side owns this field"),
        Owner::Local => (FieldVerdict::Keep, ""),
        Owner::Shared if !stand.theirs_changed => (FieldVerdict::Keep, ""),
        Owner::Shared if !stand.ours_changed => (FieldVerdict::Take, ""),
        Owner::Shared => match strategy {
            Strategy::ExternalWins => (FieldVerdict::Take, "both changed it: the tracker wins"),
            Strategy::LocalWins => (FieldVerdict::Push, "both changed it: this side wins"),
            Strategy::Newer if theirs_is_newer() => (FieldVerdict::Take, "both changed it: the tracker's change is newer"),
            Strategy::Newer => (FieldVerdict::Push, "both changed it: this side's change is newer"),
            Strategy::Manual => (FieldVerdict::Hold, "both changed it: an operator has to decide"),
        },
    }
}

/// In both, or put in by either of them.
fn elementwise<T: SetElement>(base: &[T], ours: &[T], theirs: &[T]) -> Vec<T> {
    let kept = ours.iter().filter(|item| has(theirs, item) || !has(base, item));
    let added = theirs.iter().filter(|item| !has(ours, item) && !has(base, item));
    kept.chain(added).cloned().collect()
}

#[cfg(test)]
mod tests;
