//! On recorded JSON, and on any JSON.

use proptest::prelude::*;

use super::*;
use crate::backend::http::{HttpClient, HttpLimits};
use crate::backend::{BackendOptions, LineOptions, Secret, TrackerClient, Transport};
use crate::domain::Kind;
use crate::domain::tracker::{LabelNames, TrackerKind, UserMap};

fn settings(options: &[(&str, &str)]) -> AzureDevopsSettings {
    AzureDevopsSettings::new(&with(options, LabelNames::default())).unwrap()
}

fn with(options: &[(&str, &str)], names: LabelNames) -> BackendOptions {
    let second = std::time::Duration::from_secs(1);
    _ = rustls::crypto::ring::default_provider().install_default();
    let http = HttpClient::new(HttpLimits { connect: second, read: second, total: second, body: 1, idle: 1 }).unwrap();
    BackendOptions {
        name: "azure".to_owned(),
        kind: TrackerKind::AzureDevops,
        line: TrackerClient::new(LineOptions {
            http,
            base: "https://dev.azure.com".to_owned(),
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
    Project { owner: "acme".to_owned(), project: "Fabrikam Fiber".to_owned(), ..Project::default() }
}

/// As Azure DevOps Services answers, shortened where nothing is read.
fn recorded() -> Value {
    json!({
        "id": 299, "rev": 7,
        "fields": {
            "System.Id": 299, "System.AreaPath": "Fabrikam Fiber", "System.TeamProject": "Fabrikam Fiber", "System.IterationPath": "Fabrikam Fiber\\Release 1\\Sprint 2",
            "System.WorkItemType": "Task", "System.State": "Active", "System.Reason": "Work started",
            "System.AssignedTo": {"displayName": "Ann", "id": "d291b0c4", "uniqueName": "ann@example.org"},
            "System.CreatedDate": "2026-06-16T07:00:00.123Z", "System.ChangedDate": "2026-06-16T07:00:05Z", "System.CommentCount": 0,
            "System.Title": "Flag stale SBOM", "Microsoft.VSTS.Common.Priority": 4, "Microsoft.VSTS.Scheduling.DueDate": "2026-06-30T12:00:00Z",
            "System.Description": "<div>one&nbsp;<b>bold</b></div>", "System.Tags": "sbom; status:blocked; type:bug"
        },
        "_links": {"html": {"href": "https://dev.azure.com/acme/_workitems/edit/299"}}, "url": "https://dev.azure.com/acme/_apis/wit/workItems/299"
    })
}

/// Of the Agile process.
fn states() -> Vec<wire::State> {
    serde_json::from_value(json!([{"name": "New", "color": "b2b2b2", "category": "Proposed"}, {"name": "Active", "category": "InProgress"},
        {"name": "Resolved", "category": "Resolved"}, {"name": "Closed", "category": "Completed"}, {"name": "Removed", "category": "Removed"}]))
    .unwrap()
}

fn item(json: Value) -> Result<wire::WorkItem, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn read(json: Value, settings: &AzureDevopsSettings) -> Result<RemoteIssue, String> {
    remote(&item(json)?, &states(), &place(), settings)
}

#[test]
fn a_recorded_work_item_is_read_whole() {
    let remote = read(recorded(), &settings(&[("due_field", "Microsoft.VSTS.Scheduling.DueDate")])).unwrap();
    assert_eq!((remote.at.id.as_str(), remote.at.key.as_str()), ("299", "Fabrikam Fiber#299"));
    assert_eq!(remote.at.url.as_deref(), Some("https://dev.azure.com/acme/Fabrikam%20Fiber/_workitems/edit/299"));
    assert_eq!((remote.state, remote.priority, remote.kind), (StateName::Blocked, Some(Priority::Low), Some(Kind::Bug)));
    assert_eq!(
        (remote.body.as_str(), &remote.labels[..], &remote.assignees[..]),
        ("one **bold**", &["sbom".to_owned()][..], &["ann@example.org".to_owned()][..])
    );
    assert_eq!((remote.milestone.as_deref(), remote.due_on), (Some("Release 1\\Sprint 2"), NaiveDate::from_ymd_opt(2026, 6, 30)));
    assert_eq!(remote.version.as_deref(), Some("7"));
}

#[test]
fn states_are_categories_and_blocked_is_a_tag_or_a_state() {
    let state = |name: &str, tags: &str, settings: &AzureDevopsSettings| {
        let mut json = recorded();
        json["fields"]["System.State"] = json!(name);
        json["fields"]["System.Tags"] = json!(tags);
        read(json, settings).unwrap().state
    };
    let plain = settings(&[]);
    for (name, expected) in [
        ("New", StateName::Open),
        ("Active", StateName::InProgress),
        ("Resolved", StateName::InProgress),
        ("Closed", StateName::Closed),
        ("Removed", StateName::Closed),
        ("?", StateName::Open),
    ] {
        assert_eq!(state(name, "x", &plain), expected, "{name}");
    }
    assert_eq!(
        (state("New", "Status:Blocked", &plain), state("Closed", "status:blocked", &plain)),
        (StateName::Blocked, StateName::Closed)
    );
    assert_eq!(state("Resolved", "", &settings(&[("state_blocked", "resolved")])), StateName::Blocked);
}

#[test]
fn the_state_to_set_is_the_first_of_its_category_unless_it_is_there() {
    let to = |state, options: &[(&str, &str)], now: &str| {
        let mut json = recorded();
        json["fields"]["System.State"] = json!(now);
        state_to_set(state, &item(json).unwrap(), &states(), &settings(options))
    };
    assert_eq!(to(StateName::Closed, &[], "Active"), Ok(Some("Closed".to_owned())));
    assert_eq!(to(StateName::InProgress, &[], "Resolved"), Ok(None), "what waits to be verified stays there");
    assert_eq!(to(StateName::Blocked, &[], "New"), Ok(None), "a tag says it");
    assert_eq!(to(StateName::Blocked, &[], "Closed"), Ok(Some("New".to_owned())));
    assert_eq!(to(StateName::InProgress, &[("state_blocked", "Resolved")], "Resolved"), Ok(Some("Active".to_owned())));
    let error = to(StateName::Closed, &[("state_closed", "Finished")], "New").unwrap_err();
    assert!(error.contains("options.state_closed") && error.contains("Removed (Removed)"), "{error}");
}

fn draft() -> Draft {
    Draft {
        title: "t".to_owned(),
        body: "a < b".to_owned(),
        state: StateName::Open,
        close_reason: None,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: vec!["Status:Blocked".to_owned(), "x y".to_owned()],
        assignees: vec!["ann@example.org".to_owned()],
        milestone: None,
        due_on: NaiveDate::from_ymd_opt(2026, 6, 30),
        relations: Vec::new(),
    }
}

fn sent(steps: &[wire::Step]) -> Vec<(&str, &str, Value)> {
    steps.iter().map(|step| (step.op, step.path.trim_start_matches("/fields/"), step.value.clone())).collect()
}

#[test]
fn a_new_work_item_says_everything_that_its_type_can_take() {
    let steps = create(&draft(), Some("Fabrikam Fiber\\v1"), &settings(&[("due_field", "Due"), ("area", "Fabrikam Fiber\\Web")]));
    let expected = [
        ("add", TITLE, json!("t")),
        ("add", "System.Description", json!("<p>a &lt; b</p>")),
        ("add", PRIORITY, json!(2)),
        ("add", TAGS, json!("x y; type:task")),
        ("add", ASSIGNED, json!("ann@example.org")),
        ("add", ITERATION, json!("Fabrikam Fiber\\v1")),
        ("add", AREA, json!("Fabrikam Fiber\\Web")),
        ("add", "Due", json!("2026-06-30T12:00:00Z")),
    ];
    assert_eq!(sent(&steps), expected);
    let steps = create(&draft(), None, &settings(&[("text", "markdown"), ("body_field", "Microsoft.VSTS.TCM.ReproSteps")]));
    assert_eq!(
        sent(&steps)[1..3],
        [
            ("add", "Microsoft.VSTS.TCM.ReproSteps", json!("a < b")),
            ("add", "/multilineFieldsFormat/Microsoft.VSTS.TCM.ReproSteps", json!("Markdown"))
        ]
    );
}

#[test]
fn an_edit_says_only_what_changed_and_of_sets_what_others_put_in_stays() {
    let settings = settings(&[("due_field", "Due")]);
    let before = draft();
    let there = item(recorded()).unwrap();
    let steps = |after: &Draft| edit(&DraftEdit { before: &before, after }, &there, WorkItemEditContext::default(), &settings);
    assert!(steps(&before).is_empty());
    let renamed = steps(&Draft { title: "new".to_owned(), ..before.clone() });
    assert_eq!(sent(&renamed), [("test", "/rev", json!(7)), ("add", TITLE, json!("new"))]);
    let tagged = steps(&Draft { labels: vec!["new".to_owned()], state: StateName::Blocked, ..before.clone() });
    assert_eq!(sent(&tagged)[1..], [("replace", TAGS, json!("sbom; status:blocked; type:bug; new"))]);
    let nobody = steps(&Draft { assignees: Vec::new(), due_on: None, ..before.clone() });
    assert_eq!(sent(&nobody)[1..], [("add", ASSIGNED, json!("")), ("add", "Due", json!(""))]);
    let mut taken = recorded();
    taken["fields"]["System.AssignedTo"] = json!("bob@example.org");
    let after = Draft { assignees: Vec::new(), ..before.clone() };
    let left = edit(&DraftEdit { before: &before, after: &after }, &item(taken).unwrap(), WorkItemEditContext::default(), &settings);
    assert!(left.is_empty(), "somebody else was put there: {left:?}");
    let around = WorkItemEditContext { state: Some("Closed".to_owned()), iteration: Some("Fabrikam Fiber".to_owned()) };
    let moved = edit(&DraftEdit { before: &before, after: &before }, &there, around, &settings);
    assert_eq!(sent(&moved)[1..], [("add", ITERATION, json!("Fabrikam Fiber")), ("add", STATE, json!("Closed"))]);
}

#[test]
fn a_text_that_is_markdown_in_the_tracker_stays_it() {
    let mut json = recorded();
    json["multilineFieldsFormat"] = json!({"System.Description": "markdown"});
    json["fields"]["System.Description"] = json!("<b>as it is</b> **x**");
    let settings = settings(&[]);
    assert_eq!(read(json.clone(), &settings).unwrap().body, "<b>as it is</b> **x**");
    let after = Draft { body: "**new**".to_owned(), ..draft() };
    let steps = edit(&DraftEdit { before: &draft(), after: &after }, &item(json).unwrap(), WorkItemEditContext::default(), &settings);
    assert_eq!(sent(&steps)[1].2, json!("**new**"));
}

#[test]
fn an_iteration_is_named_as_work_items_name_it() {
    let named = |path: &str| iteration_path(&wire::Node { path: path.to_owned() });
    assert_eq!(named("\\Fabrikam\\Iteration\\Release 1\\Sprint 2").as_deref(), Some("Fabrikam\\Release 1\\Sprint 2"));
    assert_eq!((named("\\Fabrikam\\Iteration"), named("")), (None, None));
}

#[test]
fn settings_that_cannot_work_are_reported_by_name() {
    let fault = |options: &[(&str, &str)]| AzureDevopsSettings::new(&with(options, LabelNames::default())).unwrap_err();
    for (name, value) in [("text", "rst"), ("priority_high", "0"), ("priority_high", "2"), ("no_such", "x")] {
        assert!(fault(&[(name, value)]).contains(&format!("options.{name}")), "{name}");
    }
    let unnamed = LabelNames { blocked: String::new(), ..LabelNames::default() };
    assert!(AzureDevopsSettings::new(&with(&[], unnamed)).unwrap_err().contains("options.state_blocked"));
}

#[test]
fn what_a_type_lacks_and_what_it_requires_is_reported() {
    let json = json!({"name": "Bug", "fields": [{"referenceName": "System.Title", "alwaysRequired": true}, {"referenceName": "Custom.Team", "name": "Team", "alwaysRequired": true},
        {"referenceName": "Custom.Rank", "alwaysRequired": true, "defaultValue": "1"}]});
    let told = missing(&serde_json::from_value(json).unwrap(), &settings(&[("due_field", "Due")]));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("Custom.Team") && told[1].contains("due_field") && told[2].contains("body_field"), "{told:?}");
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(field in prop::sample::select(vec!["System.Tags", "System.CreatedDate", "System.State", "System.Title", "System.Description", "System.AssignedTo", "System.IterationPath", "Microsoft.VSTS.Common.Priority", "Due"]), text in "\\PC{0,30}", number: i64, which in 0u8..5) {
        let mut json = recorded();
        json["fields"][field] = match which { 0 => Value::Null, 1 => json!(text), 2 => json!(number), 3 => json!([{"id": number, "name": text}]), _ => json!({"uniqueName": number, "displayName": text}) };
        _ = read(json, &settings(&[("due_field", "Due")]));
    }
}
