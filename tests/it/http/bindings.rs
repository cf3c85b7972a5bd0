//! `/bindings`: made, changed, paused, rehearsed and synced, with a simulated tracker behind them.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::issues::assert_problem;
use super::{etag, get, problem, refused};
use crate::backend::rig::{Rig, eventually, file, task, until_quiet};
use crate::support::database::Database;
use crate::support::server::{KEY, Server};
use crate::support::sim;

crate::support::on_both_stores!(
    a_binding_is_made_changed_and_taken_away,
    every_fault_of_a_binding_is_listed_and_nothing_is_written,
    what_stands_in_the_settings_is_changed_there,
    a_binding_needs_the_right_scopes,
    a_dry_run_answers_exactly_what_a_sync_run_then_does,
    an_issue_is_found_by_its_name_in_the_tracker,
);

/// A service with one tracker whose usual key may do everything.
pub(crate) async fn operated(db: Database) -> Rig {
    let mut rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let keys = json!([
        {"name": "default", "key": KEY, "scopes": ["ingest", "read", "write", "admin"]},
        {"name": "viewer", "key": "view", "scopes": ["read"]},
        {"name": "writer", "key": "write", "scopes": ["read", "write"]},
    ]);
    rig.set("ISSUE_CORE_API_KEY", "");
    rig.set("ISSUE_CORE__AUTH__KEYS", &keys.to_string());
    rig
}

/// The rules for the simulator's project, with a long interval.
pub(super) fn rules(more: &Value) -> Value {
    let mut rules = json!({"backend": "t0", "owner": "acme", "repo": "tools", "every_seconds": 3600});
    for (name, value) in more.as_object().unwrap() {
        rules[name] = value.clone();
    }
    rules
}

pub(super) async fn put(server: &Server, name: &str, body: &Value) -> Response {
    server.request(Method::PUT, &format!("/bindings/{name}")).json(body).send().await.unwrap()
}

async fn put_if(server: &Server, body: &Value, header: &str, value: &str) -> Response {
    server.request(Method::PUT, "/bindings/tools").header(header, value).json(body).send().await.unwrap()
}

/// One sync run, started by this, to its end.
pub(super) async fn synced(server: &Server, name: &str) -> Value {
    let path = format!("/bindings/{name}");
    eventually("the first pass has ended", || async { get(server, &path).await["last_run"]["ended_at"].is_string() }).await;
    let before = get(server, &path).await["last_run"]["ended_at"].clone();
    assert_eq!(server.post(&format!("{path}/sync"), &json!({})).send().await.unwrap().status(), StatusCode::ACCEPTED);
    eventually("the pass has ended", || async {
        let now = get(server, &path).await;
        now["last_run"]["ended_at"] != before && now["state"] != "running"
    })
    .await;
    until_quiet(server).await;
    get(server, &path).await
}

