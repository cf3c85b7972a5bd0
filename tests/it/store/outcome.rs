//! What becomes of each change, and that one which is not written leaves nothing behind.

use issue_core::domain::queue::message::Settle;
use issue_core::domain::{Change, Fingerprint, Issue, IssueRef, IssueWrite};
use issue_core::store::{CommitOutcome, Store, StoreError};
use uuid::Uuid;

use crate::support::database::Database;
use crate::support::sample;

async fn read(store: &dyn Store, issue: &Issue) -> Option<Issue> {
    store.issues(&[IssueRef::Id(issue.id)]).await.unwrap().remove(0)
}

async fn assert_no_trace(store: &dyn Store, issue: &Issue, after_seq: i64) {
    assert_eq!(store.events(issue.id, after_seq, 10).await.unwrap(), []);
    assert_eq!(store.comments(issue.id, None, 10).await.unwrap(), []);
    assert_eq!(sample::waiting_messages(store, issue.id).await, []);
}

fn is_inserted(outcome: &CommitOutcome) -> bool {
    matches!(outcome, CommitOutcome::Inserted(_))
}

fn duplicate_of(outcome: &CommitOutcome) -> &Issue {
    let CommitOutcome::Duplicate { issue, .. } = outcome else { panic!("not a duplicate: {outcome:?}") };
    issue
}

/// A message of the issue, leased to a token.
async fn leased(database: &Database, store: &dyn Store, issue: &Issue) -> Settle {
    let mut change = sample::change(IssueWrite::None);
    change.messages.push(sample::message(issue, "dispatch"));
    store.commit(&[change]).await.unwrap();
    let message_id = sample::waiting_messages(store, issue.id).await.last().unwrap().id;
    let token = Uuid::from_u128(0x0123_4567_89ab_cdef);
    database.lease(message_id, token).await;
    Settle { message_id, token, started: None, at: sample::at(0) }
}

fn settling(write: IssueWrite, settle: Settle) -> Change {
    Change { settles: Some(settle), ..sample::change(write) }
}

pub(super) async fn an_empty_call_has_no_outcomes(database: Database) {
    let store = database.open().await;
    assert_eq!(store.commit(&[]).await.unwrap(), []);
    assert_eq!(store.issues(&[]).await.unwrap(), []);
}

pub(super) async fn outcomes_come_in_the_order_of_the_changes(database: Database) {
    let store = database.open().await;
    let first = sample::stored(&*store, sample::plain_issue(), Some(sample::key(1))).await;
    let settle = leased(&database, &*store, &first).await;
    let lost = Settle { token: Uuid::nil(), ..settle };
    let [stale, low, high, keyless] = [(); 4].map(|()| sample::plain_issue());
    let changes = [
        sample::insert(&high, Some(sample::key(9))),
        sample::update(&stale, 1),
        sample::insert(&sample::plain_issue(), Some(sample::key(1))),
        settling(IssueWrite::None, lost),
        sample::insert(&keyless, None),
        settling(IssueWrite::None, settle),
        sample::update(&first, 1),
        sample::insert(&low, Some(sample::key(0))),
    ];
    let outcomes = store.commit(&changes).await.unwrap();
    for (at, issue) in [(0, &high), (4, &keyless), (7, &low)] {
        let CommitOutcome::Inserted(number) = outcomes[at] else { panic!("not inserted: {outcomes:?}") };
        assert_eq!(read(&*store, issue).await.unwrap().number, number);
    }
    assert_eq!(outcomes[1], CommitOutcome::Stale);
    assert_eq!(duplicate_of(&outcomes[2]).id, first.id);
    assert_eq!(outcomes[3], CommitOutcome::ClaimLost);
    assert_eq!(outcomes[5], CommitOutcome::Written);
    assert_eq!(outcomes[6], CommitOutcome::Written);
}

pub(super) async fn a_stale_change_leaves_no_trace_and_disturbs_no_other(database: Database) {
    let store = database.open().await;
    let stale = sample::stored(&*store, sample::plain_issue(), None).await;
    let fresh = sample::stored(&*store, sample::plain_issue(), None).await;
    let (new, never) = (sample::plain_issue(), sample::plain_issue());
    let old = Issue { title: "never seen".to_owned(), ..stale.clone() };
    let changes = [
        sample::with_children(sample::update(&old, 7), &stale, 8),
        sample::with_children(sample::insert(&new, None), &new, 1),
        sample::with_children(sample::update(&fresh, 1), &fresh, 2),
        sample::with_children(sample::update(&never, 1), &never, 2),
        sample::with_children(sample::change(IssueWrite::Delete { id: stale.id, read_version: 2 }), &stale, 9),
    ];
    let outcomes = store.commit(&changes).await.unwrap();
    assert_eq!(outcomes[0], CommitOutcome::Stale);
    assert!(is_inserted(&outcomes[1]));
    assert_eq!(outcomes[2..], [CommitOutcome::Written, CommitOutcome::Stale, CommitOutcome::Stale]);
    assert_eq!(read(&*store, &stale).await, Some(stale.clone()));
    assert_eq!(read(&*store, &never).await, None);
    assert_no_trace(&*store, &stale, 0).await;
    assert_no_trace(&*store, &never, 0).await;
    assert_eq!(store.events(fresh.id, 0, 10).await.unwrap(), changes[2].events);
    assert_eq!(store.events(new.id, 0, 10).await.unwrap(), changes[1].events);
}

