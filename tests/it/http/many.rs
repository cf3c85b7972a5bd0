//! `/issues/lookup`, `/issues/next` and `/issues/bulk`.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{Server, task};

crate::support::on_both_stores!(
    twenty_agents_racing_never_hold_the_same_issue,
    the_next_issue_is_the_most_urgent_unclaimed_one,
    a_bulk_edit_can_run_dry_and_answers_each_outcome,
    a_bulk_edit_by_filter_goes_on_where_it_ended,
    a_bulk_edit_of_many_is_whole_for_each_under_other_peoples_edits,
    what_was_filed_is_found_by_trigger_and_definition,
);

async fn file(server: &Server, body: Value) {
    assert_eq!(server.post("/issues/", &body).send().await.unwrap().status(), StatusCode::CREATED);
}

async fn twenty_agents_racing_never_hold_the_same_issue(db: Database) {
    // Two replicas where the store allows it: the locks of one process must not be what keeps them
    // apart.
    let servers = [Server::start(&db.url()), Server::start(&db.url())];
    for n in 0..15 {
        file(&servers[0], json!({"title": format!("t{n}")})).await;
    }
    let claims = (0..20).map(|agent| {
        let server = &servers[agent % 2];
        async move {
            let answer = server.post("/issues/next", &json!({"holder": format!("agent-{agent}")})).send().await.unwrap();
            let status = answer.status();
            (agent, status, if status == StatusCode::OK { answer.json::<Value>().await.unwrap() } else { Value::Null })
        }
    });
    let claims = join_all(claims).await;
    let held: HashSet<i64> = claims.iter().filter_map(|(_, _, issue)| issue["number"].as_i64()).collect();
    assert_eq!(held.len(), 15, "{claims:?}");
    for (agent, status, issue) in &claims {
        if *status == StatusCode::OK {
            assert_eq!(issue["claimed_by"], format!("agent-{agent}"));
            let shown: Value = servers[0].get(&format!("/issues/{}", issue["number"])).send().await.unwrap().json().await.unwrap();
            assert_eq!(shown["claimed_by"], issue["claimed_by"]);
        } else {
            assert_eq!(*status, StatusCode::NO_CONTENT);
        }
    }
}

async fn the_next_issue_is_the_most_urgent_unclaimed_one(db: Database) {
    let server = Server::start(&db.url());
    file(&server, json!({"title": "medium"})).await;
    file(&server, json!({"title": "high, not due", "priority": "high"})).await;
    file(&server, json!({"title": "high, due later", "priority": "high", "due_in_days": 9})).await;
    file(&server, json!({"title": "high, due soon", "priority": "high", "due_in_days": 2, "labels": ["x"]})).await;
    file(&server, json!({"title": "pending", "priority": "high", "due_in_days": 1, "review_required": true})).await;
    file(&server, json!({"title": "started", "priority": "high", "due_in_days": 1})).await;
    server.post("/issues/6/start", &json!({})).send().await.unwrap();
    let next = async |body: Value| {
        let answer = server.post("/issues/next", &body).send().await.unwrap();
        if answer.status() == StatusCode::NO_CONTENT { Value::Null } else { answer.json::<Value>().await.unwrap()["title"].clone() }
    };
    assert_eq!(next(json!({"filter": {"label_none": "x"}, "lease_seconds": 60})).await, "high, due later");
    for expected in ["high, due soon", "high, not due", "medium"] {
        assert_eq!(next(json!({})).await, expected);
    }
    assert_eq!(next(json!({})).await, Value::Null, "one holder does not get the same issue again");
    let wrong = server.post("/issues/next", &json!({"filter": {"label": 7}})).send().await.unwrap();
    assert_problem(wrong, "invalid", Some("/filter/label")).await;
}

async fn bulk(server: &Server, body: Value) -> Value {
    let answer = server.post("/issues/bulk", &body).send().await.unwrap();
    let status = answer.status();
    let report: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{report}");
    report
}

