//! Random walks through every rule, and the table of what each state allows.

use crate::domain::issue::edit::EditIssue;
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::base::vocabulary::{CloseReason, StateName};
use crate::domain::issue::create::CreateIssue;
use crate::domain::request::create::TaskSpec;

fn stamp(second: i64) -> Stamp {
    Stamp { now: DateTime::UNIX_EPOCH + TimeDelta::seconds(second), id: Uuid::from_u128(second.unsigned_abs().into()) }
}

fn cause() -> Cause {
    Cause { actor: "tester".to_owned(), trace: None }
}

fn new(spec: TaskSpec) -> Change {
    let issue = CreateIssue::parse(spec).unwrap().into_issue(Vec::new(), "sqlite", stamp(0));
    create(NewIssue { issue, dedupe: None, route: None }, &cause(), stamp(0))
}

fn issue(review: bool) -> Issue {
    let spec = TaskSpec { title: "t".to_owned().into(), review_required: review.into(), ..TaskSpec::default() };
    let change = new(spec);
    change.issue().unwrap().clone()
}

/// Every request there is, by number.
fn wish(n: u8, issue: &Issue, stamp: Stamp) -> Decision {
    let by = &cause();
    match n {
        0 => start(issue, by, stamp),
        1 => block(issue, "waits".to_owned(), by, stamp),
        2 => block(issue, "waits for more".to_owned(), by, stamp),
        3 => unblock(issue, by, stamp),
        4 => close(issue, CloseReason::Completed, by, stamp),
        5 => close(issue, CloseReason::Duplicate, by, stamp),
        6 => reopen(issue, by, stamp),
        7 => archive(issue, by, stamp),
        8 => restore(issue, by, stamp),
        9 => claim(issue, "a", TimeDelta::seconds(10), by, stamp),
        10 => claim(issue, "b", TimeDelta::seconds(10), by, stamp),
        11 => release(issue, "a", by, stamp),
        12 => approve(issue, by, stamp),
        13 => reject(issue, "no".to_owned(), by, stamp),
        14 => edit(issue, EditIssue { title: Some("u".to_owned()), ..EditIssue::default() }, by, stamp),
        15 => edit(issue, EditIssue { milestone: Some(None), labels: Some(vec!["l".to_owned()]), ..EditIssue::default() }, by, stamp),
        16 => close_saying(issue, CloseReason::Completed, "done".to_owned(), by, stamp),
        17 => edit_and_approve(issue, EditIssue { title: Some("v".to_owned()), ..EditIssue::default() }, by, stamp),
        _ => add_comment(issue, "c".to_owned(), by, stamp).map(|(_, change)| Some(change)),
    }
}

/// How many requests there are.
const WISHES: u8 = 19;

#[test]
fn an_issue_relates_to_others_and_not_to_itself() {
    use crate::domain::issue::relation::{IssueRelation, Relation, RelationEnd};
    let before = issue(false);
    let to = |to| EditIssue { relations: Some(vec![IssueRelation { relation: Relation::Blocks, to }]), ..EditIssue::default() };
    let other = RelationEnd::Elsewhere("gitea:acme/tools#7".parse().unwrap());
    let change = edit(&before, to(other.clone()), &cause(), stamp(1)).unwrap().unwrap();
    let told = &change.events[0].detail.changes[0];
    assert_eq!(
        (&*told.field, &told.from, &told.to),
        ("relations", &serde_json::json!([]), &serde_json::json!(["blocks gitea:acme/tools#7"]))
    );
    assert_eq!(edit(change.issue().unwrap(), to(other), &cause(), stamp(2)), Ok(None));
    assert_eq!(edit(&before, to(RelationEnd::Issue(before.id)), &cause(), stamp(1)).unwrap_err().code, "relation_to_itself");
}

proptest! {
    #[test]
    fn after_any_requests_the_history_is_gapless_and_the_state_is_sound(review: bool, walk in prop::collection::vec((0..WISHES, -5i64..60), 1..150)) {
        let mut issue = issue(review);
        let mut second = 0;
        for (n, pass) in walk {
            second += pass;
            let before = issue.clone();
            let Ok(Some(change)) = wish(n, &before, stamp(second)) else { continue };
            issue = change.issue().expect("every wish writes the issue").clone();
            prop_assert_eq!(&change.write, &IssueWrite::Update { issue: Box::new(issue.clone()), read_version: before.version });
            let seqs: Vec<_> = change.events.iter().map(|event| event.seq).collect();
            prop_assert_eq!(seqs, (before.version + 1..=issue.version).collect::<Vec<_>>());
            let ids: std::collections::HashSet<_> = change.events.iter().map(|event| event.id).collect();
            prop_assert_eq!(ids.len(), change.events.len(), "each event has an id of its own");
            // An issue that enters the queue gets a review request, and no other issue gets one.
            let asked = change.events.iter().any(|event| event.kind == EventKind::ReviewRequested);
            let entered = issue.review.state() == ReviewState::Pending && before.review.state() != ReviewState::Pending;
            prop_assert_eq!(asked, entered);
            prop_assert!(issue.updated_at >= before.updated_at);
            prop_assert!(issue.state.name() != StateName::Closed || issue.claim.is_none());
            // While review is pending, only fields, released claims and the archive may change.
            if before.review.state() == ReviewState::Pending && issue.review == before.review {
                prop_assert_eq!(&issue.state, &before.state);
                prop_assert!(issue.claim.is_none());
            }
            // Two holders never overlap.
            if let (Some(old), Some(new)) = (&before.claim, &issue.claim) {
                prop_assert!(old.holder == new.holder || !old.is_live(stamp(second).now));
            }
        }
    }

    #[test]
    fn a_request_granted_is_no_news_the_second_time(n in prop_oneof![0u8..9, 16u8..18], walk in prop::collection::vec(0..WISHES, 0..20)) {
        let mut issue = issue(false);
        for n in walk {
            if let Ok(Some(change)) = wish(n, &issue, stamp(1)) { issue = change.issue().unwrap().clone(); }
        }
        if let Ok(Some(change)) = wish(n, &issue, stamp(2)) {
            prop_assert_eq!(wish(n, change.issue().unwrap(), stamp(3)), Ok(None));
        }
    }
}