async fn a_binding_is_made_changed_and_taken_away(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    assert_eq!(get(&server, "/bindings").await, json!({"items": []}));
    let body = rules(&json!({"fields": {"labels": "local"}, "filter": {"labels": ["a", "A"], "since": "2026-01-01T00:00:00Z"}}));
    let made = put(&server, "tools", &body).await;
    assert_eq!((made.status(), &made.headers()["location"]), (StatusCode::CREATED, &"/bindings/tools".parse().unwrap()));
    let first = etag(&made);
    let binding: Value = made.json().await.unwrap();
    assert_eq!((&binding["source"], &binding["direction"], &binding["strategy"]), (&json!("api"), &json!("both"), &json!("external_wins")));
    assert_eq!((&binding["fields"], &binding["filter"]["labels"]), (&json!({"labels": "local"}), &json!(["a"])));

    let same = put(&server, "tools", &body).await;
    assert_eq!((same.status(), etag(&same)), (StatusCode::OK, first.clone()), "the same rules again are no change");
    let changed = put_if(&server, &rules(&json!({"adopt": true})), "If-Match", &first).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let second = etag(&changed);
    assert_ne!(first, second);
    assert_eq!(changed.json::<Value>().await.unwrap()["fields"], json!({}), "what is not given has its usual value");
    for (header, value) in [("If-Match", first.as_str()), ("If-None-Match", "*")] {
        assert_eq!(problem(put_if(&server, &body, header, value).await).await, (412, "precondition_failed".into()), "{header}");
    }
    assert_eq!(etag(&server.get("/bindings/tools").send().await.unwrap()), second);

    assert_eq!(server.post("/bindings/tools/pause", &json!({})).send().await.unwrap().json::<Value>().await.unwrap()["state"], "paused");
    assert_eq!(refused(&server, "/bindings/tools/sync", json!({})).await, (409, "binding_paused".into()));
    assert_eq!(server.post("/bindings/tools/resume", &json!({})).send().await.unwrap().json::<Value>().await.unwrap()["paused"], false);
    let run = synced(&server, "tools").await;
    assert_eq!(run["last_run"]["error"], Value::Null, "{run}");
    eventually("nothing is due any more", || async { get(&server, "/bindings/tools").await["state"] == "idle" }).await;
    assert_eq!(get(&server, "/bindings/tools").await["progress"], Value::Null);
    assert!(run["behind_seconds"].is_i64(), "{run}");

    let delete = async |tag: &str| server.request(Method::DELETE, "/bindings/tools").header("If-Match", tag).send().await.unwrap();
    assert_eq!(problem(delete(&first).await).await, (412, "precondition_failed".into()), "it has other rules by now");
    assert_eq!(delete(&second).await.status(), StatusCode::NO_CONTENT);
    assert_problem(delete("*").await, "not_found", None).await;
    for path in ["/bindings/tools", "/bindings/No%20such"] {
        assert_problem(server.get(path).send().await.unwrap(), "not_found", None).await;
    }
    assert_eq!(problem(put_if(&server, &body, "If-Match", "*").await).await, (412, "precondition_failed".into()), "there is none");
    assert_eq!(put_if(&server, &body, "If-None-Match", "*").await.status(), StatusCode::CREATED);
}

async fn every_fault_of_a_binding_is_listed_and_nothing_is_written(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    let bad = json!({"direction": "sideways", "adopt": 1, "filter": {"label": "x"}, "fields": {"weight": "local"}, "every_seconds": 0, "onwer": "a"});
    let answer: Value = put(&server, "Tools", &bad).await.json().await.unwrap();
    let pointers: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        pointers,
        ["name", "/backend", "/direction", "/adopt", "/filter/label", "/fields/weight", "/every_seconds", "/onwer"],
        "{answer}"
    );
    assert_problem(put(&server, "b", &rules(&json!({"backend": "t9"}))).await, "unknown_backend", None).await;
    assert_problem(put(&server, "b", &rules(&json!({"repo": " "}))).await, "invalid", Some("/repo")).await;
    assert_eq!(put(&server, "a", &rules(&json!({}))).await.status(), StatusCode::CREATED);
    assert_problem(put(&server, "b", &rules(&json!({}))).await, "invalid", Some("name")).await;
    let both = json!({"dry_run": true, "audit": true});
    assert_problem(server.post("/bindings/a/sync", &both).send().await.unwrap(), "invalid", Some("/audit")).await;
    assert_eq!(get(&server, "/bindings").await["items"].as_array().unwrap().len(), 1);
}

async fn what_stands_in_the_settings_is_changed_there(db: Database) {
    let mut rig = operated(db).await;
    for (field, value) in [("BACKEND", "t0"), ("OWNER", "acme"), ("REPO", "tools"), ("EVERY", "1h")] {
        rig.set(&format!("ISSUE_CORE__BINDINGS__FIXED__{field}"), value);
    }
    let server = rig.start();
    eventually("it is written", || async { server.get("/bindings/fixed").send().await.unwrap().status() == StatusCode::OK }).await;
    assert_eq!(get(&server, "/bindings/fixed").await["source"], "config");
    assert_eq!(problem(put(&server, "fixed", &rules(&json!({}))).await).await, (409, "binding_configured".into()));
    let answer = server.request(Method::DELETE, "/bindings/fixed").send().await.unwrap();
    assert_eq!(problem(answer).await, (409, "binding_configured".into()));
    assert_eq!(server.post("/bindings/fixed/pause", &json!({})).send().await.unwrap().status(), StatusCode::OK, "an operator may");
}

