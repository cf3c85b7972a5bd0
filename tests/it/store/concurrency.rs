//! Many callers on many replicas at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use issue_core::domain::{Change, Issue, IssueId, IssueRef};
use issue_core::store::{CommitOutcome, Store};
use tokio::task::JoinSet;

use crate::support::database::Database;
use crate::support::sample;

/// Several stores on one database, as replicas open it.
async fn replicas(database: &Database) -> Vec<Arc<dyn Store>> {
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(database.open().await);
    }
    replicas
}

async fn commit_all(replicas: &[Arc<dyn Store>], calls: Vec<Vec<Change>>) -> Vec<(Vec<Change>, Vec<CommitOutcome>)> {
    let mut tasks = JoinSet::new();
    for (changes, store) in calls.into_iter().zip(replicas.iter().cycle().cloned()) {
        tasks.spawn(async move {
            let outcomes = store.commit(&changes).await.unwrap();
            (changes, outcomes)
        });
    }
    tasks.join_all().await
}

/// A shuffle that is the same in every run.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for at in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
    }
}

pub(super) async fn fifty_commits_of_one_key_at_once_are_one_issue_and_forty_nine_duplicates(database: Database) {
    let replicas = replicas(&database).await;
    let insert = |_| {
        let issue = sample::plain_issue();
        vec![sample::with_children(sample::insert(&issue, Some(sample::key(7))), &issue, 1)]
    };
    let done = commit_all(&replicas, (0..50).map(insert).collect()).await;
    let numbers: Vec<_> = done.iter().filter(|(_, outcomes)| matches!(outcomes[0], CommitOutcome::Inserted(_))).collect();
    assert_eq!(numbers.len(), 1);
    let winner = numbers[0].0[0].issue().unwrap().id;
    let same = |outcome: &CommitOutcome| matches!(outcome, CommitOutcome::Duplicate { issue, .. } if issue.id == winner);
    assert_eq!(done.iter().filter(|(_, outcomes)| same(&outcomes[0])).count(), 49);
    for table in ["issues", "events", "comments", "messages"] {
        assert_eq!(database.number(&format!("select count(*) from {table}")).await, 1, "{table}");
    }
}

pub(super) async fn overlapping_batches_in_any_order_get_along(database: Database) {
    const KEYS: u32 = 40;
    let replicas = replicas(&database).await;
    let call = |seed: u64| {
        let mut keys: Vec<u32> = (0..KEYS).collect();
        shuffle(&mut keys, seed);
        let mut changes: Vec<Change> = Vec::new();
        for key in &keys[..25] {
            let issue = sample::plain_issue();
            changes.push(sample::with_children(sample::insert(&issue, Some(sample::key(*key))), &issue, 1));
        }
        // Every other call is a transaction of its own instead of one statement.
        if seed.is_multiple_of(2) {
            changes.push(sample::update(&sample::plain_issue(), 1));
        }
        changes
    };
    let done = commit_all(&replicas, (0..24).map(call).collect()).await;
    let mut holder: HashMap<u32, HashSet<IssueId>> = HashMap::new();
    let mut numbers = Vec::new();
    for (changes, outcomes) in &done {
        for (change, outcome) in changes.iter().zip(outcomes) {
            let id = match outcome {
                CommitOutcome::Inserted(number) => {
                    numbers.push(*number);
                    change.issue().unwrap().id
                }
                CommitOutcome::Duplicate { issue, .. } => issue.id,
                CommitOutcome::Stale => continue,
                CommitOutcome::Written | CommitOutcome::ClaimLost => panic!("{outcome:?}"),
            };
            holder.entry(key_of(change)).or_default().insert(id);
        }
    }
    assert!(holder.values().all(|ids| ids.len() == 1), "a key stands for one issue, whoever asks");
    assert_eq!(numbers.len(), holder.len(), "each is inserted once");
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len(), "numbers are unique");
    assert_eq!(database.number("select count(*) from issues").await, i64::try_from(holder.len()).unwrap());
    assert_eq!(database.number("select count(*) from events").await, i64::try_from(holder.len()).unwrap());
}

