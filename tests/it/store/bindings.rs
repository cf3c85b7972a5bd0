//! Bindings: their rules, their leases, and what is written under a lease.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use issue_core::domain::sync::{
    AdoptFilter, Binding, BindingSource, BindingState, DeliveriesDone, Direction, Owner, Pass, StateFilter, Strategy, SyncCounts,
    SyncCursor, SyncProgress, SyncRunRecord,
};
use issue_core::domain::tracker::Field;
use issue_core::domain::tracker::{Link, Sighting};
use issue_core::domain::{Change, IssueWrite, NewMessage};
use issue_core::store::{BindingEnd, BindingLease, CommitOutcome, PutBinding, Store};
use uuid::Uuid;

use super::{hooks, links};
use crate::support::database::Database;
use crate::support::sample::{self, at};

fn binding(name: &str) -> Binding {
    Binding {
        name: name.to_owned(),
        backend: "gitea".to_owned(),
        place: links::place(),
        target_repo: Some("tools".to_owned()),
        direction: Direction::Both,
        adopt: true,
        filter: AdoptFilter { labels: vec!["a \"b\"".to_owned()], state: StateFilter::Open, since: Some(at(1)) },
        owner: Owner::Shared,
        fields: BTreeMap::from([(Field::Title, Owner::External), (Field::DueOn, Owner::Local)]),
        strategy: Strategy::Newer,
        every: Duration::from_mins(1),
        audit_every: Duration::from_hours(24),
    }
}

fn cursor(page: &str) -> SyncCursor {
    SyncCursor {
        since: Some(at(1)),
        page: Some(page.to_owned()),
        counts: SyncCounts { listed: 3, ..SyncCounts::default() },
        ..SyncCursor::default()
    }
}

async fn put(store: &dyn Store, binding: &Binding, read_edition: Option<i64>) -> Option<BindingState> {
    store.put_binding(&PutBinding { binding, source: BindingSource::Api, read_edition, now: at(0) }).await.unwrap()
}

fn token(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn lease(n: u128, now: DateTime<Utc>) -> BindingLease {
    BindingLease { now, until: now + Duration::from_mins(1), token: token(n), now_or_later: false }
}

fn end(due: i64) -> BindingEnd {
    let run = SyncRunRecord {
        pass: Pass::Audit,
        began_at: at(2),
        ended_at: at(3),
        error: Some("broke \"off\"".to_owned()),
        counts: SyncCounts::default(),
    };
    BindingEnd { cursor: cursor("end"), last: Some(run), due_at: at(due) }
}

fn progress(n: u128, page: &str) -> SyncProgress {
    SyncProgress { binding: "b".to_owned(), token: token(n), cursor: cursor(page) }
}

async fn only(store: &dyn Store) -> BindingState {
    store.bindings().await.unwrap().pop().unwrap()
}

pub(super) async fn rules_are_written_over_the_edition_that_was_read_and_the_same_rules_change_nothing(db: Database) {
    let store = db.open().await;
    let (first, mut second) = (binding("b"), binding("a"));
    let bound = put(&*store, &first, Some(0)).await.unwrap();
    let expected = BindingState {
        binding: first.clone(),
        source: BindingSource::Api,
        paused: false,
        edition: 1,
        cursor: SyncCursor::default(),
        last: None,
        due_at: at(0),
        leased_until: None,
    };
    assert_eq!(bound, expected);
    assert_eq!(put(&*store, &first, Some(0)).await, None, "it is there");
    assert_eq!(put(&*store, &second, Some(1)).await, None, "it is not there");
    put(&*store, &second, None).await.unwrap();
    assert_eq!(put(&*store, &second, None).await.unwrap().edition, 1, "the same again");
    second.every = Duration::from_secs(7);
    assert_eq!(put(&*store, &second, Some(2)).await, None, "another edition");
    let changed = put(&*store, &second, Some(1)).await.unwrap();
    assert_eq!((changed.edition, &changed.binding), (2, &second));
    assert_eq!(put(&*store, &second, Some(2)).await.unwrap().edition, 2);
    let source = PutBinding { binding: &second, source: BindingSource::Config, read_edition: None, now: at(9) };
    let moved = store.put_binding(&source).await.unwrap().unwrap();
    assert_eq!((moved.edition, moved.source, moved.due_at), (3, BindingSource::Config, at(0)));
    let names: Vec<String> = store.bindings().await.unwrap().into_iter().map(|bound| bound.binding.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(!store.delete_binding("a", Some(2)).await.unwrap(), "it has another edition by now");
    assert!(store.delete_binding("a", Some(3)).await.unwrap());
    assert!(!store.delete_binding("a", None).await.unwrap());
    assert_eq!(store.bindings().await.unwrap(), [expected]);
}

pub(super) async fn of_many_leases_and_of_many_first_writes_at_once_one_is_given(db: Database) {
    let stores = [db.open().await, db.open().await];
    let rules = binding("b");
    let made = join_all((0..8).map(|n| put(&*stores[n % 2], &rules, Some(0)))).await;
    assert_eq!(made.iter().flatten().count(), 1);
    for round in 0..5 {
        let now = at(100 * round);
        let taken = join_all((0..8).map(|n: u8| stores[usize::from(n % 2)].lease_binding("b", lease(n.into(), now)))).await;
        let holders: Vec<BindingState> = taken.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0].leased_until, Some(now + Duration::from_mins(1)));
    }
}