async fn a_bulk_edit_can_run_dry_and_answers_each_outcome(db: Database) {
    let server = Server::start(&db.url());
    for n in 0..3 {
        file(&server, json!({"title": format!("t{n}"), "labels": ["old"]})).await;
    }
    server.request(reqwest::Method::DELETE, "/issues/3").send().await.unwrap();
    let change = json!({"labels_add": ["new"], "labels_remove": ["OLD"], "milestone": "v1", "assignees": ["zoe"], "state": "closed", "close_reason": "not_planned"});
    let mut body = json!({"ids": ["1", "2", "3", "99", "no"], "change": change, "dry_run": true});
    let outcomes = |report: &Value| {
        let items = report["items"].as_array().unwrap().iter();
        items
            .map(|item| (item["outcome"].as_str().unwrap().to_owned(), item["code"].as_str().unwrap_or_default().to_owned()))
            .collect::<Vec<_>>()
    };
    let expect = |outcomes: [(&str, &str); 5]| outcomes.map(|(outcome, code)| (outcome.to_owned(), code.to_owned()));
    let changed =
        expect([("changed", ""), ("changed", ""), ("failed", "issue_archived"), ("failed", "not_found"), ("failed", "not_found")]);
    let dry = bulk(&server, body.clone()).await;
    assert_eq!(outcomes(&dry), changed);
    assert_eq!(
        (&dry["dry_run"], &dry["changed"], &dry["failed"], &dry["items"][0]["version"]),
        (&json!(true), &json!(2), &json!(3), &json!(3))
    );
    let issue: Value = server.get("/issues/1").send().await.unwrap().json().await.unwrap();
    assert_eq!((&issue["version"], &issue["state"]), (&json!(1), &json!("open")), "a dry run writes nothing");
    body["dry_run"] = json!(false);
    assert_eq!(outcomes(&bulk(&server, body.clone()).await), changed);
    let issue: Value = server.get("/issues/1").send().await.unwrap().json().await.unwrap();
    assert_eq!((&issue["labels"], &issue["milestone"], &issue["assignees"]), (&json!(["new"]), &json!("v1"), &json!(["zoe"])));
    assert_eq!((&issue["state"], &issue["close_reason"], &issue["version"]), (&json!("closed"), &json!("not_planned"), &json!(3)));
    let again = bulk(&server, body).await;
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(2)), "sent again, it changes nothing more");
    let empty = server.post("/issues/bulk", &json!({"ids": ["1"], "change": {}})).send().await.unwrap();
    assert_problem(empty, "invalid", Some("/change")).await;
}

async fn a_bulk_edit_by_filter_goes_on_where_it_ended(db: Database) {
    let server = Server::start(&db.url());
    for n in 0..5 {
        file(&server, json!({"title": format!("t{n}"), "kind": if n == 0 { "bug" } else { "task" }})).await;
    }
    let body =
        |cursor: &Value| json!({"filter": {"state": "open", "kind": "task"}, "change": {"state": "closed"}, "limit": 3, "cursor": cursor});
    let first = bulk(&server, body(&Value::Null)).await;
    assert_eq!((&first["changed"], &first["items"][0]["number"]), (&json!(3), &json!(2)));
    let second = bulk(&server, body(&first["next_cursor"])).await;
    assert_eq!((&second["changed"], &second["next_cursor"]), (&json!(1), &Value::Null));
    let open: Value = server.get("/issues/?state=open").send().await.unwrap().json().await.unwrap();
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
}

async fn a_bulk_edit_of_many_is_whole_for_each_under_other_peoples_edits(db: Database) {
    let server = Server::start(&db.url());
    join_all((0..60).map(|n| file(&server, json!({"title": format!("t{n}")})))).await;
    let edits = (1..=60).map(|n| {
        let label = json!({"labels_add": ["theirs"]});
        server.post("/issues/bulk", &json!({"ids": [n.to_string()], "change": label})).send()
    });
    let (report, edits) = tokio::join!(bulk(&server, json!({"filter": {}, "change": {"labels_add": ["ours"]}})), join_all(edits));
    assert_eq!(report["changed"], 60);
    assert!(edits.into_iter().all(|answer| answer.unwrap().status() == StatusCode::OK));
    let both: Value = server.get("/issues/?label=ours&label=theirs&total=true&limit=1").send().await.unwrap().json().await.unwrap();
    assert_eq!(both["total"], 60);
}

async fn what_was_filed_is_found_by_trigger_and_definition(db: Database) {
    let server = Server::start(&db.url());
    let mut filed = Vec::new();
    for repo in ["a", "b"] {
        let mut body = task("t", "e1");
        body["target_repo"] = json!(repo);
        let answer: Value = server.post("/issues/", &body).send().await.unwrap().json().await.unwrap();
        filed.push(answer["issue_id"].clone());
    }
    let definition = task("t", "e1")["activity_definition_id"].clone();
    let asked = json!({"triggering_event_ids": ["none", "e1"], "activity_definition_ids": [definition]});
    let found: Value = server.post("/issues/lookup", &asked).send().await.unwrap().json().await.unwrap();
    let ids = |answer: &Value| answer["issues"].as_array().unwrap().iter().map(|issue| issue["issue_id"].clone()).collect::<Vec<_>>();
    assert_eq!(found["triggering_events"][0], json!({"id": "none", "issues": [], "more": false}));
    assert_eq!(ids(&found["triggering_events"][1]), [filed[1].clone(), filed[0].clone()]);
    assert_eq!(ids(&found["activity_definitions"][0]), [filed[1].clone(), filed[0].clone()]);
    assert_eq!(found["triggering_events"][1]["issues"][0]["target_repo"], "b");
    assert_problem(server.post("/issues/lookup", &json!({})).send().await.unwrap(), "invalid", Some("/triggering_event_ids")).await;
}
