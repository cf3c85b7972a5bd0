//! On recorded JSON, and on any JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Kind, Priority};

fn place() -> Project {
    Project { owner: "acme".to_owned(), repo: "tools".to_owned(), project: String::new() }
}

/// As api.github.com answers, shortened where nothing is read.
fn recorded() -> Value {
    json!({
        "id": 1, "node_id": "MDU6SXNzdWUx", "url": "https://api.github.com/repos/acme/tools/issues/12", "number": 12, "state": "open",
        "html_url": "https://github.com/acme/tools/issues/12", "state_reason": null, "title": "Flag stale SBOM", "body": "text",
        "user": {"login": "issue-bot", "id": 1, "type": "User"},
        "labels": [{"id": 3, "name": "sbom", "color": "ee0701", "default": false}, {"id": 4, "name": "Priority:High"}, "type:bug", {"id": 5, "name": null}],
        "assignee": {"login": "ann", "id": 9}, "assignees": [{"login": "ann", "id": 9}, {"login": "bob", "id": 10}],
        "milestone": {"url": "https://api.github.com/repos/acme/tools/milestones/2", "number": 2, "title": "v1", "due_on": null},
        "locked": false, "comments": 0, "closed_at": null, "created_at": "2026-06-16T07:00:00Z", "updated_at": "2026-06-16T07:00:05Z",
        "author_association": "MEMBER", "type": null
    })
}

fn read(json: Value) -> Result<RemoteIssue, String> {
    let issue: wire::Issue = serde_json::from_value(json).map_err(|error| error.to_string())?;
    Ok(remote(issue, &place(), &LabelNames::default()))
}

#[test]
fn a_recorded_issue_is_read_whole() {
    let remote = read(recorded()).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("12", "acme/tools#12"));
    assert_eq!(remote.at.url.as_deref(), Some("https://github.com/acme/tools/issues/12"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::Open, Some(Priority::High), Some(Kind::Bug)));
    assert_eq!((remote.labels, remote.assignees), (vec!["sbom".to_owned()], vec!["ann".to_owned(), "bob".to_owned()]));
    assert_eq!(remote.milestone.as_deref(), Some("v1"));
    assert_eq!(remote.created_at.to_rfc3339(), "2026-06-16T07:00:00+00:00");
}

#[test]
fn states_are_read_from_the_field_its_reason_and_labels() {
    let with = |state: &str, reason: Option<&str>, label: &str| {
        let mut json = recorded();
        (json["state"], json["state_reason"], json["labels"]) = (json!(state), json!(reason), json!([{"name": label}]));
        let remote = read(json).unwrap();
        (remote.state, remote.close_reason)
    };
    assert_eq!(with("open", None, "status:in_progress"), (StateName::InProgress, None));
    assert_eq!(with("open", Some("reopened"), "status:blocked"), (StateName::Blocked, None));
    assert_eq!(with("closed", Some("completed"), "status:blocked"), (StateName::Closed, Some(CloseReason::Completed)));
    assert_eq!(with("closed", Some("not_planned"), "x"), (StateName::Closed, Some(CloseReason::NotPlanned)));
    assert_eq!(with("closed", Some("duplicate"), "x"), (StateName::Closed, Some(CloseReason::Duplicate)));
    assert_eq!(with("closed", None, "x"), (StateName::Closed, Some(CloseReason::Completed)));
}

fn draft() -> Draft {
    Draft {
        title: "t".to_owned(),
        body: "b".to_owned(),
        state: StateName::Open,
        close_reason: None,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        due_on: None,
        relations: Vec::new(),
    }
}

fn closed(reason: CloseReason) -> Draft {
    Draft { state: StateName::Closed, close_reason: Some(reason), ..draft() }
}

#[test]
fn an_edit_says_only_what_changed() {
    let sent = |before: &Draft, after: &Draft, milestone| {
        edit(&DraftEdit { before, after }, milestone).map(|edit| serde_json::to_value(edit).unwrap())
    };
    let (open, done) = (draft(), closed(CloseReason::Completed));
    assert_eq!(sent(&open, &open, None), None);
    assert_eq!(sent(&open, &Draft { title: "new".to_owned(), ..draft() }, None), Some(json!({"title": "new"})));
    assert_eq!(sent(&open, &open, Some(Value::Null)), Some(json!({"milestone": null})));
    assert_eq!(sent(&open, &open, Some(json!(3))), Some(json!({"milestone": 3})));
    assert_eq!(sent(&open, &Draft { state: StateName::Blocked, ..draft() }, None), None, "that is a label");
    assert_eq!(sent(&open, &done, None), Some(json!({"state": "closed", "state_reason": "completed"})));
    assert_eq!(sent(&done, &Draft { state: StateName::InProgress, ..draft() }, None), Some(json!({"state": "open"})));
    let dropped = closed(CloseReason::NotPlanned);
    assert_eq!(sent(&done, &dropped, None), Some(json!({"state": "closed", "state_reason": "not_planned"})));
    assert!(reopens_first(&DraftEdit { before: &done, after: &dropped }) && !reopens_first(&DraftEdit { before: &open, after: &done }));
}

#[test]
fn what_is_born_closed_is_carried_open() {
    assert_eq!(carried(&closed(CloseReason::Completed)), draft());
    assert_eq!(carried(&draft()), draft());
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["state_reason", "created_at", "labels", "number", "body", "milestone", "state", "assignees"]), text in "\\PC{0,30}", number: i64, which in 0u8..4) {
        let mut json = recorded();
        json[field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), _ => json!([{"id": number, "name": text}]) };
        _ = read(json);
    }
}
