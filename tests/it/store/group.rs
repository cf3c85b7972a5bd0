//! Group commit and group read on the real stores. What the queue itself promises is tested beside it.

use std::sync::Arc;

use issue_core::domain::{Change, Issue, IssueRef};
use issue_core::store::group::{GroupCommit, GroupError, GroupLimits, GroupRead};
use issue_core::store::{CommitOutcome, StoreError};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

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
                CommitOutcome::Inserted(number) => (Issue { number, ..issue }, false),
                CommitOutcome::Duplicate { issue, .. } => (*issue, true),
                CommitOutcome::Written | CommitOutcome::Stale | CommitOutcome::ClaimLost => panic!("{outcome:?}"),
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
            Ok(CommitOutcome::Inserted(_)) => assert_ne!(at, 10),
            other => panic!("{at}: {other:?}"),
        }
    }
    database.execute(&format!("update issues set state = 'odd' where number = {}", taken.number)).await;
    let ids = good.iter().map(|issue| issue.id).chain([taken.id]);
    let found = futures_util::future::join_all(ids.map(|id| read.issue(IssueRef::Id(id)))).await;
    assert!(found[..20].iter().all(|issue| matches!(issue, Ok(Some(_)))));
    assert!(matches!(&found[20], Err(GroupError::Store(StoreError::Broken { .. }))));
}
