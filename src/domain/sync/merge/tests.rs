//! The merge by examples, and the rules that hold for all changes of both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::Strategy;
use super::*;
use crate::domain::issue::relation::Relation;
use crate::domain::sync::{AdoptFilter, Direction};
use crate::domain::tracker::Project;

fn binding(owner: Owner, strategy: Strategy) -> Binding {
    Binding {
        name: "b".to_owned(),
        backend: "t0".to_owned(),
        place: Project::default(),
        target_repo: None,
        direction: Direction::Both,
        adopt: true,
        filter: AdoptFilter::default(),
        owner,
        fields: BTreeMap::new(),
        strategy,
        every: Duration::from_mins(1),
        audit_every: Duration::from_hours(1),
    }
}

fn draft(title: &str, body: &str, labels: &[&str]) -> Draft {
    Draft {
        title: title.to_owned(),
        body: body.to_owned(),
        state: StateName::Open,
        close_reason: None,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        assignees: Vec::new(),
        milestone: None,
        due_on: None,
        relations: Vec::new(),
    }
}

fn run(binding: &Binding, decided: &BTreeMap<Field, Resolution>, frozen: &BTreeSet<Field>, sides: [&Draft; 3]) -> Merged {
    let [base, ours, theirs] = sides;
    merge(base, ours, theirs, &MergeRules { binding, one_assignee: false, decided, frozen, theirs_is_newer: &|_| true })
}

fn merged(owner: Owner, strategy: Strategy, sides: [&Draft; 3]) -> Merged {
    run(&binding(owner, strategy), &BTreeMap::new(), &BTreeSet::new(), sides)
}

/// Ours with what was taken.
fn taken(ours: &Draft, theirs: &Draft, take: &TakenFields) -> Draft {
    let mut after = ours.clone();
    let set = |change: &Option<SetChange>, to: &mut Vec<String>| {
        if let Some(change) = change {
            *to = change.applied_to(to);
        }
    };
    if let Some(title) = &take.title {
        after.title.clone_from(title);
    }
    match &take.description {
        Some(TakenText::Theirs) => after.body.clone_from(&theirs.body),
        Some(TakenText::Merged(text)) => after.body.clone_from(text),
        None => {}
    }
    if let Some((state, reason)) = take.state {
        (after.state, after.close_reason) = (state, reason);
    }
    after.priority = take.priority.unwrap_or(after.priority);
    after.kind = take.kind.unwrap_or(after.kind);
    set(&take.labels, &mut after.labels);
    set(&take.assignees, &mut after.assignees);
    if let Some(milestone) = &take.milestone {
        after.milestone.clone_from(milestone);
    }
    if let Some(due_on) = take.due_on {
        after.due_on = due_on;
    }
    if let Some(change) = &take.relations {
        after.relations = change.applied_to(&after.relations);
    }
    after
}

#[test]
fn an_unchanged_side_yields() {
    let (base, theirs) = (draft("a", "x", &["l"]), draft("b", "y", &["l", "m"]));
    let done = merged(Owner::Shared, Strategy::Manual, [&base, &base, &theirs]);
    assert_eq!((taken(&base, &theirs, &done.take), &done.base), (theirs.clone(), &theirs));
    assert!(done.clashes.is_empty() && done.held.is_empty());
    let ours = draft("c", "z", &[]);
    let done = merged(Owner::Shared, Strategy::Manual, [&base, &ours, &base]);
    assert!(done.take.is_empty() && done.base == base, "what is ours alone is left to be sent");
}

