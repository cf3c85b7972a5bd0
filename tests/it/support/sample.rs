//! Sample values: the smallest that is right, the fullest, and changes around them. Every call gives a new id.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use issue_core::domain::event::{EventDetail, FieldChange};
use issue_core::domain::{
    Change, Claim, Comment, CommentId, CommentWrite, Dedupe, DedupeKey, Event, EventKind, Fingerprint, Issue, IssueId, IssueNumber,
    IssueRelation, IssueWrite, Kind, Message, MessageKind, NewMessage, Priority, Relation, RelationEnd, Review, SourceType, Stamp, State,
    TaskOrigin, TrackerKey,
};
use issue_core::store::queue::MessageFilter;
use issue_core::store::{CommitOutcome, Store};
use serde_json::json;
use uuid::Uuid;

/// A new id; later ones sort later.
pub(crate) fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    uuid::Builder::from_unix_timestamp_millis(NEXT.fetch_add(1, Ordering::Relaxed), &[7; 10]).into_uuid()
}

/// The real time and a fresh id, for what meets real processes.
pub(crate) fn stamp() -> Stamp {
    issue_core::clock::Clock::System.stamp()
}

/// A moment some seconds after the epoch of this suite, with microseconds, the finest that a store keeps.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap() + TimeDelta::seconds(second)
}

/// A key among many.
pub(crate) fn key(n: u32) -> DedupeKey {
    let mut key = [0; 32];
    key[28..].copy_from_slice(&n.to_be_bytes());
    DedupeKey(key)
}

/// Every optional field empty.
pub(crate) fn plain_issue() -> Issue {
    Issue {
        id: IssueId(id()),
        number: IssueNumber::UNASSIGNED,
        title: "Flag stale SBOM".to_owned(),
        description: String::new(),
        state: State::Open,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        due_on: None,
        relations: Vec::new(),
        target_repo: None,
        backend: "gitea".to_owned(),
        url: None,
        origin: TaskOrigin::default(),
        review: Review::None,
        claim: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
        archived_at: None,
    }
}

/// Every field set, each to something that no other field holds.
pub(crate) fn full_issue() -> Issue {
    Issue {
        id: IssueId(id()),
        number: IssueNumber::UNASSIGNED,
        title: "Ünïcode \"quoted\" \\ 'title' \u{1F980}".to_owned(),
        description: "line one\r\nline two\t\u{1}\u{7f} {\"json\": null} %s $1 ?1 --".to_owned(),
        state: State::Blocked { reason: "waits for a key".to_owned(), since: at(11), was_started: true },
        priority: Priority::High,
        kind: Kind::Bug,
        labels: vec!["b".to_owned(), "a \"quoted\", one".to_owned(), "{}".to_owned()],
        assignees: vec!["zoe".to_owned(), "adam".to_owned()],
        milestone: Some("v1".to_owned()),
        due_on: NaiveDate::from_ymd_opt(2028, 2, 29),
        relations: vec![
            IssueRelation { relation: Relation::BlockedBy, to: RelationEnd::Issue(IssueId(id())) },
            IssueRelation { relation: Relation::Parent, to: RelationEnd::Elsewhere(TrackerKey::new("t0", "acme/\"töols\"#7").unwrap()) },
        ],
        target_repo: Some("activity-core".to_owned()),
        backend: "github".to_owned(),
        url: Some("https://example.org/issues/7".to_owned()),
        origin: TaskOrigin {
            source_type: Some(SourceType::Instruction),
            source_id: Some("flag-stale-sbom".to_owned()),
            triggering_event_id: Some("nightly-2026-06-16T07:00:00+00:00".to_owned()),
            activity_definition_id: Some("d0".to_owned()),
        },
        review: Review::Rejected { reason: "too vague".to_owned() },
        claim: Some(Claim { holder: "agent-7".to_owned(), until: at(12) }),
        version: 9,
        created_at: at(13),
        updated_at: at(14),
        archived_at: Some(at(15)),
    }
}

pub(crate) fn event(issue: &Issue, seq: i64) -> Event {
    let changes = vec![FieldChange { field: "title".into(), from: json!("old"), to: json!(["new", 1, 2.5, null]) }];
    Event {
        issue_id: issue.id,
        seq,
        id: id(),
        kind: EventKind::Edited,
        actor: "tester".to_owned(),
        at: at(seq),
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        detail: EventDetail { changes, reason: Some("because".to_owned()), comment_id: Some(CommentId(id())), ..EventDetail::of(issue) },
    }
}

pub(crate) fn comment(issue: &Issue) -> Comment {
    Comment {
        id: CommentId(id()),
        issue_id: issue.id,
        author: "ann".to_owned(),
        body: "first\nsecond".to_owned(),
        created_at: at(1),
        edited_at: None,
    }
}

pub(crate) fn message(issue: &Issue, target: &str) -> NewMessage {
    NewMessage {
        kind: MessageKind::Dispatch,
        target: target.to_owned(),
        issue_id: issue.id,
        event_seq: 1,
        due_at: at(2),
        trace: Some("00-trace-01".to_owned()),
    }
}

pub(crate) fn change(write: IssueWrite) -> Change {
    Change::of(write)
}

/// The change that inserts the issue, under a key if one is given.
pub(crate) fn insert(issue: &Issue, key: Option<DedupeKey>) -> Change {
    let dedupe = key.map(|key| Dedupe { key, fingerprint: None });
    change(IssueWrite::Insert { issue: Box::new(issue.clone()), dedupe })
}

pub(crate) fn insert_with_fingerprint(issue: &Issue, key: DedupeKey, fingerprint: Fingerprint) -> Change {
    change(IssueWrite::Insert { issue: Box::new(issue.clone()), dedupe: Some(Dedupe { key, fingerprint: Some(fingerprint) }) })
}

/// The change that writes `issue` as the version after `read_version`.
pub(crate) fn update(issue: &Issue, read_version: i64) -> Change {
    change(IssueWrite::Update { issue: Box::new(Issue { version: read_version + 1, ..issue.clone() }), read_version })
}

pub(crate) fn delete(issue: &Issue) -> Change {
    change(IssueWrite::Delete { id: issue.id, read_version: issue.version })
}

/// The same change with one of everything that can hang on it.
pub(crate) fn with_children(mut change: Change, issue: &Issue, seq: i64) -> Change {
    change.events.push(event(issue, seq));
    change.comments.push(CommentWrite::Add(comment(issue)));
    change.messages.push(message(issue, "dispatch"));
    change
}

/// Commits one insert and gives the issue as it is stored.
pub(crate) async fn stored(store: &dyn Store, issue: Issue, key: Option<DedupeKey>) -> Issue {
    let outcomes = store.commit(&[insert(&issue, key)]).await.unwrap();
    let [CommitOutcome::Inserted(number)] = outcomes[..] else { panic!("not inserted: {outcomes:?}") };
    Issue { number, ..issue }
}

/// The messages of an issue that are not dead, oldest first.
pub(crate) async fn waiting_messages(store: &dyn Store, issue: IssueId) -> Vec<Message> {
    let messages = store.messages(&MessageFilter::default(), 0, 10_000).await.unwrap();
    messages.into_iter().filter(|message| message.issue_id == issue && message.dead_at.is_none()).collect()
}
