//! Options of a creation: a dry run, and preferences.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{Server, task};

crate::support::on_both_stores!(a_dry_run_answers_as_the_real_thing_would_and_writes_nothing);

async fn a_dry_run_answers_as_the_real_thing_would_and_writes_nothing(db: Database) {
    let server = Server::start(&db.url());
    let filed: Value = server.post("/issues/", &task("filed", "e")).send().await.unwrap().json().await.unwrap();
    server.post("/issues/", &json!({"title": "keyed"})).header("Idempotency-Key", "k").send().await.unwrap();
    let before = db.rows().await;
    let rehearse = async |body: Value, key: Option<&str>| {
        let mut request = server.post("/issues/?dry_run=true", &body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!answer.headers().contains_key("location"));
        answer.json::<Value>().await.unwrap()
    };
    let new = |dedupe: &str| json!({"dry_run": true, "status": "created", "dedupe": dedupe, "issue_id": null, "issue_url": null, "backend": db.dialect()});
    assert_eq!(rehearse(task("new", "e"), None).await, new("natural_key"));
    assert_eq!(rehearse(json!({"title": "new"}), None).await, new("none"));
    assert_eq!(rehearse(json!({"title": "new"}), Some("other")).await, new("idempotency_key"));
    let duplicate = rehearse(task("filed", "e"), None).await;
    assert_eq!((&duplicate["status"], &duplicate["issue_id"]), (&json!("duplicate"), &filed["issue_id"]));

    let reused = server.post("/issues/?dry_run=true", &json!({"title": "x"})).header("Idempotency-Key", "k").send().await.unwrap();
    assert_problem(reused, "idempotency_key_reused", None).await;
    let bad = server.post("/issues/?dry_run=true", &json!({"title": ""})).send().await.unwrap();
    assert_problem(bad, "invalid", Some("/title")).await;
    let misspelt = server.post("/issues/?dryrun=true", &task("new", "e")).send().await.unwrap();
    assert_problem(misspelt, "invalid", Some("dryrun")).await;
    let broken = server.post("/issues?dry_run=%FF", &task("new", "e")).send().await.unwrap();
    assert!(broken.status().is_client_error());
    assert_eq!(db.rows().await, before);

    let real = server.post("/issues?dry_run=false", &task("new", "e")).send().await.unwrap();
    assert_eq!(real.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn preferences_are_honoured_and_answered() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let post = async |body: &Value, prefer: &str| server.post("/issues/", body).header("Prefer", prefer).send().await.unwrap();
    let plain = post(&task("a", "e"), "return=minimal").await;
    assert_eq!(plain.status(), StatusCode::CREATED);
    assert!(!plain.headers().contains_key("preference-applied"));
    let waited = post(&task("b", "e"), "wait=20, respond-async, handling=lenient").await;
    assert_eq!(waited.headers()["preference-applied"], "wait=20, handling=lenient");

    let mut growing = task("c", "e");
    growing["growing"] = json!(1);
    assert_eq!(post(&growing, "handling=lenient").await.status(), StatusCode::CREATED);
    growing["title"] = json!("d");
    let strict = post(&growing, "handling=strict").await;
    assert_problem(strict, "invalid", Some("/growing")).await;
    let known = post(&task("d", "e"), "handling=strict").await;
    assert_eq!((known.status(), &known.headers()["preference-applied"]), (StatusCode::CREATED, &"handling=strict".parse().unwrap()));

    let batch = json!({"tasks": [growing, {"title": "e"}]});
    let answer = server.post("/issues/batch", &batch).header("Prefer", "handling=strict").send().await.unwrap();
    assert_eq!(answer.headers()["preference-applied"], "handling=strict");
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["created"], &answer["items"][0]["errors"][0]["pointer"]), (&json!(1), &json!("/tasks/0/growing")));
}
