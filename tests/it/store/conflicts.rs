//! Conflicts: decided on by edition, listed newest first, gone with their issue.

use futures_util::future::join_all;
use issue_core::domain::sync::{Conflict, ConflictCause, ConflictFilter, ConflictState, ConflictWrite, Resolution};
use issue_core::domain::tracker::Field;
use issue_core::domain::{Change, IssueId, IssueWrite};
use issue_core::store::{CommitOutcome, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use super::links;
use crate::support::database::Database;
use crate::support::sample::{self, at};

fn conflict(issue: IssueId, backend: &str) -> Conflict {
    Conflict {
        id: sample::id(),
        issue_id: issue,
        backend: backend.to_owned(),
        field: Field::Labels,
        comment: None,
        base: Value::Null,
        ours: json!(["a", "\"b\""]),
        theirs: json!("Ünïcode"),
        state: ConflictState::Open,
        resolution: None,
        cause: ConflictCause::PingPong,
        why: "manual".to_owned(),
        opened_at: at(1),
        resolved_at: None,
        resolved_by: None,
        edition: 1,
    }
}

fn resolved(conflict: &Conflict) -> Conflict {
    Conflict {
        comment: conflict.comment,
        base: json!({"x": null}),
        state: ConflictState::Resolved,
        resolution: Some(Resolution::External),
        why: "somebody".to_owned(),
        resolved_at: Some(at(5)),
        resolved_by: Some("zoe".to_owned()),
        edition: conflict.edition + 1,
        ..conflict.clone()
    }
}

fn opening(conflict: &Conflict) -> Change {
    Change { conflicts: vec![ConflictWrite::New(conflict.clone())], ..Change::of(IssueWrite::None) }
}

fn changing(conflict: Conflict, read_edition: i64) -> Change {
    Change { conflicts: vec![ConflictWrite::Change { conflict, read_edition }], ..Change::of(IssueWrite::None) }
}

async fn stored(store: &dyn Store, conflict: Conflict) -> Conflict {
    assert_eq!(store.commit(&[opening(&conflict)]).await.unwrap(), [CommitOutcome::Written]);
    conflict
}

pub(super) async fn a_conflict_comes_back_with_every_field_and_is_decided_over_its_edition(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let open = stored(&*store, Conflict { comment: Some(sample::id()), field: Field::Comment, ..conflict(issue.id, "a") }).await;
    assert_eq!(store.conflict(open.id).await.unwrap(), Some(open.clone()));
    assert_eq!(store.conflict(issue.id.0).await.unwrap(), None);
    let done = resolved(&open);
    assert_eq!(store.commit(&[changing(done.clone(), 1)]).await.unwrap(), [CommitOutcome::Written]);
    assert_eq!(store.conflict(open.id).await.unwrap(), Some(done.clone()));
    // What opens it and goes on with it in one change needs no edition to lie there.
    let fresh = conflict(issue.id, "a");
    let both =
        Change { conflicts: vec![ConflictWrite::New(fresh.clone()), changing(resolved(&fresh), 1).conflicts.remove(0)], ..opening(&fresh) };
    assert_eq!(store.commit(&[both]).await.unwrap(), [CommitOutcome::Written]);
    assert_eq!(store.conflict(fresh.id).await.unwrap(), Some(resolved(&fresh)));
}

pub(super) async fn a_conflict_without_a_cause_is_read_as_its_writer_meant_it(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    // The sentence that the version before the column wrote for a frozen field.
    let frozen = Conflict { why: "it went back and forth too often".to_owned(), ..conflict(issue.id, "a") };
    let frozen = stored(&*store, frozen).await;
    let other = stored(&*store, Conflict { field: Field::Title, ..conflict(issue.id, "a") }).await;
    db.execute("update conflicts set cause = null").await;
    assert_eq!(store.conflict(frozen.id).await.unwrap().unwrap().cause, ConflictCause::PingPong);
    assert_eq!(store.conflict(other.id).await.unwrap().unwrap().cause, ConflictCause::Diverged);
}

pub(super) async fn a_decision_on_another_edition_is_stale_and_leaves_no_trace(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let open = stored(&*store, conflict(issue.id, "a")).await;
    let before = db.rows().await;
    let stale = |read_edition, id| {
        let mut change = changing(Conflict { id, ..resolved(&open) }, read_edition);
        change.links.push(links::link(issue.id, "a"));
        change.messages.push(sample::message(&issue, "a"));
        change.conflicts.push(ConflictWrite::New(conflict(issue.id, "b")));
        Change { write: sample::update(&issue, 1).write, ..change }
    };
    for change in [stale(2, open.id), stale(1, sample::id())] {
        assert_eq!(store.commit(&[change]).await.unwrap(), [CommitOutcome::Stale]);
    }
    let new = sample::plain_issue();
    let insert = Change { write: sample::insert(&new, Some(sample::key(1))).write, ..stale(2, open.id) };
    assert_eq!(store.commit(&[insert]).await.unwrap(), [CommitOutcome::Stale]);
    // A stale issue keeps the conflict back as well.
    let moved_on = Change { write: sample::update(&issue, 7).write, ..changing(resolved(&open), 1) };
    assert_eq!(store.commit(&[moved_on]).await.unwrap(), [CommitOutcome::Stale]);
    assert_eq!(db.rows().await, before);
    assert_eq!(store.conflict(open.id).await.unwrap(), Some(open.clone()));
    // Of two in one call the first is written.
    let outcomes = store.commit(&[changing(resolved(&open), 1), changing(resolved(&open), 1)]).await.unwrap();
    assert_eq!(outcomes, [CommitOutcome::Written, CommitOutcome::Stale]);
}

pub(super) async fn of_many_decisions_at_once_one_is_written(db: Database) {
    let stores = [db.open().await, db.open().await];
    let issue = sample::stored(&*stores[0], sample::plain_issue(), None).await;
    let open = stored(&*stores[0], conflict(issue.id, "a")).await;
    let decisions: Vec<[Change; 1]> =
        (0..8).map(|n| [changing(Conflict { resolved_by: Some(format!("{n}")), ..resolved(&open) }, 1)]).collect();
    let outcomes = join_all(decisions.iter().enumerate().map(|(n, change)| stores[n % 2].commit(change))).await;
    let written: Vec<usize> =
        outcomes.iter().enumerate().filter(|(_, outcome)| outcome.as_ref().unwrap() == &[CommitOutcome::Written]).map(|(n, _)| n).collect();
    assert_eq!(written.len(), 1);
    let stands = stores[0].conflict(open.id).await.unwrap().unwrap();
    assert_eq!(stands.resolved_by, Some(written[0].to_string()));
}

pub(super) async fn conflicts_are_listed_newest_first_page_by_page_by_every_filter(db: Database) {
    let store = db.open().await;
    let issues =
        [sample::stored(&*store, sample::plain_issue(), None).await.id, sample::stored(&*store, sample::plain_issue(), None).await.id];
    let mut all = Vec::new();
    for n in 0..12 {
        let one = conflict(issues[n % 2], ["a", "b", "a"][n % 3]);
        let one = if n % 4 == 0 { resolved(&one) } else { one };
        all.push(stored(&*store, one).await);
    }
    all.reverse();
    let (states, backends) = ([None, Some(ConflictState::Open), Some(ConflictState::Resolved)], [None, Some("a"), Some("c")]);
    for state in states {
        for backend in backends {
            for issue in [None, Some(issues[1])] {
                let fits = |one: &&Conflict| {
                    state.is_none_or(|state| one.state == state)
                        && backend.is_none_or(|backend| one.backend == backend)
                        && issue.is_none_or(|issue| one.issue_id == issue)
                };
                let expected: Vec<Conflict> = all.iter().filter(fits).cloned().collect();
                let filter = ConflictFilter { state, issue, backend: backend.map(str::to_owned) };
                assert_eq!(paged(&*store, &filter).await, expected, "{filter:?}");
            }
        }
    }
    let unresolved: Vec<Conflict> = all
        .iter()
        .rev()
        .filter(|one| one.issue_id == issues[1] && one.backend == "a" && one.state == ConflictState::Open)
        .cloned()
        .collect();
    assert!(!unresolved.is_empty());
    assert_eq!(store.unresolved_conflicts(issues[1], "a").await.unwrap(), unresolved);
    let open =
        |backend| i64::try_from(all.iter().filter(|one| one.backend == backend && one.state == ConflictState::Open).count()).unwrap();
    assert_eq!(store.open_conflicts().await.unwrap(), [("a".to_owned(), open("a")), ("b".to_owned(), open("b"))]);
}

async fn paged(store: &dyn Store, filter: &ConflictFilter) -> Vec<Conflict> {
    let mut all: Vec<Conflict> = Vec::new();
    loop {
        let before: Option<Uuid> = all.last().map(|last| last.id);
        let page = store.conflicts(filter, before, 3).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) async fn deleting_an_issue_takes_its_conflicts_along(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let other = sample::stored(&*store, sample::plain_issue(), None).await;
    let (gone, stays) = (stored(&*store, conflict(issue.id, "a")).await, stored(&*store, conflict(other.id, "a")).await);
    store.commit(&[sample::delete(&issue)]).await.unwrap();
    assert_eq!(store.conflict(gone.id).await.unwrap(), None);
    assert_eq!(store.conflict(stays.id).await.unwrap(), Some(stays));
    assert_eq!(store.commit(&[changing(resolved(&gone), 1)]).await.unwrap(), [CommitOutcome::Stale]);
}
