//! On recorded JSON, and on any JSON.

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::Kind;

/// As api.linear.app answers the question of `query::ISSUE`.
fn recorded() -> Value {
    json!({
        "id": "01890a5d-ac96-474b-bcce-b302099a8057", "identifier": "OPS-12", "title": "Flag stale SBOM", "description": "text",
        "url": "https://linear.app/acme/issue/OPS-12/flag-stale-sbom", "priority": 2, "dueDate": "2026-06-30", "trashed": null,
        "createdAt": "2026-06-16T07:00:00.176Z", "updatedAt": "2026-06-16T07:00:05.001Z",
        "state": {"id": "s2", "type": "started", "name": "In Review"},
        "assignee": {"id": "u1", "displayName": "ann", "email": "ann@example.org"},
        "labels": {"nodes": [{"id": "l1", "name": "sbom"}, {"id": "l2", "name": "Type:Bug"}]}
    })
}

fn read_as(json: Value, users: &UserMap) -> Result<RemoteIssue, String> {
    let issue: wire::Issue = serde_json::from_value(json).map_err(|error| error.to_string())?;
    let project = Project { project: "OPS".to_owned(), ..Project::default() };
    Ok(remote(issue, &project, &names(LabelNames::default()), users))
}

fn read(json: Value) -> Result<RemoteIssue, String> {
    read_as(json, &UserMap::default())
}

#[test]
fn a_recorded_issue_is_read_whole() {
    let remote = read(recorded()).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("01890a5d-ac96-474b-bcce-b302099a8057", "OPS-12"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::InProgress, Some(Priority::High), Some(Kind::Bug)));
    assert_eq!((remote.labels, remote.assignees), (vec!["sbom".to_owned()], vec!["ann".to_owned()]));
    assert_eq!((remote.milestone, remote.due_on), (None, NaiveDate::from_ymd_opt(2026, 6, 30)));
    assert_eq!(remote.created_at.timestamp_millis() % 1000, 176);
}

#[test]
fn states_are_read_from_the_type_and_blocked_from_its_label() {
    let with = |kind: &str, name: &str, labels: &[&str]| {
        let mut json = recorded();
        json["state"] = json!({"id": "s", "type": kind, "name": name});
        json["labels"] = json!({"nodes": labels.iter().map(|name| json!({"id": "l", "name": name})).collect::<Vec<_>>()});
        let remote = read(json).unwrap();
        (remote.state, remote.close_reason)
    };
    let closed = |reason| (StateName::Closed, Some(reason));
    for kind in ["triage", "backlog", "unstarted", "something new"] {
        assert_eq!(with(kind, "x", &[]), (StateName::Open, None), "{kind}");
        assert_eq!(with(kind, "x", &["status:in_progress"]), (StateName::Open, None), "the type says more than a label");
    }
    assert_eq!(with("started", "Doing", &[]), (StateName::InProgress, None));
    assert_eq!(with("started", "Doing", &["status:blocked"]), (StateName::Blocked, None));
    assert_eq!(with("unstarted", "Todo", &["status:blocked"]), (StateName::Blocked, None));
    assert_eq!(with("completed", "Done", &["status:blocked"]), closed(CloseReason::Completed));
    assert_eq!(with("canceled", "Canceled", &[]), closed(CloseReason::NotPlanned));
    assert_eq!(with("canceled", "Duplicate", &[]), closed(CloseReason::Duplicate));
    assert_eq!(with("duplicate", "Duplicate", &[]), closed(CloseReason::Duplicate));
}

#[test]
fn priorities_are_numbers_of_which_we_have_three() {
    for (number, ours) in [
        (0.0, None),
        (1.0, Some(Priority::High)),
        (2.0, Some(Priority::High)),
        (3.0, Some(Priority::Medium)),
        (4.0, Some(Priority::Low)),
        (9.0, None),
    ] {
        assert_eq!(read_priority(number), ours, "{number}");
    }
    for ours in Priority::ALL {
        assert_eq!(read_priority(f64::from(priority(*ours))), Some(*ours));
    }
}

#[test]
fn a_user_has_the_name_that_the_settings_give() {
    let called = |table: &[(&str, &str)]| {
        let users = UserMap::new(table.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())));
        read_as(recorded(), &users).unwrap().assignees
    };
    assert_eq!(called(&[("a", "ann@example.org")]), ["ann@example.org"]);
    assert_eq!(called(&[("a", "ann")]), ["ann"]);
    assert_eq!(called(&[]), ["ann"]);
}

fn states() -> Vec<wire::State> {
    [
        ("s5", "canceled", "Duplicate", 5.0),
        ("s4", "canceled", "Canceled", 6.0),
        ("s3", "completed", "Done", 4.0),
        ("s2b", "started", "In Review", 3.0),
        ("s2", "started", "Doing", 2.0),
        ("s0", "backlog", "Later", 0.0),
        ("s1", "unstarted", "Todo", 1.0),
    ]
    .map(|(id, kind, name, position)| wire::State { id: id.to_owned(), kind: kind.to_owned(), name: name.to_owned(), position })
    .into()
}

