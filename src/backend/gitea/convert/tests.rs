//! On recorded JSON, and on any JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Kind, Priority};

fn place() -> Project {
    Project { owner: "acme".to_owned(), repo: "tools".to_owned(), project: String::new() }
}

/// As Gitea 1.25 answers, shortened where nothing is read.
fn recorded() -> Value {
    json!({
        "id": 47, "url": "https://git.example.org/api/v1/repos/acme/tools/issues/12", "html_url": "https://git.example.org/acme/tools/issues/12",
        "number": 12, "user": {"id": 1, "login": "issue-bot", "email": "bot@noreply.example.org"}, "original_author": "", "title": "Flag stale SBOM",
        "body": "text", "ref": "", "assets": [],
        "labels": [{"id": 3, "name": "sbom", "color": "ee0701", "exclusive": false}, {"id": 4, "name": "Priority:High", "color": "8b949e"},
            {"id": 5, "name": "status:blocked", "color": "8b949e"}, {"id": 6, "name": "type:bug", "color": "8b949e"}],
        "milestone": {"id": 2, "title": "v1", "state": "open"}, "assignee": {"id": 9, "login": "ann"},
        "assignees": [{"id": 9, "login": "ann"}, {"id": 10, "login": "bob"}], "state": "open", "is_locked": false, "comments": 0,
        "created_at": "2026-06-16T09:00:00+02:00", "updated_at": "2026-06-16T07:00:05Z", "closed_at": null,
        "due_date": "2026-06-30T23:59:59+02:00", "pull_request": null, "repository": {"id": 1, "name": "tools", "owner": "acme", "full_name": "acme/tools"},
        "pin_order": 0, "content_version": 3
    })
}

fn read(json: Value) -> Result<RemoteIssue, String> {
    let issue: wire::Issue = serde_json::from_value(json).map_err(|error| error.to_string())?;
    remote(issue, &place(), &LabelNames::default())
}

#[test]
fn a_recorded_issue_is_read_whole() {
    let remote = read(recorded()).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("12", "acme/tools#12"));
    assert_eq!(remote.at.url.as_deref(), Some("https://git.example.org/acme/tools/issues/12"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::Blocked, Some(Priority::High), Some(Kind::Bug)));
    assert_eq!(remote.labels, ["sbom"]);
    assert_eq!(remote.assignees, ["ann", "bob"]);
    assert_eq!((remote.milestone.as_deref(), remote.version.as_deref()), (Some("v1"), Some("3")));
    assert_eq!(remote.due_on, NaiveDate::from_ymd_opt(2026, 6, 30), "the day by the server's own clock");
    assert_eq!(remote.created_at.to_rfc3339(), "2026-06-16T07:00:00+00:00");
}

#[test]
fn states_are_read_from_the_field_and_from_labels() {
    let with = |state: &str, labels: &[&str]| {
        let mut json = recorded();
        json["state"] = json!(state);
        json["labels"] = labels.iter().map(|name| json!({"id": 1, "name": name})).collect();
        read(json).unwrap().state
    };
    assert_eq!(with("open", &[]), StateName::Open);
    assert_eq!(with("open", &["status:in_progress"]), StateName::InProgress);
    assert_eq!(with("open", &["status:in_progress", "status:blocked"]), StateName::Blocked);
    assert_eq!(with("closed", &["status:blocked"]), StateName::Closed);
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

#[test]
fn an_edit_says_only_what_changed() {
    let before = Draft { due_on: NaiveDate::from_ymd_opt(2026, 6, 30), ..draft() };
    let sent = |after: &Draft, version| {
        edit(&DraftEdit { before: &before, after }, None, None, version).map(|edit| serde_json::to_value(edit).unwrap())
    };
    assert_eq!(sent(&before, Some("3")), None);
    assert_eq!(sent(&Draft { title: "new".to_owned(), ..before.clone() }, Some("3")), Some(json!({"title": "new"})));
    assert_eq!(sent(&Draft { body: "new".to_owned(), ..before.clone() }, Some("3")), Some(json!({"body": "new", "content_version": 3})));
    assert_eq!(sent(&Draft { due_on: None, ..before.clone() }, None), Some(json!({"unset_due_date": true})));
    assert_eq!(sent(&Draft { state: StateName::Blocked, ..before.clone() }, None), None, "that is a label");
    assert_eq!(sent(&Draft { state: StateName::Closed, ..before.clone() }, None), Some(json!({"state": "closed"})));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["due_date", "created_at", "labels", "number", "body", "milestone", "state"]), text in "\\PC{0,30}", number: i64, which in 0u8..4) {
        let mut json = recorded();
        json[field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), _ => json!([{"id": number, "name": text}]) };
        _ = read(json);
    }
}