pub(super) async fn of_two_writes_to_one_issue_in_one_call_the_first_is_written(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let titled = |title: &str| Issue { title: title.to_owned(), ..issue.clone() };
    let changes = [
        sample::update(&titled("first"), 1),
        sample::update(&titled("second"), 1),
        // Not even one that was decided on what the first one writes: it could not have been read.
        sample::update(&titled("third"), 2),
        sample::change(IssueWrite::Delete { id: issue.id, read_version: 1 }),
    ];
    let outcomes = store.commit(&changes).await.unwrap();
    assert_eq!(outcomes, [CommitOutcome::Written, CommitOutcome::Stale, CommitOutcome::Stale, CommitOutcome::Stale]);
    assert_eq!(read(&*store, &issue).await.unwrap().title, "first");
}

pub(super) async fn a_duplicate_leaves_no_trace_and_answers_the_issue_as_it_is_now(database: Database) {
    let store = database.open().await;
    let (first, print) = (sample::full_issue(), Fingerprint([0xab; 32]));
    let outcomes = store.commit(&[sample::insert_with_fingerprint(&first, sample::key(1), print)]).await.unwrap();
    let CommitOutcome::Inserted(number) = outcomes[0] else { panic!("not inserted: {outcomes:?}") };
    let now = Issue { title: "renamed".to_owned(), number, version: first.version + 1, ..first.clone() };
    store.commit(&[sample::update(&now, first.version)]).await.unwrap();
    let other = sample::plain_issue();
    let pure = vec![sample::with_children(sample::insert_with_fingerprint(&other, sample::key(1), Fingerprint([1; 32])), &other, 1)];
    let mixed = vec![pure[0].clone(), sample::change(IssueWrite::None)];
    for changes in [pure, mixed] {
        let outcomes = store.commit(&changes).await.unwrap();
        assert_eq!(outcomes[0], CommitOutcome::Duplicate { issue: Box::new(now.clone()), fingerprint: Some(print) });
        assert_eq!(read(&*store, &other).await, None);
        assert_no_trace(&*store, &other, 0).await;
    }
    // Without a fingerprint there is none to compare.
    sample::stored(&*store, sample::plain_issue(), Some(sample::key(2))).await;
    let again = store.commit(&[sample::insert_with_fingerprint(&sample::plain_issue(), sample::key(2), print)]).await.unwrap();
    assert!(matches!(again[0], CommitOutcome::Duplicate { fingerprint: None, .. }));
}

pub(super) async fn a_key_twice_in_one_call_is_one_issue_and_one_duplicate(database: Database) {
    let store = database.open().await;
    for (n, extra) in [(1, None), (2, Some(sample::change(IssueWrite::None)))] {
        let [first, second, keyless, other] = [(); 4].map(|()| sample::plain_issue());
        let mut changes = vec![
            sample::with_children(sample::insert(&first, Some(sample::key(n))), &first, 1),
            sample::with_children(sample::insert(&second, Some(sample::key(n))), &second, 1),
            sample::insert(&keyless, None),
            sample::insert(&other, None),
            // The very same change again, as a caller that lost the answer would send it.
            sample::with_children(sample::insert(&first, Some(sample::key(n))), &first, 1),
        ];
        changes.extend(extra);
        let outcomes = store.commit(&changes).await.unwrap();
        assert!(is_inserted(&outcomes[0]) && is_inserted(&outcomes[2]) && is_inserted(&outcomes[3]));
        let stored = read(&*store, &first).await.unwrap();
        assert_eq!(*duplicate_of(&outcomes[1]), stored);
        assert_eq!(*duplicate_of(&outcomes[4]), stored);
        assert_no_trace(&*store, &second, 0).await;
        assert_eq!(store.events(first.id, 0, 10).await.unwrap(), changes[0].events);
    }
}

pub(super) async fn repeats_burn_no_numbers(database: Database) {
    let store = database.open().await;
    let first = sample::stored(&*store, sample::plain_issue(), Some(sample::key(1))).await;
    for _ in 0..5 {
        let repeats: Vec<Change> = (0..4).map(|_| sample::insert(&sample::plain_issue(), Some(sample::key(1)))).collect();
        assert_eq!(duplicate_of(&store.commit(&repeats).await.unwrap()[3]).id, first.id);
    }
    let next = sample::stored(&*store, sample::plain_issue(), Some(sample::key(2))).await;
    assert_eq!(next.number.0, first.number.0 + 1);
}