#[test]
fn sets_merge_element_by_element_and_texts_by_lines() {
    let base = draft("t", "one\ntwo\nthree\nfour\nfive", &["a", "b"]);
    let ours = draft("t", "ONE\ntwo\nthree\nfour\nfive", &["a", "c"]);
    let theirs = draft("t", "one\ntwo\nthree\nfour\nFIVE", &["A", "b", "d"]);
    let done = merged(Owner::Shared, Strategy::Manual, [&base, &ours, &theirs]);
    let after = taken(&ours, &theirs, &done.take);
    assert_eq!((after.body.as_str(), done.clashes.len()), ("ONE\ntwo\nthree\nfour\nFIVE", 0));
    assert_eq!(after.labels, ["a", "c", "d"]);
    assert_eq!(done.base.labels, theirs.labels, "what is still to be sent is told from what is there");
    let edit = SetChange::between(&done.base.labels, &after.labels).unwrap();
    assert_eq!((edit.add, edit.remove), (vec!["c".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn a_true_conflict_is_settled_by_the_strategy_and_a_manual_one_holds_that_field_alone() {
    let (base, ours, theirs) = (draft("a", "", &[]), draft("b", "", &[]), Draft { milestone: Some("m".to_owned()), ..draft("c", "", &[]) });
    let done = merged(Owner::Shared, Strategy::Manual, [&base, &ours, &theirs]);
    assert_eq!((done.base.title.as_str(), done.take.title.as_ref()), ("a", None));
    assert_eq!((done.take.milestone.clone(), done.held.iter().collect::<Vec<_>>()), (Some(theirs.milestone.clone()), vec![&Field::Title]));
    assert_eq!((done.clashes.len(), done.clashes[0].resolution), (1, None));
    for (strategy, title) in [(Strategy::ExternalWins, Some("c")), (Strategy::LocalWins, None), (Strategy::Newer, Some("c"))] {
        let done = merged(Owner::Shared, strategy, [&base, &ours, &theirs]);
        assert_eq!((done.take.title.as_deref(), done.base.title.as_str()), (title, "c"), "{strategy}");
        assert_eq!(done.clashes.len(), 1, "who loses is on record");
    }
}

#[test]
fn an_owned_field_goes_back_to_its_owners_word_and_the_other_word_is_on_record() {
    let (base, other) = (draft("a", "", &["l"]), draft("b", "", &["m"]));
    let done = merged(Owner::External, Strategy::Manual, [&base, &other, &base]);
    assert_eq!(taken(&other, &base, &done.take), base);
    assert_eq!(done.clashes.iter().map(|conflict| conflict.resolution).collect::<Vec<_>>(), [Some(Resolution::External); 2]);
    let done = merged(Owner::Local, Strategy::Manual, [&base, &base, &other]);
    assert!(done.take.is_empty() && done.base == other, "ours is sent over theirs");
    assert_eq!(done.clashes.iter().map(|conflict| conflict.resolution).collect::<Vec<_>>(), [Some(Resolution::Local); 2]);
}

#[test]
fn a_decision_is_applied_and_not_recorded_again() {
    let (base, ours, theirs) = (draft("a", "", &[]), draft("b", "", &[]), draft("c", "", &[]));
    let rules = binding(Owner::Shared, Strategy::Manual);
    for (resolution, title) in [(Resolution::External, Some("c")), (Resolution::Local, None), (Resolution::Other, None)] {
        let done = run(&rules, &BTreeMap::from([(Field::Title, resolution)]), &BTreeSet::new(), [&base, &ours, &theirs]);
        assert_eq!((done.take.title.as_deref(), done.base.title.as_str(), done.clashes.len()), (title, "c", 0));
    }
    let done = run(&rules, &BTreeMap::new(), &BTreeSet::from([Field::Title]), [&base, &base, &theirs]);
    assert!(done.held.contains(&Field::Title) && done.take.is_empty(), "what is frozen stands still");
    assert_eq!(causes(&done), [ConflictCause::PingPong]);
    let done = run(&rules, &BTreeMap::new(), &BTreeSet::new(), [&base, &ours, &theirs]);
    assert_eq!(causes(&done), [ConflictCause::Diverged]);
}

fn causes(done: &Merged) -> Vec<ConflictCause> {
    done.clashes.iter().map(|conflict| conflict.cause).collect()
}

fn relates(relation: Relation, key: &str) -> RemoteRelation {
    RemoteRelation { relation, key: key.to_owned() }
}

#[test]
fn relations_merge_element_by_element_from_either_side() {
    let with = |relations: &[RemoteRelation]| Draft { relations: relations.to_vec(), ..draft("t", "", &[]) };
    let [kept, gone, mine, yours] =
        [(Relation::Blocks, "x#1"), (Relation::Blocks, "x#2"), (Relation::Relates, "x#1"), (Relation::Parent, "x#9")]
            .map(|(relation, key)| relates(relation, key));
    let base = with(&[kept.clone(), gone]);
    let (ours, theirs) =
        (with(&[base.relations.clone(), vec![mine.clone()]].concat()), with(&[relates(Relation::Blocks, "X#1"), yours.clone()]));
    let done = merged(Owner::Shared, Strategy::Manual, [&base, &ours, &theirs]);
    assert_eq!(taken(&ours, &theirs, &done.take).relations, [kept, mine, yours]);
    assert!(done.clashes.is_empty() && done.base.relations == theirs.relations);
}

fn drafts() -> impl proptest::strategy::Strategy<Value = Draft> {
    let relations =
        [(Relation::Blocks, "x#1"), (Relation::Blocks, "x#2"), (Relation::Relates, "x#1")].map(|(relation, key)| relates(relation, key));
    let relations = prop::sample::subsequence(relations.to_vec(), 0..=3);
    let labels = prop::sample::subsequence(vec!["l", "m", "n"], 0..=3);
    ("[ab]", "([xyz]\n){0,3}[xyz]", labels, 0..4usize, prop::option::of("[pq]"), relations).prop_map(
        |(title, body, labels, state, milestone, relations)| Draft {
            state: StateName::ALL[state],
            milestone,
            relations,
            ..draft(&title, &body, &labels)
        },
    )
}

proptest! {
    #[test]
    fn after_a_merge_and_what_is_sent_both_sides_are_equal_and_the_next_merge_finds_nothing(
        base in drafts(), ours in drafts(), theirs in drafts(), owner in 0..3usize, strategy in 0..4usize
    ) {
        let binding = binding(Owner::ALL[owner], Strategy::ALL[strategy]);
        let done = run(&binding, &BTreeMap::new(), &BTreeSet::new(), [&base, &ours, &theirs]);
        let after = taken(&ours, &theirs, &done.take);
        // What is sent: the difference to the base, over what is there.
        let same = |a: &Draft, b: &Draft, field| match field {
            Field::Title => a.title == b.title,
            Field::Description => a.body == b.body,
            Field::State => (a.state, a.close_reason) == (b.state, b.close_reason),
            Field::Labels => SetChange::between(&a.labels, &b.labels).is_none(),
            Field::Milestone => a.milestone == b.milestone,
            Field::Relations => SetChange::between(&a.relations, &b.relations).is_none(),
            Field::Priority | Field::Kind | Field::Assignees | Field::DueOn | Field::Comment => true,
        };
        for field in Field::ALL.iter().copied().filter(|field| !done.held.contains(field)) {
            prop_assert!(same(&done.base, &theirs, field) || !same(&done.base, &after, field) || same(&after, &theirs, field), "{} would be overwritten unseen", field);
            if same(&done.base, &after, field) {
                prop_assert!(same(&after, &theirs, field), "{field} differs and nobody sends it");
            }
        }
        let sent = after.clone();
        let again = run(&binding, &BTreeMap::new(), &BTreeSet::new(), [&sent, &sent, &sent]);
        prop_assert!(again.take.is_empty() && again.clashes.is_empty() && again.base == sent);
    }

    #[test]
    fn no_title_and_no_line_is_lost_without_a_record(base in drafts(), ours in drafts(), theirs in drafts(), strategy in 0..4usize) {
        let done = merged(Owner::Shared, Strategy::ALL[strategy], [&base, &ours, &theirs]);
        let after = taken(&ours, &theirs, &done.take);
        let recorded = |field| done.clashes.iter().any(|conflict| conflict.field == field);
        if ours.title != base.title && theirs.title != base.title && ours.title != theirs.title {
            prop_assert!(recorded(Field::Title));
        }
        if !recorded(Field::Description) {
            for (side, name) in [(&ours, "ours"), (&theirs, "theirs")] {
                for line in side.body.lines().filter(|line| !base.body.lines().any(|other| other == *line)) {
                    prop_assert!(after.body.lines().any(|other| other == line), "{name}: {line} is gone");
                }
            }
        }
    }
}
