//! `/conflicts`: met, listed, decided once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::bindings::{operated, put, rules, synced};
use super::issues::assert_problem;
use super::{etag, get, problem, refused};
use crate::backend::rig::{eventually, file, task, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{SECRET, Sim};

crate::support::on_both_stores!(a_conflict_is_shown_and_decided_once_in_the_edition_seen);

/// A person gives the tracker's first issue another title, in the tracker.
async fn retitle(server: &Server, sim: &Sim, title: &str) {
    let url = format!("{}/api/v1/repos/acme/tools/issues/1", sim.url);
    let answer =
        server.client.patch(url).header("Authorization", format!("token {SECRET}")).json(&json!({"title": title})).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// The newest conflict that is open, once both changed the title.
async fn clash(server: &Server, sim: &Sim, issue: &str, ours: &str, theirs: &str) -> Value {
    // Both change before either side can read the other.
    assert_eq!(server.post("/bindings/tools/pause", &json!({})).send().await.unwrap().status(), StatusCode::OK);
    retitle(server, sim, theirs).await;
    let answer = server.request(Method::PATCH, issue).json(&json!({"title": ours})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    until_quiet(server).await;
    assert_eq!(server.post("/bindings/tools/resume", &json!({})).send().await.unwrap().status(), StatusCode::OK);
    synced(server, "tools").await;
    eventually("the clash is told", || async { !get(server, "/conflicts?state=open").await["items"].as_array().unwrap().is_empty() }).await;
    get(server, "/conflicts?state=open").await["items"][0].clone()
}

async fn a_conflict_is_shown_and_decided_once_in_the_edition_seen(db: Database) {
    let rig = operated(db).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    assert_eq!(put(&server, "tools", &rules(&json!({"strategy": "manual"}))).await.status(), StatusCode::CREATED);
    let issue = file(&server, &task("Base")).await;
    until_quiet(&server).await;
    synced(&server, "tools").await;

    let conflict = clash(&server, sim, &issue, "Ours", "Theirs").await;
    assert_eq!(
        (&conflict["field"], &conflict["base"], &conflict["ours"], &conflict["theirs"], &conflict["resolution"]),
        (&json!("title"), &json!("Base"), &json!("Ours"), &json!("Theirs"), &Value::Null)
    );
    let path = format!("/conflicts/{}", conflict["id"].as_str().unwrap());
    let shown = server.get(&path).send().await.unwrap();
    let edition = etag(&shown);
    assert_eq!(shown.json::<Value>().await.unwrap(), conflict);
    let again = server.get(&path).header("If-None-Match", &edition).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let id = issue.trim_start_matches("/issues/");
    for (query, count) in [(format!("issue={id}&backend=t0"), 1), ("backend=t9".to_owned(), 0), ("state=resolved".to_owned(), 0)] {
        assert_eq!(get(&server, &format!("/conflicts?{query}")).await["items"].as_array().unwrap().len(), count, "{query}");
    }
    let timeline = get(&server, &format!("{issue}/timeline")).await;
    let told = timeline["items"].as_array().unwrap().iter().find(|entry| entry["kind"] == "sync_conflict").unwrap().clone();
    assert_eq!((&told["conflict"]["id"], &told["conflict"]["field"]), (&conflict["id"], &json!("title")), "{told}");

    let resolve = format!("{path}/resolve");
    let decide = async |tag: &str, body: Value| server.post(&resolve, &body).header("If-Match", tag).send().await.unwrap();
    assert_problem(server.post(&resolve, &json!({})).send().await.unwrap(), "invalid", Some("/take")).await;
    assert_problem(decide(&edition, json!({"take": "local", "value": "x"})).await, "invalid", Some("/value")).await;
    assert_eq!(problem(decide("\"99\"", json!({"take": "local"})).await).await, (412, "precondition_failed".into()));
    let decided = decide(&edition, json!({"take": "external"})).await;
    assert_eq!(decided.status(), StatusCode::OK);
    assert_ne!(etag(&decided), edition);
    assert_eq!(problem(decide(&edition, json!({"take": "local"})).await).await, (412, "precondition_failed".into()));
    assert_eq!(refused(&server, &resolve, json!({"take": "local"})).await, (409, "conflict_settled".into()));
    until_quiet(&server).await;
    assert_eq!(get(&server, &issue).await["title"], "Theirs");
    let settled = get(&server, &path).await;
    assert_eq!((&settled["state"], &settled["resolution"]), (&json!("resolved"), &json!("external")), "{settled}");

    let conflict = clash(&server, sim, &issue, "Ours again", "Theirs again").await;
    let resolve = format!("/conflicts/{}/resolve", conflict["id"].as_str().unwrap());
    assert_problem(server.post(&resolve, &json!({"value": " "})).send().await.unwrap(), "invalid", Some("/value")).await;
    assert_eq!(server.post(&resolve, &json!({"value": "Other words"})).send().await.unwrap().status(), StatusCode::OK);
    until_quiet(&server).await;
    assert_eq!((&get(&server, &issue).await["title"], sim.issues()[0].title.as_str()), (&json!("Other words"), "Other words"));
    let page = get(&server, "/conflicts?limit=1").await;
    assert_eq!(page["items"][0]["id"], conflict["id"], "newest first: {page}");
    let next = get(&server, &format!("/conflicts?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&next["items"][0]["id"], &next["next_cursor"]), (&settled["id"], &Value::Null));
    for path in ["/conflicts/7", "/conflicts/01977f9e-4a1c-7cc3-8a52-6f1c0f7f2b11"] {
        assert_problem(server.get(path).send().await.unwrap(), "not_found", None).await;
    }
    assert_problem(server.get("/conflicts?issue=7&sate=open").send().await.unwrap(), "invalid", Some("issue")).await;
}