async fn a_binding_needs_the_right_scopes(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    assert_eq!(put(&server, "tools", &rules(&json!({}))).await.status(), StatusCode::CREATED);
    let asked = async |key: &str, method: Method, path: &str, body: Value| {
        let url = format!("{}{path}", server.base);
        server.client.request(method, url).bearer_auth(key).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(asked("view", Method::GET, "/bindings/tools", Value::Null).await, 200);
    assert_eq!(asked("view", Method::POST, "/bindings/tools/sync", json!({"dry_run": true})).await, 200);
    assert_eq!(asked("view", Method::POST, "/bindings/tools/sync", json!({})).await, 403);
    assert_eq!(asked("write", Method::POST, "/bindings/tools/sync", json!({})).await, 202);
    for (method, path, body) in [
        (Method::PUT, "/bindings/tools", rules(&json!({}))),
        (Method::DELETE, "/bindings/tools", Value::Null),
        (Method::POST, "/bindings/tools/pause", Value::Null),
        (Method::POST, "/bindings/tools/sync", json!({"allow_deletions": true})),
    ] {
        assert_eq!(asked("write", method.clone(), path, body).await, 403, "{method} {path}");
    }
}

async fn a_dry_run_answers_exactly_what_a_sync_run_then_does(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    let now = issue_core::boot::now();
    for n in 0..3 {
        rig.sims[0].vendor(|vendor| vendor.plant(&format!("planted {n}"), "text", n == 2, now));
    }
    // Paused at once, so that only what is asked for happens.
    assert_eq!(put(&server, "tools", &rules(&json!({"adopt": true, "direction": "push"}))).await.status(), StatusCode::CREATED);
    assert_eq!(server.post("/bindings/tools/pause", &json!({})).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(put(&server, "tools", &rules(&json!({"adopt": true}))).await.status(), StatusCode::OK);
    let answer = server.post("/bindings/tools/sync", &json!({"dry_run": true})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let plan: Value = answer.json().await.unwrap();
    let titles: Vec<&str> = plan["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!((titles.len(), &plan["counts"]["adopted"], &plan["more"]), (2, &json!(2), &json!(false)), "{plan}");
    assert!(plan["items"].as_array().unwrap().iter().all(|item| item["action"] == "adopt" && item["issue_id"].is_null()), "{plan}");
    assert_eq!(get(&server, "/issues/").await["items"], json!([]), "nothing is written");

    assert_eq!(server.post("/bindings/tools/resume", &json!({})).send().await.unwrap().status(), StatusCode::OK);
    let run = synced(&server, "tools").await;
    let here = get(&server, "/issues/").await;
    let mut here: Vec<&str> = here["items"].as_array().unwrap().iter().map(|issue| issue["title"].as_str().unwrap()).collect();
    here.sort_unstable();
    assert_eq!(here, ["planted 0", "planted 1"], "{titles:?} {run}");
    let plan: Value = server.post("/bindings/tools/sync", &json!({"dry_run": true})).send().await.unwrap().json().await.unwrap();
    assert_eq!(plan["items"], json!([]), "nothing is left to do");
}

async fn an_issue_is_found_by_its_name_in_the_tracker(db: Database) {
    let rig = Rig::new(db, vec![sim::ALL[0](), sim::ALL[1]()]).await;
    let server = rig.start();
    let issue = file(&server, &task("Somewhere else, too")).await;
    let other = file(&server, &task("Another")).await;
    until_quiet(&server).await;
    let timeline = get(&server, &format!("{issue}/timeline")).await;
    let key = |backend: &str| {
        let entries = timeline["items"].as_array().unwrap();
        entries.iter().find(|entry| entry["link"]["backend"] == backend).unwrap()["link"]["key"].as_str().unwrap().to_owned()
    };
    let (first, second) = (key("t0"), format!("t1:{}", key("t1")));
    let asked = json!({"tracker_keys": [first, second, "t9:acme/tools#1", "acme/tools#99"]});
    let found: Value = server.post("/issues/lookup", &asked).send().await.unwrap().json().await.unwrap();
    let ids = |n: usize| -> Vec<String> {
        let issues = found["tracker_keys"][n]["issues"].as_array().unwrap();
        issues.iter().map(|found| format!("/issues/{}", found["issue_id"].as_str().unwrap())).collect()
    };
    assert!(ids(0).contains(&issue), "{found}");
    assert_eq!((ids(1), ids(2).len(), ids(3).len()), (vec![issue.clone()], 0, 0), "{found}");
    assert!(!ids(1).contains(&other));
}
