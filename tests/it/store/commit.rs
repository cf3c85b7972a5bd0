//! What is written comes back, column by column.

use issue_core::domain::queue::message::Message;
use issue_core::domain::{
    Claim, CloseReason, Comment, CommentId, CommentWrite, Issue, IssueRef, Kind, Priority, Review, SourceType, State,
};
use issue_core::store::{CommitOutcome, Store};

use crate::support::database::Database;
use crate::support::sample::{self, at};

async fn read(store: &dyn Store, issue: &Issue) -> Issue {
    store.issues(&[IssueRef::Id(issue.id)]).await.unwrap().remove(0).unwrap()
}

async fn written(store: &dyn Store, change: issue_core::domain::Change) {
    assert_eq!(store.commit(&[change]).await.unwrap(), [CommitOutcome::Written]);
}

pub(super) async fn an_issue_with_every_field_set_comes_back(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::full_issue(), Some(sample::key(1))).await;
    assert!(issue.number.0 > 0);
    assert_eq!(read(&*store, &issue).await, issue);
}

pub(super) async fn an_issue_with_every_optional_field_empty_comes_back(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    assert_eq!(read(&*store, &issue).await, issue);
}

pub(super) async fn every_state_review_and_word_comes_back(database: Database) {
    let store = database.open().await;
    let blocked = |was_started| State::Blocked { reason: "waits".to_owned(), since: at(3), was_started };
    let mut states = vec![State::Open, State::InProgress, blocked(false), blocked(true)];
    states.extend(CloseReason::ALL.iter().map(|reason| State::Closed { reason: *reason, at: at(4) }));
    let reviews = [Review::None, Review::Pending, Review::Approved, Review::Rejected { reason: "no".to_owned() }];
    let mut issues = Vec::new();
    issues.extend(states.into_iter().map(|state| Issue { state, ..sample::plain_issue() }));
    issues.extend(reviews.into_iter().map(|review| Issue { review, ..sample::plain_issue() }));
    issues.extend(Priority::ALL.iter().map(|priority| Issue { priority: *priority, ..sample::plain_issue() }));
    issues.extend(Kind::ALL.iter().map(|kind| Issue { kind: *kind, ..sample::plain_issue() }));
    for source_type in SourceType::ALL {
        let mut issue = sample::plain_issue();
        issue.origin.source_type = Some(*source_type);
        issues.push(issue);
    }
    for issue in issues {
        let issue = sample::stored(&*store, issue, None).await;
        assert_eq!(read(&*store, &issue).await, issue);
    }
}

pub(super) async fn an_update_writes_every_field_and_clears_every_field(database: Database) {
    let store = database.open().await;
    let plain = sample::stored(&*store, sample::plain_issue(), None).await;
    // What is given once stays.
    let full = Issue { id: plain.id, number: plain.number, created_at: plain.created_at, version: 2, ..sample::full_issue() };
    written(&*store, sample::update(&full, 1)).await;
    assert_eq!(read(&*store, &plain).await, full);
    let closed = State::Closed { reason: CloseReason::NotPlanned, at: at(20) };
    let other = Issue { state: closed, claim: Some(Claim { holder: "b".to_owned(), until: at(30) }), version: 3, ..full };
    written(&*store, sample::update(&other, 2)).await;
    assert_eq!(read(&*store, &plain).await, other);
    let cleared = Issue { version: 4, ..plain };
    written(&*store, sample::update(&cleared, 3)).await;
    assert_eq!(read(&*store, &cleared).await, cleared);
}

pub(super) async fn a_description_of_a_mebibyte_comes_back(database: Database) {
    let store = database.open().await;
    let issue = Issue { description: "\u{1F980}\n".repeat(1 << 18), ..sample::plain_issue() };
    let issue = sample::stored(&*store, issue, None).await;
    assert_eq!(read(&*store, &issue).await, issue);
}

async fn assert_children(store: &dyn Store, change: &issue_core::domain::Change, issue: &Issue) {
    assert_eq!(store.events(issue.id, 0, 100).await.unwrap(), change.events);
    let comments = store.comments(issue.id, None, 100).await.unwrap();
    let added: Vec<CommentWrite> = comments.into_iter().map(CommentWrite::Add).collect();
    assert_eq!(added, change.comments);
    let messages = sample::waiting_messages(store, issue.id).await;
    assert_eq!(messages.len(), change.messages.len());
    for (message, new) in messages.into_iter().zip(&change.messages) {
        assert!(message.id > 0);
        let expected = Message {
            id: message.id,
            kind: new.kind,
            target: new.target.clone(),
            issue_id: new.issue_id,
            event_seq: new.event_seq,
            attempt: 0,
            leased_until: None,
            dead_at: None,
            due_at: new.due_at,
            trace: new.trace.clone(),
            last_error: None,
            created_at: message.created_at,
        };
        assert_eq!(message, expected);
    }
}

/// Several of everything, so that orders show; one of each with its optional fields empty.
fn with_many_children(mut change: issue_core::domain::Change, issue: &Issue, seq: i64) -> issue_core::domain::Change {
    for n in 0..3 {
        change = sample::with_children(change, issue, seq + n);
    }
    let mut bare = sample::event(issue, seq + 3);
    bare.trace = None;
    bare.detail.changes.clear();
    bare.detail.reason = None;
    bare.detail.comment_id = None;
    change.events.push(bare);
    let edited = Comment { edited_at: Some(at(9)), ..sample::comment(issue) };
    change.comments.push(CommentWrite::Add(edited));
    let mut bare = sample::message(issue, "state_hub");
    bare.trace = None;
    change.messages.push(bare);
    change
}

