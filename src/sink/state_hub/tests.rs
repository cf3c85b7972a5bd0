//! The contract's texts, without a hub: what is sent, to the letter, and what an answer means.

use serde_json::Value;

use super::*;
use crate::domain::event::{Event, EventDetail, IssueSnapshot};
use crate::domain::{IssueId, IssueNumber, SourceType, TaskOrigin};

/// What the hub refuses as a field name, anywhere in the body.
const SECRET_LOOKING: &[&str] =
    &["authorization", "cookie", "password", "secret", "api_key", "access_token", "refresh_token", "private_key", "credential", "token"];

fn notice(kind: EventKind, text: &str, title: &str) -> Notice {
    Notice {
        event: Event {
            issue_id: IssueId(Uuid::from_u128(1)),
            seq: 3,
            id: Uuid::from_u128(2),
            kind,
            actor: text.chars().take(100).collect(),
            at: chrono::DateTime::UNIX_EPOCH,
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            detail: EventDetail {
                snapshot: IssueSnapshot { title: title.to_owned(), backend: "gitea".to_owned(), url: None },
                changes: Vec::new(),
                reason: Some(text.to_owned()),
                comment_id: None,
                route: None,
                link: None,
                from: None,
                conflict: None,
            },
        },
        number: IssueNumber(42),
        target_repo: Some("activity-core".to_owned()),
        origin: TaskOrigin {
            source_type: Some(SourceType::Rule),
            source_id: Some(text.chars().take(512).collect()),
            triggering_event_id: Some(text.chars().take(512).collect()),
            activity_definition_id: Some(text.chars().take(512).collect()),
        },
    }
}

fn body(kind: EventKind, text: &str) -> Value {
    // A title holds no control characters; any other character takes four bytes at most.
    let notice = notice(kind, text, &"T\u{1F980}".repeat(text.len().min(256)));
    serde_json::to_value(ProgressBody::of(Progress::of(kind).unwrap(), &notice, "issue-core", HubTopic::default())).unwrap()
}

fn names(value: &Value, found: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            found.push(name.clone());
            names(value, found);
        }
    }
}

#[test]
fn the_longest_possible_event_stays_far_below_the_hubs_limit() {
    // The worst a text can do in JSON: six bytes for each character.
    let text = "\u{1}".repeat(2000);
    assert!(body(EventKind::Blocked, &text).to_string().len() < 48 << 10);
}

#[test]
fn no_field_name_looks_like_a_secret_and_no_word_is_the_hubs_own() {
    let mut found = Vec::new();
    names(&body(EventKind::Blocked, "x"), &mut found);
    assert!(found.len() > 15);
    for name in found {
        assert!(!SECRET_LOOKING.iter().any(|secret| name.contains(secret)), "{name}");
    }
    assert!(Progress::WORDS.iter().all(|word| word.starts_with("issue_")));
}

#[test]
fn the_summary_is_one_line_and_says_what_happened_to_what() {
    let summary = |kind, reason| summary(Progress::of(kind).unwrap(), &notice(kind, reason, "Flag stale SBOM"));
    assert_eq!(summary(EventKind::Blocked, "waits\nfor a key"), "#42 blocked: Flag stale SBOM (activity-core): waits for a key");
    assert_eq!(summary(EventKind::ReviewRejected, "no"), "#42 rejected: Flag stale SBOM (activity-core): no");
    assert_eq!(body(EventKind::ReviewApproved, "x")["event_type"], "issue_review_decided");
}

#[test]
fn only_what_is_about_the_notice_itself_is_final() {
    let verdict = |status| refused(&HttpAnswer { status, ..HttpAnswer::default() }).verdict;
    for status in [400, 410, 413, 415, 422] {
        assert_eq!(verdict(status), Verdict::Fail, "{status}");
    }
    for status in [301, 401, 403, 404, 408, 425, 429, 500, 502, 503, 504] {
        assert_eq!(verdict(status), Verdict::Retry { after: None }, "{status}");
    }
}
