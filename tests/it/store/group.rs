//! Group commit and group read: on the real stores (the functions), and on one that a test holds in its hand (the tests).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use issue_core::domain::message::Message;
use issue_core::domain::{Change, Comment, CommentId, Event, Issue, IssueId, IssueNumber, IssueRef};
use issue_core::store::group::{GroupCommit, GroupError, GroupLimits, GroupRead};
use issue_core::store::{Outcome, Store, StoreError};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;

use crate::support;
use crate::support::database::Database;
use crate::support::sample;

pub(super) async fn every_grouped_caller_gets_its_own_answer(database: Database) {
    let store = database.open().await;
    let tracker = TaskTracker::new();
    let commit = GroupCommit::start(Arc::clone(&store), GroupLimits::COMMIT, &tracker);
    let read = GroupRead::start(store, GroupLimits::READ, &tracker);
    let mut callers = JoinSet::new();
    for n in 0..400_u32 {
        let (commit, read) = (commit.clone(), read.clone());
        callers.spawn(async move {
            let issue = Issue { title: format!("issue {n}"), ..sample::plain_issue() };
            // Two callers share each key.
            let outcome = commit.commit(sample::with_children(sample::insert(&issue, Some(sample::key(n / 2))), &issue, 1)).await.unwrap();
            let (expected, repeat) = match outcome {
                Outcome::Inserted(number) => (Issue { number, ..issue }, false),
                Outcome::Duplicate { issue, .. } => (*issue, true),
                Outcome::Written | Outcome::Stale | Outcome::ClaimLost => panic!("{outcome:?}"),
            };
            assert!(expected.title == format!("issue {n}") || expected.title == format!("issue {}", n ^ 1));
            assert_eq!(read.issue(IssueRef::Id(expected.id)).await.unwrap().as_ref(), Some(&expected));
            assert_eq!(read.issue(IssueRef::Number(expected.number)).await.unwrap(), Some(expected));
            repeat
        });
    }
    let repeats = callers.join_all().await;
    assert_eq!(repeats.iter().filter(|repeat| **repeat).count(), 200);
    assert_eq!(database.number("select count(*) from issues").await, 200);
    assert_eq!(database.number("select count(*) from events").await, 200);
}

pub(super) async fn one_bad_change_or_row_does_not_sink_the_others(database: Database) {
    let store = database.open().await;
    let tracker = TaskTracker::new();
    let taken = sample::stored(&*store, sample::plain_issue(), None).await;
    let commit = GroupCommit::start(Arc::clone(&store), GroupLimits { tasks: 1, ..GroupLimits::COMMIT }, &tracker);
    let read = GroupRead::start(store, GroupLimits { tasks: 1, ..GroupLimits::READ }, &tracker);
    let good: Vec<Issue> = (0..20).map(|_| sample::plain_issue()).collect();
    let mut changes: Vec<Change> = good.iter().map(|issue| sample::insert(issue, None)).collect();
    // An id that is there already: no key says that it is a repeat.
    changes.insert(10, sample::insert(&taken, None));
    let outcomes = futures_util::future::join_all(changes.into_iter().map(|change| commit.commit(change))).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(GroupError::Store(StoreError::Broken { .. })) => assert_eq!(at, 10),
            Ok(Outcome::Inserted(_)) => assert_ne!(at, 10),
            other => panic!("{at}: {other:?}"),
        }
    }
    database.execute(&format!("update issues set state = 'odd' where number = {}", taken.number)).await;
    let ids = good.iter().map(|issue| issue.id).chain([taken.id]);
    let found = futures_util::future::join_all(ids.map(|id| read.issue(IssueRef::Id(id)))).await;
    assert!(found[..20].iter().all(|issue| matches!(issue, Ok(Some(_)))));
    assert!(matches!(&found[20], Err(GroupError::Store(StoreError::Broken { .. }))));
}

/// A store that answers when the test lets it, and tells what it was asked.
#[derive(Debug)]
struct Gated {
    asked: mpsc::UnboundedSender<usize>,
    gate: Semaphore,
    issues: Mutex<HashMap<IssueId, Issue>>,
    fails: bool,
}

