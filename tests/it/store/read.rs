//! Reading: order, pages, and what cannot be read.

use issue_core::domain::{CommentId, CommentWrite, Fingerprint, Issue, IssueId, IssueNumber, IssueRef, IssueWrite, MessageState, Review};
use issue_core::store::queue::MessageFilter;
use issue_core::store::{FiledIssue, StoreError};

use crate::support::database::Database;
use crate::support::sample::{self, at};

pub(super) async fn issues_are_found_by_id_and_number_in_the_order_asked(database: Database) {
    let store = database.open().await;
    let first = sample::stored(&*store, sample::plain_issue(), None).await;
    let second = sample::stored(&*store, sample::full_issue(), None).await;
    let archived = sample::stored(&*store, Issue { archived_at: Some(at(1)), ..sample::plain_issue() }, None).await;
    let asked = [
        IssueRef::Number(second.number),
        IssueRef::Id(IssueId(sample::id())),
        IssueRef::Id(archived.id),
        IssueRef::Id(first.id),
        IssueRef::Number(IssueNumber(i64::MAX)),
        IssueRef::Id(second.id),
        IssueRef::Id(first.id),
    ];
    let expected = [Some(&second), None, Some(&archived), Some(&first), None, Some(&second), Some(&first)];
    let found = store.issues(&asked).await.unwrap();
    assert_eq!(found.iter().map(Option::as_ref).collect::<Vec<_>>(), expected);
    assert_eq!(store.issues(&[IssueRef::Number(first.number)]).await.unwrap(), [Some(first)]);
}

pub(super) async fn what_was_filed_is_found_by_its_key_in_the_order_asked(database: Database) {
    let store = database.open().await;
    let plain = sample::plain_issue();
    let print = Fingerprint([7; 32]);
    store.commit(&[sample::insert_with_fingerprint(&plain, sample::key(1), print)]).await.unwrap();
    let first = store.issues(&[IssueRef::Id(plain.id)]).await.unwrap().remove(0).unwrap();
    let second = sample::stored(&*store, Issue { archived_at: Some(at(1)), ..sample::full_issue() }, Some(sample::key(2))).await;
    sample::stored(&*store, sample::plain_issue(), None).await;
    let keys = [2, 3, 1, 2].map(sample::key);
    let expected = [
        Some(FiledIssue { issue: second.clone(), fingerprint: None }),
        None,
        Some(FiledIssue { issue: first, fingerprint: Some(print) }),
        Some(FiledIssue { issue: second, fingerprint: None }),
    ];
    assert_eq!(store.filed_under(&keys).await.unwrap(), expected);
    assert_eq!(store.filed_under(&[]).await.unwrap(), []);
}

pub(super) async fn events_are_read_page_by_page(database: Database) {
    let store = database.open().await;
    let (issue, other) = (sample::plain_issue(), sample::plain_issue());
    let mut change = sample::insert(&issue, None);
    // Written in no order.
    change.events = [3, 1, 5, 2, 4].map(|seq| sample::event(&issue, seq)).into();
    store.commit(&[change, sample::with_children(sample::insert(&other, None), &other, 1)]).await.unwrap();
    let page = async |after, limit| {
        let events = store.events(issue.id, after, limit).await.unwrap();
        events.into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2).await, [1, 2]);
    assert_eq!(page(2, 2).await, [3, 4]);
    assert_eq!(page(4, 2).await, [5]);
    assert_eq!(page(5, 2).await, [0_i64; 0]);
    assert_eq!(page(0, 0).await, [0_i64; 0]);
    assert_eq!(page(0, u32::MAX).await.len(), 5);
}

pub(super) async fn comments_are_read_page_by_page(database: Database) {
    let store = database.open().await;
    let (issue, other) = (sample::plain_issue(), sample::plain_issue());
    let mut comments: Vec<_> = (0..5).map(|_| sample::comment(&issue)).collect();
    let mut change = sample::insert(&issue, None);
    change.comments = comments.iter().rev().cloned().map(CommentWrite::Add).collect();
    store.commit(&[change, sample::with_children(sample::insert(&other, None), &other, 1)]).await.unwrap();
    comments.sort_by_key(|comment| comment.id);
    assert_eq!(store.comments(issue.id, None, 2).await.unwrap(), comments[..2]);
    assert_eq!(store.comments(issue.id, Some(comments[1].id), 2).await.unwrap(), comments[2..4]);
    assert_eq!(store.comments(issue.id, Some(comments[3].id), 9).await.unwrap(), comments[4..]);
    assert_eq!(store.comments(issue.id, Some(comments[4].id), 9).await.unwrap(), []);
}

pub(super) async fn a_comment_is_found_by_its_id(database: Database) {
    let store = database.open().await;
    let issue = sample::plain_issue();
    let comments = [sample::comment(&issue), sample::comment(&issue)];
    let mut change = sample::insert(&issue, None);
    change.comments = comments.iter().cloned().map(CommentWrite::Add).collect();
    store.commit(&[change]).await.unwrap();
    assert_eq!(store.comment(comments[1].id).await.unwrap(), Some(comments[1].clone()));
    assert_eq!(store.comment(CommentId(sample::id())).await.unwrap(), None);
}