pub(super) async fn a_claim_settles_its_message_once(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let settle = leased(&database, &*store, &issue).await;
    let change = || {
        let mut change = settling(IssueWrite::None, settle);
        change.messages.push(sample::message(&issue, "gitea"));
        change
    };
    assert_eq!(store.commit(&[change(), change()]).await.unwrap(), [CommitOutcome::Written, CommitOutcome::ClaimLost]);
    let waiting = sample::waiting_messages(&*store, issue.id).await;
    assert_eq!(waiting.iter().map(|message| message.target.as_str()).collect::<Vec<_>>(), ["gitea"]);
    assert_eq!(store.commit(&[change()]).await.unwrap(), [CommitOutcome::ClaimLost]);
    // A new issue may come out of a message, too.
    let settle = leased(&database, &*store, &issue).await;
    let new = sample::plain_issue();
    let insert = Change { settles: Some(settle), ..sample::with_children(sample::insert(&new, None), &new, 1) };
    assert!(is_inserted(&store.commit(&[insert]).await.unwrap()[0]));
    assert_eq!(sample::waiting_messages(&*store, issue.id).await.len(), 1);
    assert_eq!(store.events(new.id, 0, 10).await.unwrap().len(), 1);
}

pub(super) async fn a_stale_token_settles_nothing_and_writes_nothing(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let settle = leased(&database, &*store, &issue).await;
    let new = sample::plain_issue();
    let stale = Settle { token: Uuid::from_u128(99), ..settle };
    let missing = Settle { message_id: settle.message_id + 1000, ..settle };
    for lost in [stale, missing] {
        let mut update = sample::update(&issue, 1);
        update.events.push(sample::event(&issue, 2));
        let insert = sample::with_children(sample::insert(&new, Some(sample::key(1))), &new, 1);
        let delete = sample::delete(&issue);
        for change in [update, insert, delete] {
            let change = Change { settles: Some(lost), ..change };
            assert_eq!(store.commit(&[change]).await.unwrap(), [CommitOutcome::ClaimLost]);
        }
    }
    assert_eq!(read(&*store, &issue).await, Some(issue.clone()));
    assert_eq!(read(&*store, &new).await, None);
    assert_no_trace(&*store, &new, 0).await;
    assert_eq!(store.events(issue.id, 0, 10).await.unwrap(), []);
    assert_eq!(sample::waiting_messages(&*store, issue.id).await.len(), 1);
    // A message without a lease cannot be settled.
    database.execute("update messages set lease_token = null").await;
    assert_eq!(store.commit(&[settling(IssueWrite::None, settle)]).await.unwrap(), [CommitOutcome::ClaimLost]);
}

pub(super) async fn a_change_that_is_not_written_settles_nothing(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), Some(sample::key(1))).await;
    let settle = leased(&database, &*store, &issue).await;
    let stale = Change { settles: Some(settle), ..sample::update(&issue, 5) };
    assert_eq!(store.commit(&[stale]).await.unwrap(), [CommitOutcome::Stale]);
    let duplicate = Change { settles: Some(settle), ..sample::insert(&sample::plain_issue(), Some(sample::key(1))) };
    assert_eq!(duplicate_of(&store.commit(&[duplicate]).await.unwrap()[0]).id, issue.id);
    assert_eq!(sample::waiting_messages(&*store, issue.id).await.len(), 1);
    assert_eq!(store.commit(&[settling(IssueWrite::None, settle)]).await.unwrap(), [CommitOutcome::Written]);
    assert_eq!(sample::waiting_messages(&*store, issue.id).await, []);
}

pub(super) async fn a_refused_call_is_broken_and_nothing_of_it_is_written(database: Database) {
    let store = database.open().await;
    let taken = sample::stored(&*store, sample::plain_issue(), None).await;
    let good = sample::plain_issue();
    let insert = sample::with_children(sample::insert(&good, Some(sample::key(1))), &good, 1);
    let bad = sample::insert(&taken, Some(sample::key(2)));
    let pure = vec![insert.clone(), bad.clone()];
    let mixed = vec![insert, sample::update(&taken, 1), bad];
    for changes in [pure, mixed] {
        let error = store.commit(&changes).await.unwrap_err();
        assert!(matches!(&error, StoreError::Broken { store: name, .. } if *name == store.name()), "{error}");
        assert!(!error.is_transient());
        assert_eq!(read(&*store, &good).await, None);
        assert_eq!(read(&*store, &taken).await, Some(taken.clone()));
        assert_no_trace(&*store, &good, 0).await;
    }
}