impl Gated {
    fn new(fails: bool) -> (Arc<Self>, mpsc::UnboundedReceiver<usize>) {
        let (asked, calls) = mpsc::unbounded_channel();
        (Arc::new(Self { asked, gate: Semaphore::new(0), issues: Mutex::default(), fails }), calls)
    }

    async fn pass(&self, size: usize) -> Result<(), StoreError> {
        self.asked.send(size).unwrap();
        self.gate.acquire().await.unwrap().forget();
        if self.fails { Err(StoreError::Unavailable { store: "gated", reason: "away".to_owned() }) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Outcome>, StoreError> {
        self.pass(changes.len()).await?;
        let mut issues = self.issues.lock().unwrap();
        let numbered = changes.iter().map(|change| {
            let number = IssueNumber(i64::try_from(issues.len()).unwrap() + 1);
            let issue = Issue { number, ..change.issue().unwrap().clone() };
            issues.insert(issue.id, issue);
            Outcome::Inserted(number)
        });
        Ok(numbered.collect())
    }

    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError> {
        // What a query sees is what was there when it began.
        let seen = self.issues.lock().unwrap().clone();
        self.pass(refs.len()).await?;
        let by_id = |wanted: &IssueRef| match wanted {
            IssueRef::Id(id) => seen.get(id).cloned(),
            IssueRef::Number(_) => None,
        };
        Ok(refs.iter().map(by_id).collect())
    }

    async fn events(&self, _: IssueId, _: i64, _: u32) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    async fn comments(&self, _: IssueId, _: Option<CommentId>, _: u32) -> Result<Vec<Comment>, StoreError> {
        Ok(Vec::new())
    }

    async fn comment(&self, _: CommentId) -> Result<Option<Comment>, StoreError> {
        Ok(None)
    }

    async fn messages_of(&self, _: IssueId, _: u32) -> Result<Vec<Message>, StoreError> {
        Ok(Vec::new())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(&self) {}
}

const ONE_TASK: GroupLimits = GroupLimits { tasks: 1, batch: 64, queue: 16, bytes: 1 << 20 };

fn insert() -> Change {
    sample::insert(&sample::plain_issue(), None)
}

/// Starts one call and waits until the store has it, so that later calls must queue.
async fn occupied(group: &GroupCommit, calls: &mut mpsc::UnboundedReceiver<usize>) -> JoinHandle<Result<Outcome, GroupError>> {
    let group = group.clone();
    let busy = support::start(async move { group.commit(insert()).await });
    assert_eq!(calls.recv().await, Some(1));
    busy
}

#[tokio::test]
async fn what_waits_at_the_same_time_is_committed_together() {
    let (store, mut calls) = Gated::new(false);
    let group = GroupCommit::start(store.clone(), GroupLimits { batch: 8, ..ONE_TASK }, &TaskTracker::new());
    let busy = occupied(&group, &mut calls).await;
    let waiting = futures_util::future::join_all((0..12).map(|_| group.commit(insert())));
    let let_in = async {
        store.gate.add_permits(1);
        assert_eq!(calls.recv().await, Some(8));
        store.gate.add_permits(1);
        assert_eq!(calls.recv().await, Some(4));
        store.gate.add_permits(1);
    };
    let (outcomes, ()) = tokio::join!(waiting, let_in);
    let mut numbers: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    numbers.insert(0, busy.await.unwrap().unwrap());
    assert_eq!(numbers, (1..=13).map(|n| Outcome::Inserted(IssueNumber(n))).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_has_room_again_later() {
    let (store, mut calls) = Gated::new(false);
    let group = GroupCommit::start(store.clone(), GroupLimits { queue: 3, ..ONE_TASK }, &TaskTracker::new());
    let busy = occupied(&group, &mut calls).await;
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(group.commit(insert()))).collect();
    for call in &mut waiting {
        assert!(futures_util::poll!(call).is_pending());
    }
    assert!(matches!(group.commit(insert()).await, Err(GroupError::Overloaded)));
    store.gate.add_permits(9);
    busy.await.unwrap().unwrap();
    assert!(futures_util::future::join_all(waiting).await.into_iter().all(|outcome| outcome.is_ok()));
    group.commit(insert()).await.unwrap();
    assert_eq!(store.issues.lock().unwrap().len(), 5, "what was refused was not done");
}

#[tokio::test]
async fn heavy_changes_fill_the_queue_by_their_weight_and_one_alone_always_gets_in() {
    let heavy = || sample::insert(&Issue { description: "x".repeat(600 << 10), ..sample::plain_issue() }, None);
    let (store, mut calls) = Gated::new(false);
    let group = GroupCommit::start(store.clone(), ONE_TASK, &TaskTracker::new());
    let mut first = Box::pin(group.commit(heavy()));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert_eq!(calls.recv().await, Some(1));
    assert!(matches!(group.commit(heavy()).await, Err(GroupError::Overloaded)), "two do not fit into a mebibyte");
    store.gate.add_permits(9);
    first.await.unwrap();
    let heavier = Issue { description: "x".repeat(3 << 20), ..sample::plain_issue() };
    group.commit(sample::insert(&heavier, None)).await.unwrap();
}

#[tokio::test]
async fn a_change_whose_caller_went_away_is_committed_all_the_same() {
    let (store, mut calls) = Gated::new(false);
    let group = GroupCommit::start(store.clone(), ONE_TASK, &TaskTracker::new());
    let busy = occupied(&group, &mut calls).await;
    let issue = sample::plain_issue();
    let mut gone = Box::pin(group.commit(sample::insert(&issue, None)));
    assert!(futures_util::poll!(&mut gone).is_pending());
    drop(gone);
    let waiting = group.commit(insert());
    store.gate.add_permits(2);
    waiting.await.unwrap();
    busy.await.unwrap().unwrap();
    assert!(store.issues.lock().unwrap().contains_key(&issue.id));
}

#[tokio::test]
async fn a_store_that_is_away_is_told_to_every_waiter_without_asking_again() {
    let (store, mut calls) = Gated::new(true);
    let group = GroupCommit::start(store.clone(), ONE_TASK, &TaskTracker::new());
    let busy = occupied(&group, &mut calls).await;
    let waiting = futures_util::future::join_all((0..5).map(|_| group.commit(insert())));
    store.gate.add_permits(9);
    for outcome in waiting.await {
        assert!(matches!(outcome, Err(GroupError::Store(StoreError::Unavailable { .. }))), "{outcome:?}");
    }
    busy.await.unwrap().unwrap_err();
    assert_eq!(calls.recv().await, Some(5));
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn a_read_is_never_answered_by_a_query_that_began_before_it() {
    let (store, mut calls) = Gated::new(false);
    let read = GroupRead::start(store.clone(), ONE_TASK, &TaskTracker::new());
    let issue = sample::plain_issue();
    let early = support::start({
        let (read, id) = (read.clone(), issue.id);
        async move { read.issue(IssueRef::Id(id)).await }
    });
    assert_eq!(calls.recv().await, Some(1));
    // The query is under way; what is written now it does not see, and a read that is asked for now must.
    store.issues.lock().unwrap().insert(issue.id, issue.clone());
    let late = read.issue(IssueRef::Id(issue.id));
    store.gate.add_permits(2);
    assert_eq!(late.await.unwrap(), Some(issue));
    assert_eq!(early.await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn the_tasks_finish_what_waits_and_end_when_the_last_handle_is_gone() {
    let (store, mut calls) = Gated::new(false);
    let tracker = TaskTracker::new();
    let group = GroupCommit::start(store.clone(), GroupLimits { tasks: 3, ..ONE_TASK }, &tracker);
    let read = GroupRead::start(store.clone(), GroupLimits::READ, &tracker);
    let mut waiting: Vec<_> =
        (0..10).map(|_| Box::pin(group.clone())).map(|group| support::start(async move { group.commit(insert()).await })).collect();
    calls.recv().await.unwrap();
    drop((group, read));
    tracker.close();
    store.gate.add_permits(99);
    for call in waiting.drain(..) {
        call.await.unwrap().unwrap();
    }
    tracker.wait().await;
    assert_eq!(store.issues.lock().unwrap().len(), 10);
}