pub(super) async fn a_lease_is_given_on_a_due_binding_that_is_neither_paused_nor_leased(db: Database) {
    let store = db.open().await;
    put(&*store, &binding("b"), None).await.unwrap();
    let taken = async |n, second| store.lease_binding("b", lease(n, at(second))).await.unwrap().is_some();
    assert!(!taken(1, -1).await, "not due");
    let waiting = BindingLease { now_or_later: true, ..lease(1, at(-1)) };
    assert!(store.lease_binding("b", waiting).await.unwrap().is_some());
    assert!(!taken(2, 58).await, "somebody else's");
    assert!(taken(1, 58).await, "its own, for longer");
    assert!(!taken(2, 60).await);
    assert!(taken(2, 118).await, "the holder is gone");
    store.release_binding("b", token(1), &end(500)).await.unwrap();
    assert_eq!(only(&*store).await.last, None, "a stale token gives nothing back");
    store.release_binding("b", token(2), &end(500)).await.unwrap();
    let bound = only(&*store).await;
    assert_eq!((&bound.cursor, &bound.last, bound.due_at, bound.leased_until), (&end(0).cursor, &end(0).last, at(500), None));
    assert!(!taken(3, 499).await);
    let paused = store.pause_binding("b", true, at(400)).await.unwrap().unwrap();
    assert_eq!((paused.paused, paused.due_at, paused.edition), (true, at(500), 1));
    assert!(!taken(3, 900).await, "paused");
    let goes_on = store.pause_binding("b", false, at(450)).await.unwrap().unwrap();
    assert_eq!((goes_on.paused, goes_on.due_at), (false, at(450)));
    assert!(taken(3, 450).await);
    // Only deliveries were processed: the last sync run is still the last.
    store.release_binding("b", token(3), &BindingEnd { last: None, ..end(600) }).await.unwrap();
    assert_eq!(only(&*store).await.last, end(0).last);
    for missing in [store.pause_binding("c", true, at(0)).await, store.request_sync("c", true, true, at(0)).await] {
        assert_eq!(missing.unwrap(), None);
    }
    assert_eq!(store.lease_binding("c", lease(1, at(0))).await.unwrap(), None);
}