fn key_of(change: &Change) -> u32 {
    let issue_core::domain::IssueWrite::Insert { dedupe: Some(dedupe), .. } = &change.write else { panic!("an insert with a key") };
    u32::from_be_bytes(dedupe.key.0[28..].try_into().unwrap())
}

pub(super) async fn overlapping_updates_in_any_order_get_along(database: Database) {
    let replicas = replicas(&database).await;
    let mut issues = Vec::new();
    for _ in 0..12 {
        issues.push(sample::stored(&*replicas[0], sample::plain_issue(), None).await);
    }
    let mut version: HashMap<IssueId, i64> = issues.iter().map(|issue| (issue.id, 1)).collect();
    for round in 0..4 {
        let call = |seed: u64| {
            let mut mine = issues.clone();
            shuffle(&mut mine, seed + round * 100);
            mine.iter()
                .map(|issue| {
                    let read = version[&issue.id];
                    sample::with_children(sample::update(issue, read), issue, read + 1)
                })
                .collect()
        };
        let done = commit_all(&replicas, (0..12).map(call).collect()).await;
        let mut written: HashMap<IssueId, i64> = HashMap::new();
        for (changes, outcomes) in &done {
            for (change, _) in changes.iter().zip(outcomes).filter(|(_, outcome)| **outcome == CommitOutcome::Written) {
                *written.entry(change.issue().unwrap().id).or_default() += 1;
            }
        }
        for issue in &issues {
            assert_eq!(written.get(&issue.id), Some(&1), "one of the twelve wrote each issue");
            *version.get_mut(&issue.id).unwrap() += 1;
        }
    }
    for issue in issues {
        let events = replicas[0].events(issue.id, 0, 100).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}

pub(super) async fn of_two_updates_from_one_version_one_is_written(database: Database) {
    let replicas = replicas(&database).await;
    let issue = sample::stored(&*replicas[0], sample::plain_issue(), None).await;
    let titled = |title: &str| vec![sample::update(&Issue { title: title.to_owned(), ..issue.clone() }, 1)];
    let done = commit_all(&replicas, vec![titled("a"), titled("b")]).await;
    let (written, stale): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, outcomes)| outcomes[0] == CommitOutcome::Written);
    assert_eq!((written.len(), stale.len()), (1, 1));
    assert_eq!(stale[0].1[0], CommitOutcome::Stale);
    let stored = replicas[0].issues(&[IssueRef::Id(issue.id)]).await.unwrap().remove(0).unwrap();
    assert_eq!(Some(&stored.title), written[0].0[0].issue().map(|issue| &issue.title));
}

pub(super) async fn a_caller_that_goes_away_leaves_a_change_whole_or_absent(database: Database) {
    let store = database.open().await;
    for n in 0..40_u32 {
        let (first, second) = (sample::plain_issue(), sample::plain_issue());
        let changes = [
            sample::with_children(sample::insert(&first, Some(sample::key(n))), &first, 1),
            sample::with_children(sample::update(&second, 1), &second, 2),
            sample::with_children(sample::insert(&second, None), &second, 1),
        ];
        // Dropped somewhere on the way; where, does not matter.
        let _ = tokio::time::timeout(Duration::from_micros(u64::from(n) * 100), store.commit(&changes)).await;
    }
    // The next caller is not hindered by what the others left, and sees every change whole.
    let last = sample::stored(&*store, sample::plain_issue(), None).await;
    store.commit(&[sample::update(&last, 1)]).await.unwrap();
    let issues = database.number("select count(*) from issues").await - 1;
    for table in ["comments", "messages", "events"] {
        let per_issue = format!("select count(distinct issue_id) from {table}");
        assert_eq!(database.number(&per_issue).await, issues, "{table}");
    }
}
