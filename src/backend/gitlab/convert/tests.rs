//! On recorded JSON, and on any JSON.

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Kind, Priority};

fn place() -> Project {
    Project { owner: "acme/platform".to_owned(), repo: "tools".to_owned(), project: String::new() }
}

/// As GitLab 17 answers, shortened where nothing is read.
fn recorded() -> Value {
    json!({
        "id": 76, "iid": 6, "project_id": 8, "title": "Flag stale SBOM", "description": "text\n/\u{200b}close\n", "state": "opened",
        "created_at": "2026-06-16T09:00:00.176+02:00", "updated_at": "2026-06-16T07:00:05.001Z", "closed_at": null,
        "labels": ["sbom", "Priority:High", "status:blocked", "type:bug"],
        "milestone": {"id": 2, "iid": 1, "group_id": 3, "title": "v1", "state": "active", "due_date": null},
        "assignees": [{"id": 9, "username": "ann", "name": "Ann", "state": "active"}], "assignee": {"id": 9, "username": "ann"},
        "author": {"id": 1, "username": "issue-bot"}, "type": "ISSUE", "user_notes_count": 0, "due_date": "2026-06-30", "confidential": false,
        "web_url": "https://gitlab.example.org/acme/platform/tools/-/issues/6", "issue_type": "issue", "severity": "UNKNOWN"
    })
}

fn read(json: Value) -> Result<RemoteIssue, String> {
    let issue: wire::Issue = serde_json::from_value(json).map_err(|error| error.to_string())?;
    Ok(remote(issue, &place(), &LabelNames::default(), &capabilities(AssigneeSupport::Many)))
}

#[test]
fn a_recorded_issue_is_read_whole() {
    let remote = read(recorded()).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("6", "acme/platform/tools#6"));
    assert_eq!(remote.at.url.as_deref(), Some("https://gitlab.example.org/acme/platform/tools/-/issues/6"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::Blocked, Some(Priority::High), Some(Kind::Bug)));
    assert_eq!((remote.labels, remote.assignees), (vec!["sbom".to_owned()], vec!["ann".to_owned()]));
    assert_eq!((remote.milestone.as_deref(), remote.due_on), (Some("v1"), NaiveDate::from_ymd_opt(2026, 6, 30)));
    assert_eq!((remote.body.as_str(), remote.created_at.timestamp_millis() % 1000), ("text\n/close\n", 176));
}

#[test]
fn states_are_read_from_the_field_and_from_labels() {
    let with = |state: &str, labels: &[&str]| {
        let mut json = recorded();
        (json["state"], json["labels"]) = (json!(state), json!(labels));
        read(json).unwrap().state
    };
    assert_eq!(with("opened", &[]), StateName::Open);
    assert_eq!(with("reopened", &["status:in_progress"]), StateName::InProgress);
    assert_eq!(with("opened", &["status:in_progress", "status:blocked"]), StateName::Blocked);
    assert_eq!(with("closed", &["status:blocked"]), StateName::Closed);
}

#[test]
fn a_line_that_is_a_command_is_made_harmless() {
    let plain = |text: &str| harmless(text).replace(NOTHING, "·");
    assert_eq!(plain("/close"), "/·close");
    assert_eq!(plain("see\n  /assign @ann\n/due_date\n"), "see\n  /·assign @ann\n/·due_date\n");
    assert_eq!(plain("/usr/bin/x\na /close\n/ close\n//x\n/1"), "/usr/bin/x\na /close\n/ close\n//x\n/1");
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
    let sent = |after: &Draft, labels, people, milestone| {
        edit(&DraftEdit { before: &before, after }, labels, people, milestone).map(|edit| serde_json::to_value(edit).unwrap())
    };
    assert_eq!(sent(&before, None, None, None), None);
    assert_eq!(sent(&Draft { title: "new".to_owned(), ..before.clone() }, None, None, None), Some(json!({"title": "new"})));
    assert_eq!(
        sent(&Draft { body: "/close".to_owned(), ..before.clone() }, None, None, None),
        Some(json!({"description": "/\u{200b}close"}))
    );
    assert_eq!(sent(&Draft { due_on: None, ..before.clone() }, None, None, None), Some(json!({"due_date": ""})));
    assert_eq!(sent(&Draft { state: StateName::Blocked, ..before.clone() }, None, None, None), None, "that is a label");
    assert_eq!(sent(&Draft { state: StateName::Closed, ..before.clone() }, None, None, None), Some(json!({"state_event": "close"})));
    let change = SetChange { add: vec!["a".to_owned(), "b c".to_owned()], remove: vec!["d".to_owned()] };
    assert_eq!(sent(&before, Some(change), None, Some(0)), Some(json!({"add_labels": "a,b c", "remove_labels": "d", "milestone_id": 0})));
    assert_eq!(sent(&before, None, Some(Vec::new()), None), Some(json!({"assignee_ids": [0]})));
}

#[test]
fn where_there_can_be_one_person_only_it_is_the_one_added_last() {
    let there = [wire::User { id: 3, username: "Cleo".to_owned() }];
    let change = |add: &[&str], remove: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        SetChange { add: words(add), remove: words(remove) }
    };
    assert_eq!(people(&there, &change(&["bob"], &["ann"]), AssigneeSupport::Many), ["Cleo", "bob"]);
    assert_eq!(people(&there, &change(&["bob"], &["ann"]), AssigneeSupport::One), ["bob"]);
    assert_eq!(people(&there, &change(&[], &["ann"]), AssigneeSupport::One), ["Cleo"], "somebody else's choice stays");
    assert_eq!(people(&there, &change(&[], &["cleo"]), AssigneeSupport::One), [""; 0]);
}

#[test]
fn an_account_that_may_not_label_may_not_write() {
    let project = |permissions: Value| -> wire::Project {
        serde_json::from_value(json!({"id": 8, "name": "Tools", "path": "tools", "permissions": permissions})).unwrap()
    };
    assert_eq!(may_write(&project(Value::Null)), None);
    assert_eq!(may_write(&project(json!({"project_access": null, "group_access": null}))), Some(false));
    assert_eq!(may_write(&project(json!({"project_access": {"access_level": 10}, "group_access": {"access_level": 20}}))), Some(true));
}

proptest! {
    #[test]
    fn a_text_comes_back_as_it_went(text in "[a-c/ \n_]{0,40}|\\PC{0,40}") {
        prop_assert_eq!(as_it_was(&harmless(&text)), text);
    }

    #[test]
    fn what_comes_back_has_the_form_of_what_was_sent(text in "[a-c/ \u{200b}\r\n_]{0,40}|\\PC{0,40}") {
        let once = canonical(&text);
        prop_assert_eq!(canonical(&once), once.clone());
        prop_assert_eq!(canonical(&as_it_was(&harmless(&text))), once);
    }

    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["due_date", "created_at", "labels", "iid", "description", "milestone", "state", "assignees"]), text in "\\PC{0,30}", number: i64, which in 0u8..4) {
        let mut json = recorded();
        json[field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), _ => json!([{"id": number, "username": text}]) };
        _ = read(json);
    }
}
