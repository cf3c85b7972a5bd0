//! On recorded JSON, and on any JSON.

use proptest::prelude::*;

use super::*;
use crate::backend::http::{HttpClient, HttpLimits};
use crate::backend::{BackendOptions, LineOptions, Secret, TrackerClient, Transport};
use crate::domain::Kind;
use crate::domain::tracker::{LabelNames, TrackerKind, UserMap};

fn settings(options: &[(&str, &str)]) -> JiraSettings {
    JiraSettings::new(&with(options, LabelNames::default())).unwrap()
}

fn with(options: &[(&str, &str)], names: LabelNames) -> BackendOptions {
    let second = std::time::Duration::from_secs(1);
    _ = rustls::crypto::ring::default_provider().install_default();
    let http = HttpClient::new(HttpLimits { connect: second, read: second, total: second, body: 1, idle: 1 }).unwrap();
    let base = "https://acme.atlassian.net".to_owned();
    BackendOptions {
        name: "jira".to_owned(),
        kind: TrackerKind::Jira,
        line: TrackerClient::new(LineOptions {
            http,
            base,
            transport: Transport::Direct,
            secret: Secret::default(),
            now: || DateTime::UNIX_EPOCH,
        }),
        names,
        users: UserMap::default(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        page_size: 50,
        webhook_user: "issue-core".to_owned(),
    }
}

fn place() -> Project {
    Project { project: "OPS".to_owned(), ..Project::default() }
}

fn status(name: &str, category: &str) -> wire::Status {
    wire::Status { name: name.to_owned(), category: wire::Category { key: category.to_owned() } }
}

/// As Jira Cloud answers, shortened where nothing is read.
fn recorded() -> Value {
    json!({
        "expand": "renderedFields", "id": "10042", "self": "https://acme.atlassian.net/rest/api/3/issue/10042", "key": "OPS-7",
        "fields": {
            "summary": "Flag stale SBOM",
            "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "text"}]}]},
            "status": {"self": "https://acme.atlassian.net/rest/api/3/status/3", "name": "In Review", "id": "10003",
                "statusCategory": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"}},
            "priority": {"name": "Highest", "id": "1"}, "labels": ["sbom", "type:bug"],
            "assignee": {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ann", "active": true},
            "fixVersions": [{"id": "10000", "name": "v1", "archived": false, "released": false}],
            "duedate": "2026-06-30", "created": "2026-06-16T09:00:00.123+0200", "updated": "2026-06-16T07:00:05.000+0000"
        }
    })
}

fn read(json: Value, settings: &JiraSettings) -> Result<RemoteIssue, String> {
    let issue: wire::Issue = serde_json::from_value(json).map_err(|error| error.to_string())?;
    remote(issue, &place(), settings)
}

#[test]
fn a_recorded_issue_is_read_whole() {
    let remote = read(recorded(), &settings(&[])).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("10042", "OPS-7"));
    assert_eq!(remote.at.url.as_deref(), Some("https://acme.atlassian.net/browse/OPS-7"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::InProgress, Some(Priority::High), Some(Kind::Bug)));
    assert_eq!(
        (remote.body.as_str(), &remote.labels[..], &remote.assignees[..]),
        ("text", &["sbom".to_owned()][..], &["5b10a2844c20165700ede21g".to_owned()][..])
    );
    assert_eq!((remote.milestone.as_deref(), remote.due_on), (Some("v1"), NaiveDate::from_ymd_opt(2026, 6, 30)));
    assert_eq!(remote.created_at.to_rfc3339(), "2026-06-16T07:00:00.123+00:00");
}

#[test]
fn data_center_has_names_wiki_text_and_an_address_of_its_own() {
    let mut json = recorded();
    json["fields"]["description"] = json!("*bold*\r\n\r\n# one");
    json["fields"]["assignee"] = json!({"name": "ann", "key": "JIRAUSER1", "displayName": "Ann"});
    let remote = read(json, &settings(&[("deployment", "data_center"), ("site", "https://jira.example.org/")])).unwrap();
    assert_eq!((remote.body.as_str(), &remote.assignees[..]), ("**bold**\n\n1. one", &["ann".to_owned()][..]));
    assert_eq!(remote.at.url.as_deref(), Some("https://jira.example.org/browse/OPS-7"));
}

#[test]
fn states_are_categories_and_blocked_is_a_label_or_a_status() {
    let state = |category: &str, name: &str, labels: &[&str], settings: &JiraSettings| {
        let mut json = recorded();
        json["fields"]["status"] = json!({"name": name, "statusCategory": {"key": category}});
        json["fields"]["labels"] = json!(labels);
        read(json, settings).unwrap()
    };
    let plain = settings(&[]);
    assert_eq!(state("new", "To Do", &[], &plain).state, StateName::Open);
    assert_eq!(state("undefined", "?", &[], &plain).state, StateName::Open);
    assert_eq!(state("indeterminate", "Doing", &[], &plain).state, StateName::InProgress);
    assert_eq!(state("done", "Done", &["status:blocked"], &plain).state, StateName::Closed);
    let blocked = state("indeterminate", "Doing", &["Status:Blocked", "x"], &plain);
    assert_eq!((blocked.state, &blocked.labels[..]), (StateName::Blocked, &["x".to_owned()][..]));
    let named = settings(&[("status_blocked", "Waiting")]);
    assert_eq!(state("indeterminate", "waiting", &[], &named).state, StateName::Blocked);
    assert_eq!(state("indeterminate", "Doing", &["status:blocked"], &named).state, StateName::InProgress);
}

#[test]
fn the_way_through_a_workflow_is_found_a_step_at_a_time() {
    let settings = settings(&[("status_blocked", "Waiting")]);
    let step_to = |id: &str, to: wire::Status| wire::Transition {
        id: id.to_owned(),
        name: id.to_owned(),
        to,
        fields: std::collections::BTreeMap::new(),
    };
    let moves = [
        step_to("1", status("To Do", "new")),
        step_to("2", status("Waiting", "indeterminate")),
        step_to("3", status("Doing", "indeterminate")),
        step_to("4", status("Done", "done")),
    ];
    let chosen = |state, moves: &[wire::Transition], been: &[&str]| {
        let been: Vec<String> = been.iter().map(|name| (*name).to_owned()).collect();
        step(state, moves, &been, &settings).map(|step| step.id.clone())
    };
    assert_eq!(chosen(StateName::Closed, &moves, &[]).as_deref(), Some("4"));
    assert_eq!(chosen(StateName::InProgress, &moves, &[]).as_deref(), Some("3"), "a status with another meaning is none");
    assert_eq!(chosen(StateName::Blocked, &moves, &[]).as_deref(), Some("2"));
    assert_eq!(chosen(StateName::Closed, &moves[..3], &["Waiting"]).as_deref(), Some("3"), "through work in progress, never back");
    assert_eq!(chosen(StateName::Closed, &moves[..1], &["To Do"]), None);
}

#[test]
fn a_move_fills_in_what_it_can_and_names_what_it_cannot() {
    let json = json!({"id": "5", "name": "Close", "to": {"name": "Done", "statusCategory": {"key": "done"}}, "fields": {
        "resolution": {"required": true, "name": "Resolution", "allowedValues": [{"name": "Fixed"}, {"name": "Done"}]},
        "customfield_1": {"required": true, "name": "Cause"}, "customfield_2": {"required": false, "name": "Note"},
        "customfield_3": {"required": true, "hasDefaultValue": true, "name": "Team"}}});
    let step: wire::Transition = serde_json::from_value(json).unwrap();
    assert_eq!(move_fields(&step, &settings(&[])), Err("Cause (customfield_1)".to_owned()));
    let filled = move_fields(&step, &settings(&[("fields", r#"{"customfield_1": "x"}"#), ("resolution", "done")])).unwrap();
    assert_eq!(Value::Object(filled), json!({"resolution": {"name": "Done"}, "customfield_1": "x"}));
}

fn draft() -> Draft {
    Draft {
        title: "t".to_owned(),
        body: "b".to_owned(),
        state: StateName::Open,
        close_reason: None,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: vec!["Status:Blocked".to_owned(), "x".to_owned()],
        assignees: vec!["ann".to_owned()],
        milestone: None,
        due_on: NaiveDate::from_ymd_opt(2026, 6, 30),
        relations: Vec::new(),
    }
}

#[test]
fn a_new_issue_says_everything_that_a_screen_can_take() {
    let made = create(
        &draft(),
        "OPS",
        Some("10000"),
        &settings(&[("fields", r#"{"customfield_1": {"value": "Ops"}}"#), ("deployment", "data_center")]),
    );
    let expected = json!({"customfield_1": {"value": "Ops"}, "project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "t", "description": "b",
        "labels": ["x", "type:task"], "priority": {"name": "Medium"}, "assignee": {"name": "ann"}, "fixVersions": [{"id": "10000"}], "duedate": "2026-06-30"});
    assert_eq!(serde_json::to_value(made).unwrap(), json!({"fields": expected}));
    let less = create(&draft(), "OPS", None, &settings(&[("priority_field", "none"), ("due_field", "none")])).fields;
    assert_eq!(less["labels"], json!(["x", "priority:medium", "type:task"]));
    assert!(less.get("priority").is_none() && less.get("duedate").is_none(), "{less:?}");
}

#[test]
fn an_edit_says_only_what_changed() {
    let settings = settings(&[]);
    let before = draft();
    let sent = |after: &Draft, there: Option<&str>| {
        serde_json::to_value(edit(&DraftEdit { before: &before, after }, there, &VersionChanges::default(), &settings)).unwrap()
    };
    assert_eq!(sent(&before, None), json!({}));
    assert_eq!(sent(&Draft { title: "a\nb".to_owned(), ..before.clone() }, None), json!({"fields": {"summary": "a b"}}));
    assert_eq!(sent(&Draft { due_on: None, ..before.clone() }, None), json!({"fields": {"duedate": null}}));
    let blocked = Draft { state: StateName::Blocked, kind: Kind::Bug, ..before.clone() };
    let labels = json!([{"add": "type:bug"}, {"add": "status:blocked"}, {"remove": "type:task"}]);
    assert_eq!(sent(&blocked, None), json!({"update": {"labels": labels}}));
    let nobody = Draft { assignees: Vec::new(), ..before.clone() };
    assert_eq!(sent(&nobody, Some("Ann")), json!({"fields": {"assignee": null}}));
    assert_eq!(sent(&nobody, Some("bob")), json!({}), "somebody else was put there");
    let versions = VersionChanges { add: Some("2".to_owned()), remove: Some("1".to_owned()) };
    let moved = serde_json::to_value(edit(&DraftEdit { before: &before, after: &before }, None, &versions, &settings)).unwrap();
    assert_eq!(moved, json!({"update": {"fixVersions": [{"remove": {"id": "1"}}, {"add": {"id": "2"}}]}}));
}

#[test]
fn settings_that_cannot_work_are_reported_by_name() {
    let fault = |options: &[(&str, &str)]| JiraSettings::new(&with(options, LabelNames::default())).unwrap_err();
    for (name, value) in [("deployment", "server"), ("cloud_id", "a/b"), ("fields", "[]"), ("no_such", "x")] {
        assert!(fault(&[(name, value)]).contains(&format!("options.{name}")), "{name}");
    }
    let names = LabelNames { blocked: "is blocked".to_owned(), ..LabelNames::default() };
    assert!(JiraSettings::new(&with(&[], names)).unwrap_err().contains("is blocked"));
    let unnamed = LabelNames { blocked: String::new(), ..LabelNames::default() };
    assert!(JiraSettings::new(&with(&[], unnamed.clone())).unwrap_err().contains("options.status_blocked"));
    assert!(JiraSettings::new(&with(&[("status_blocked", "Waiting")], unnamed)).is_ok());
}

#[test]
fn what_a_screen_lacks_and_what_it_requires_is_reported() {
    let field =
        |id: &str, required: bool| wire::Field { required, has_default: false, name: id.to_uppercase(), id: id.to_owned(), allowed: None };
    let screen = [field("summary", true), field("description", false), field("labels", false), field("customfield_1", true)];
    let told = missing(&screen, &settings(&[]));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("CUSTOMFIELD_1") && told[1].contains("priority_field") && told[2].contains("due_field"), "{told:?}");
    let settings = settings(&[("priority_field", "none"), ("due_field", "none"), ("fields", r#"{"customfield_1": 1}"#)]);
    assert_eq!(missing(&screen, &settings), [""; 0]);
}

#[test]
fn a_string_cannot_end_its_quotes() {
    assert_eq!(quoted(r#"a" OR project = "b\"#), r#""a\" OR project = \"b\\""#);
    assert_eq!((number("OPS-7"), number("A_B-12"), number("x")), (Some(7), Some(12), None));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["duedate", "created", "labels", "summary", "description", "fixVersions", "status", "priority", "assignee"]), text in "\\PC{0,30}", number: i64, which in 0u8..5) {
        let mut json = recorded();
        json["fields"][field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), 3 => json!([{"id": number, "name": text}]), _ => json!({"name": text, "content": [{"type": text, "content": [{"text": number}]}]}) };
        for settings in [settings(&[]), settings(&[("deployment", "data_center")])] {
            _ = read(json.clone(), &settings);
        }
    }
}