#[test]
fn a_state_is_the_first_of_its_type_in_the_teams_order() {
    let all = states();
    let among = |wanted: WantedState, states: &[wire::State]| wanted.among(states).map(|state| state.id.clone());
    let of = |wanted| among(wanted, &all).unwrap();
    assert_eq!((of(WantedState::Open), of(WantedState::Started)), ("s1".to_owned(), "s2".to_owned()));
    assert_eq!(of(WantedState::Closed(CloseReason::Completed)), "s3");
    assert_eq!(
        (of(WantedState::Closed(CloseReason::NotPlanned)), of(WantedState::Closed(CloseReason::Duplicate))),
        ("s4".to_owned(), "s5".to_owned())
    );
    let few: Vec<wire::State> = states().into_iter().filter(|state| ["s0", "s4"].contains(&state.id.as_str())).collect();
    assert_eq!(among(WantedState::Open, &few).as_deref(), Some("s0"));
    assert_eq!(among(WantedState::Closed(CloseReason::Duplicate), &few).as_deref(), Some("s4"));
    assert_eq!(among(WantedState::Started, &few), None);
}

fn draft(state: StateName) -> Draft {
    Draft {
        title: "t".to_owned(),
        body: "b".to_owned(),
        state,
        close_reason: (state == StateName::Closed).then_some(CloseReason::Completed),
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
fn a_workflow_state_is_asked_for_only_where_it_has_to_be_another() {
    use StateName::{Blocked, Closed, InProgress, Open};
    let done = WantedState::Closed(CloseReason::Completed);
    for (state, expected) in [(Open, None), (Blocked, None), (InProgress, Some(WantedState::Started)), (Closed, Some(done))] {
        assert_eq!(wanted_at_birth(&draft(state)), expected, "{state}");
    }
    for (before, after, expected) in [
        (Open, Open, None),
        (Open, Blocked, None),
        (InProgress, Blocked, None),
        (Closed, Blocked, Some(WantedState::Open)),
        (Blocked, InProgress, Some(WantedState::Started)),
        (Blocked, Open, Some(WantedState::Open)),
        (Blocked, Closed, Some(done)),
    ] {
        assert_eq!(wanted(&DraftEdit { before: &draft(before), after: &draft(after) }), expected, "{before} to {after}");
    }
}

#[test]
fn an_edit_says_only_what_changed() {
    let before = Draft { due_on: NaiveDate::from_ymd_opt(2026, 6, 30), ..draft(StateName::Open) };
    let sent = |after: &Draft| serde_json::to_value(edit(&DraftEdit { before: &before, after })).unwrap();
    assert_eq!(sent(&before), json!({}));
    assert_eq!(sent(&Draft { title: "new".to_owned(), priority: Priority::Low, ..before.clone() }), json!({"title": "new", "priority": 4}));
    assert_eq!(sent(&Draft { due_on: None, ..before.clone() }), json!({"dueDate": null}));
}

#[test]
fn only_an_assignee_of_ours_is_removed() {
    let user = |name: &str| wire::User {
        id: "u".to_owned(),
        display_name: name.to_owned(),
        email: Some(format!("{name}@example.org")),
        active: None,
    };
    let change = |add: &[&str], remove: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        SetChange { add: words(add), remove: words(remove) }
    };
    assert_eq!(assignee(Some(&user("ann")), &change(&["bob"], &["ann"])), Some(StateChange::Of("bob".to_owned())));
    assert_eq!(assignee(Some(&user("ann")), &change(&[], &["Ann@example.org"])), Some(StateChange::Nobody));
    assert_eq!(assignee(Some(&user("cleo")), &change(&[], &["ann"])), None);
    assert_eq!(assignee(None, &change(&[], &["ann"])), None);
    let gone = wire::User { id: "a".to_owned(), active: Some(false), ..user("ann") };
    assert_eq!(person(vec![gone, user("ann")], "ANN").as_deref(), Some("u"));
    assert_eq!(person(vec![user("ann")], "an"), None);
}

#[test]
fn an_id_is_ours_in_the_shape_of_version_4_and_a_part_has_its_own() {
    let ours: Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let of = |part| id_of(&Marker::new(ours, part)).unwrap();
    assert_eq!(of(1), "01890a5d-ac96-474b-bcce-b302099a8057");
    assert!(of(2) != of(1) && of(2) != of(3) && of(2) == of(2));
    assert_eq!(Uuid::parse_str(&of(2)).unwrap().get_version_num(), 4);
    let text = |line: String| id_in(&format!("said\n\n---\n{line}"));
    assert_eq!(text(Marker::new(ours, 1).to_string()), Some(of(1)));
    assert_eq!(text(format!("{} · rule x", Marker::new(ours, 2))), Some(of(2)));
    assert_eq!(text(format!("> {}", Marker::new(ours, 1))), None);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["dueDate", "createdAt", "labels", "id", "description", "priority", "state", "assignee"]), text in "\\PC{0,30}", number: f64, which in 0u8..4) {
        let mut json = recorded();
        json[field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), _ => json!({"id": text, "name": text, "type": text, "nodes": []}) };
        _ = read(json);
        _ = id(&text);
        _ = id_in(&text);
    }
}