pub(super) async fn comments_are_found_by_their_ids(database: Database) {
    let store = database.open().await;
    let issue = sample::plain_issue();
    let comments: Vec<_> = (0..3).map(|_| sample::comment(&issue)).collect();
    let mut change = sample::insert(&issue, None);
    change.comments = comments.iter().cloned().map(CommentWrite::Add).collect();
    store.commit(&[change]).await.unwrap();
    let mut found = store.comments_named(&[comments[2].id, CommentId(sample::id()), comments[0].id]).await.unwrap();
    found.sort_by_key(|comment| comment.id);
    assert_eq!(found, [comments[0].clone(), comments[2].clone()]);
    assert_eq!(store.comments_named(&[]).await.unwrap(), []);
}

pub(super) async fn what_waits_for_review_is_read_page_by_page(database: Database) {
    let store = database.open().await;
    let mut waiting = Vec::new();
    for review in [Review::Pending, Review::None, Review::Pending, Review::Approved, Review::Pending] {
        let is_pending = review == Review::Pending;
        let issue = sample::stored(&*store, Issue { review, ..sample::plain_issue() }, None).await;
        waiting.extend(is_pending.then_some(issue));
    }
    let archived = Issue { review: Review::Pending, archived_at: Some(at(1)), ..sample::plain_issue() };
    sample::stored(&*store, archived, None).await;
    assert_eq!(store.pending_reviews(None, 2).await.unwrap(), waiting[..2]);
    assert_eq!(store.pending_reviews(Some(waiting[1].number), 2).await.unwrap(), waiting[2..]);
    assert_eq!(store.pending_reviews(Some(waiting[2].number), 2).await.unwrap(), []);
    let decided = Issue { review: Review::Approved, version: 2, ..waiting[0].clone() };
    store.commit(&[sample::update(&decided, 1)]).await.unwrap();
    assert_eq!(store.pending_reviews(None, 9).await.unwrap(), waiting[1..]);
}

pub(super) async fn messages_are_listed_by_state_oldest_first(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let mut change = sample::change(IssueWrite::None);
    change.messages = ["c", "a", "b", "dead"].map(|target| sample::message(&issue, target)).into();
    let mut elsewhere = sample::change(IssueWrite::None);
    elsewhere.messages.push(sample::message(&sample::plain_issue(), "other"));
    store.commit(&[change, elsewhere]).await.unwrap();
    database.execute("update messages set dead_at = created_at where target = 'dead'").await;
    database.execute("update messages set attempt = 3, last_error = 'HTTP 502' where target = 'b'").await;
    let all = store.messages(&MessageFilter::default(), 0, 10).await.unwrap();
    assert_eq!(all.iter().map(|message| message.target.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "dead", "other"]);
    assert_eq!((all[2].attempt, all[2].last_error.as_deref()), (3, Some("HTTP 502")));
    assert_eq!(store.messages(&MessageFilter::default(), all[0].id, 2).await.unwrap(), all[1..3]);
    for (state, place) in [(MessageState::Pending, &[0, 1, 4][..]), (MessageState::Retrying, &[2]), (MessageState::Dead, &[3])] {
        let filter = MessageFilter { state: Some(state), ..MessageFilter::default() };
        let expected: Vec<_> = place.iter().map(|place| all[*place].clone()).collect();
        assert_eq!(store.messages(&filter, 0, 10).await.unwrap(), expected, "{state:?}");
    }
}

pub(super) async fn an_unknown_word_is_broken_not_guessed(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::full_issue(), Some(sample::key(1))).await;
    let damages = [
        ("state", "'paused'", "'blocked'"),
        ("blocked_reason", "null", "'waits'"),
        ("blocked_at", "null", "updated_at"),
        ("priority", "'urgent'", "'high'"),
        ("kind", "'epic'", "'bug'"),
        ("review", "'maybe'", "'rejected'"),
        ("review_reason", "null", "'no'"),
        ("source_type", "'oracle'", "'rule'"),
        ("claimed_until", "null", "updated_at"),
    ];
    for (column, damage, repair) in damages {
        database.execute(&format!("update issues set {column} = {damage}")).await;
        let error = store.issues(&[IssueRef::Id(issue.id)]).await.unwrap_err();
        let StoreError::Broken { reason, .. } = &error else { panic!("{column}: {error}") };
        assert!(reason.contains(&issue.id.to_string()), "it says which row: {reason}");
        let error = store.commit(&[sample::insert(&sample::plain_issue(), Some(sample::key(1)))]).await.unwrap_err();
        assert!(matches!(error, StoreError::Broken { .. }), "{column}: {error}");
        database.execute(&format!("update issues set {column} = {repair}")).await;
    }
    store.issues(&[IssueRef::Id(issue.id)]).await.unwrap();
}

pub(super) async fn numbers_are_answered_for_issues_that_exist(database: Database) {
    let store = database.open().await;
    let (one, two) =
        (sample::stored(&*store, sample::plain_issue(), None).await, sample::stored(&*store, sample::plain_issue(), None).await);
    let asked = [IssueRef::Number(two.number), IssueRef::Id(one.id), IssueRef::Number(one.number), IssueRef::Number(IssueNumber(999))];
    let mut told = store.numbers(&asked).await.unwrap();
    told.sort();
    assert_eq!(told, [(one.id, one.number), (two.id, two.number)]);
    assert_eq!(store.numbers(&[IssueRef::Id(IssueId(sample::id()))]).await.unwrap(), []);
    assert_eq!(store.numbers(&[]).await.unwrap(), []);
}