#[test]
fn each_state_allows_what_the_table_says() {
    let open = issue(false);
    let after = |issue: &Issue, n| wish(n, issue, stamp(1)).unwrap().unwrap().issue().unwrap().clone();
    let started = after(&open, 0);
    let blocked = after(&started, 1);
    let closed = after(&blocked, 4);
    let archived = after(&open, 7);
    let pending = issue(true);
    let refused = |issue: &Issue, n| wish(n, issue, stamp(2)).expect_err("refused").code;
    assert_eq!(after(&blocked, 3).state.name(), StateName::InProgress, "unblocking goes back to work");
    assert_eq!(after(&after(&open, 1), 3).state.name(), StateName::Open);
    assert_eq!(refused(&blocked, 0), "issue_blocked");
    for n in [0, 1, 3, 5, 9] {
        assert_eq!(refused(&closed, n), "issue_closed", "wish {n}");
    }
    for n in [0, 1, 3, 4, 6, 9, 12, 13, 14, 16] {
        assert_eq!(refused(&archived, n), "issue_archived", "wish {n}");
    }
    for n in [0, 1, 4, 9] {
        assert_eq!(refused(&pending, n), "review_pending", "wish {n}");
    }
    assert_eq!(refused(&open, 12), "not_pending");
    let rejected = after(&pending, 13);
    assert_eq!(rejected.state.name(), StateName::Closed);
    assert_eq!(after(&rejected, 6).review, crate::domain::issue::Review::Pending, "what was rejected waits again");
    assert_eq!(refused(&after(&open, 9), 10), "claimed");
}

#[test]
fn several_events_of_one_change_are_in_the_order_of_their_causes() {
    let kinds = |change: &Change| change.events.iter().map(|event| event.kind).collect::<Vec<_>>();
    let spec = TaskSpec { title: "t".to_owned().into(), review_required: true.into(), ..TaskSpec::default() };
    let created = new(spec);
    assert_eq!(kinds(&created), [EventKind::Created, EventKind::ReviewRequested]);
    assert!(matches!(&created.write, IssueWrite::Insert { issue, .. } if issue.version == 2));

    let closed = wish(16, &issue(false), stamp(1)).unwrap().unwrap();
    assert_eq!(kinds(&closed), [EventKind::CommentAdded, EventKind::Closed]);
    assert_eq!(closed.comments.len(), 1);
    let approved = wish(17, created.issue().unwrap(), stamp(1)).unwrap().unwrap();
    assert_eq!(kinds(&approved), [EventKind::Edited, EventKind::ReviewApproved]);
    assert_eq!((approved.issue().unwrap().title.as_str(), approved.issue().unwrap().version), ("v", 4));
    assert_eq!(wish(17, &issue(false), stamp(1)).unwrap_err().code, "not_pending", "and the edit is not made either");
    let rejected = wish(13, created.issue().unwrap(), stamp(1)).unwrap().unwrap();
    let reopened = wish(6, rejected.issue().unwrap(), stamp(2)).unwrap().unwrap();
    assert_eq!(kinds(&reopened), [EventKind::Reopened, EventKind::ReviewRequested]);
}

#[test]
fn every_edition_of_a_comment_is_later_than_the_one_before_by_any_clock() {
    let open = issue(false);
    let (comment, _) = add_comment(&open, "one".to_owned(), &cause(), stamp(9)).unwrap();
    let change = edit_comment(&open, &comment, "two".to_owned(), &cause(), stamp(3)).unwrap().unwrap();
    let [crate::domain::CommentWrite::Edit(edited)] = &change.comments[..] else { panic!("{:?}", change.comments) };
    assert!(edited.written_at() > comment.written_at());
    assert_eq!(edit_comment(&open, edited, "two".to_owned(), &cause(), stamp(4)), Ok(None));
}