pub(super) async fn what_belongs_to_a_new_issue_is_written_with_it(database: Database) {
    let store = database.open().await;
    let issue = sample::full_issue();
    let change = with_many_children(sample::insert(&issue, Some(sample::key(1))), &issue, 1);
    assert!(matches!(store.commit(std::slice::from_ref(&change)).await.unwrap()[..], [CommitOutcome::Inserted(_)]));
    assert_children(&*store, &change, &issue).await;
    // A message says when it was written, and by the database's clock that is about now.
    let age = "select count(*) from messages where created_at < '2020-01-01' or created_at > '2200-01-01'";
    assert_eq!(database.number(age).await, 0);
}

pub(super) async fn what_belongs_to_an_update_is_written_with_it(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let change = with_many_children(sample::update(&issue, 1), &issue, 2);
    written(&*store, change.clone()).await;
    assert_children(&*store, &change, &issue).await;
    // A change about messages only writes them, too.
    let mut only = sample::change(issue_core::domain::IssueWrite::None);
    only.messages.push(sample::message(&issue, "gitea"));
    written(&*store, only).await;
    assert_eq!(sample::waiting_messages(&*store, issue.id).await.last().unwrap().target, "gitea");
}

pub(super) async fn comments_are_edited_and_deleted_with_their_change(database: Database) {
    let store = database.open().await;
    let issue = sample::plain_issue();
    let comments: Vec<Comment> = (0..3).map(|_| sample::comment(&issue)).collect();
    let mut change = sample::insert(&issue, None);
    change.comments = comments.iter().cloned().map(CommentWrite::Add).collect();
    store.commit(&[change]).await.unwrap();
    let edited = Comment { body: "better".to_owned(), edited_at: Some(at(5)), ..comments[1].clone() };
    let mut change = sample::update(&issue, 1);
    change.comments = vec![CommentWrite::Edit(edited.clone()), CommentWrite::Delete(comments[0].id)];
    written(&*store, change).await;
    assert_eq!(store.comments(issue.id, None, 10).await.unwrap(), [edited, comments[2].clone()]);
    // A comment is edited under its own issue only.
    let other = sample::stored(&*store, sample::plain_issue(), None).await;
    let mut change = sample::update(&other, 1);
    change.comments = vec![CommentWrite::Edit(Comment { issue_id: other.id, body: "stolen".to_owned(), ..comments[2].clone() })];
    written(&*store, change).await;
    assert_eq!(store.comment(comments[2].id).await.unwrap(), Some(comments[2].clone()));
}

pub(super) async fn deleting_an_issue_takes_everything_along_and_frees_its_key_but_not_its_number(database: Database) {
    let store = database.open().await;
    let (gone, kept) = (sample::plain_issue(), sample::plain_issue());
    let inserts =
        [&kept, &gone].map(|issue| sample::with_children(sample::insert(issue, Some(sample::key(u32::from(issue == &gone)))), issue, 1));
    store.commit(&inserts).await.unwrap();
    let number = read(&*store, &gone).await.number;
    written(&*store, sample::delete(&gone)).await;
    assert_eq!(store.issues(&[IssueRef::Id(gone.id), IssueRef::Number(number)]).await.unwrap(), [None, None]);
    assert!(store.events(gone.id, 0, 10).await.unwrap().is_empty());
    assert!(store.comments(gone.id, None, 10).await.unwrap().is_empty());
    assert!(sample::waiting_messages(&*store, gone.id).await.is_empty());
    assert_eq!(store.commit(&[sample::delete(&gone)]).await.unwrap(), [CommitOutcome::Stale]);
    assert_children(&*store, &inserts[0], &kept).await;
    let next = sample::stored(&*store, sample::plain_issue(), Some(sample::key(1))).await;
    assert!(next.number > number, "a number is never given twice");
}

pub(super) async fn a_large_batch_of_every_kind_is_written(database: Database) {
    const MANY: u32 = 300;
    let store = database.open().await;
    let issues: Vec<Issue> = (0..MANY).map(|_| sample::plain_issue()).collect();
    let inserts: Vec<_> =
        issues.iter().zip(0..).map(|(issue, n)| sample::with_children(sample::insert(issue, Some(sample::key(n))), issue, 1)).collect();
    let outcomes = store.commit(&inserts).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, CommitOutcome::Inserted(_))));
    let second = |(at, issue): (usize, &Issue)| match at % 3 {
        0 => sample::delete(issue),
        1 => sample::with_children(sample::update(issue, 1), issue, 2),
        _ => {
            let comment = store_comment(&inserts[at]);
            let mut change = sample::update(issue, 1);
            change.comments = vec![CommentWrite::Delete(comment)];
            change
        }
    };
    let changes: Vec<_> = issues.iter().enumerate().map(second).collect();
    assert!(store.commit(&changes).await.unwrap().iter().all(|outcome| *outcome == CommitOutcome::Written));
    assert_eq!(database.number("select count(*) from issues").await, 200);
    assert_eq!(database.number("select count(*) from events").await, 300);
    assert_eq!(database.number("select count(*) from comments").await, 200);
    assert_eq!(database.number("select count(*) from messages").await, 300);
}

fn store_comment(change: &issue_core::domain::Change) -> CommentId {
    let CommentWrite::Add(comment) = &change.comments[0] else { panic!("the sample adds a comment") };
    comment.id
}