pub(super) async fn a_request_during_a_sync_run_waits_for_the_next(db: Database) {
    let store = db.open().await;
    put(&*store, &binding("b"), None).await.unwrap();
    store.lease_binding("b", lease(1, at(0))).await.unwrap().unwrap();
    let wished = store.request_sync("b", true, false, at(5)).await.unwrap().unwrap();
    assert!(wished.cursor.audit_wanted && !wished.cursor.brake_off);
    store.commit(&[Change { progress: Some(progress(1, "2")), ..Change::of(IssueWrite::None) }]).await.unwrap();
    store.release_binding("b", token(1), &end(500)).await.unwrap();
    assert_eq!(only(&*store).await.due_at, at(0), "it stays due");
    let next = store.lease_binding("b", lease(2, at(6))).await.unwrap().unwrap();
    assert_eq!(next.cursor, SyncCursor { audit_wanted: true, ..end(0).cursor });
    // The replica that has done it says so, and then it is done.
    store.release_binding("b", token(2), &end(500)).await.unwrap();
    let bound = only(&*store).await;
    assert_eq!((bound.cursor, bound.due_at), (end(0).cursor, at(500)));
    let hurried = store.request_sync("b", false, true, at(100)).await.unwrap().unwrap();
    assert_eq!((hurried.due_at, hurried.cursor.brake_off), (at(100), true));
}

pub(super) async fn a_page_is_written_whole_under_the_lease_and_not_at_all_without_it(db: Database) {
    let store = db.open().await;
    put(&*store, &binding("b"), None).await.unwrap();
    store.lease_binding("b", lease(1, at(0))).await.unwrap().unwrap();
    let known = sample::stored(&*store, sample::plain_issue(), None).await;
    let tie = links::linked(known.id, "gitea", "1");
    store.commit(&[links::write(vec![tie.clone()])]).await.unwrap();
    let hook = hooks::hook("one", 1);
    store.keep_delivery(&hook).await.unwrap();
    let hook = store.kept_deliveries("gitea", 9).await.unwrap().remove(0);
    let new = sample::plain_issue();
    let page = |n| {
        let adopted = Change {
            links: vec![links::linked(new.id, "gitea", "2")],
            progress: Some(progress(n, "2")),
            ..sample::insert(&new, Some(sample::key(7)))
        };
        let rest = Change {
            messages: vec![NewMessage::agree(known.id, "gitea", at(1))],
            heard: vec![Sighting { issue_id: known.id, backend: "gitea".to_owned(), heard: Some("4".to_owned()), missing_at: None }],
            hooks_done: Some(DeliveriesDone { ids: vec![hook.id], at: at(5) }),
            progress: Some(progress(n, "3")),
            ..Change::of(IssueWrite::None)
        };
        [adopted, rest]
    };
    let before = db.rows().await;
    for stale in [2, 3] {
        assert_eq!(store.commit(&page(stale)).await.unwrap(), [CommitOutcome::ClaimLost, CommitOutcome::ClaimLost]);
    }
    let gone = SyncProgress { binding: "gone".to_owned(), ..progress(1, "2") };
    let change = Change { progress: Some(gone), ..page(1)[1].clone() };
    assert_eq!(store.commit(&[change]).await.unwrap(), [CommitOutcome::ClaimLost]);
    assert_eq!(db.rows().await, before);
    assert_eq!(only(&*store).await.cursor, SyncCursor::default());
    assert_eq!(store.kept_deliveries("gitea", 9).await.unwrap(), std::slice::from_ref(&hook));
    assert_eq!(store.links(&[known.id]).await.unwrap(), std::slice::from_ref(&tie));

    let outcomes = store.commit(&page(1)).await.unwrap();
    assert!(matches!(outcomes[..], [CommitOutcome::Inserted(_), CommitOutcome::Written]), "{outcomes:?}");
    assert_eq!(only(&*store).await.cursor, cursor("3"), "the later word of one call");
    assert_eq!(store.kept_deliveries("gitea", 9).await.unwrap(), []);
    assert_eq!(store.links(&[known.id]).await.unwrap(), [Link { heard: Some("4".to_owned()), ..tie }]);
    assert_eq!(store.queued_pushes("gitea", &[new.id, known.id]).await.unwrap(), [known.id]);
    // Read once more after a crash: what was adopted is not adopted again, and the rest goes on.
    let outcomes = store.commit(&page(1)).await.unwrap();
    assert!(matches!(outcomes[..], [CommitOutcome::Duplicate { .. }, CommitOutcome::Written]), "{outcomes:?}");
}
