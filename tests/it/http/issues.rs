//! `/issues/`: the contract with activity-core, to the letter.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::server::{Server, task};

crate::support::on_both_stores!(
    the_contracts_task_is_created_once_and_shown_whole,
    both_spellings_of_the_path_and_of_the_key_are_one,
    one_event_may_emit_many_tasks,
    an_idempotency_key_repeats_its_answer_and_refuses_another_body,
    fifty_identical_posts_at_once_make_one_issue,
    bad_requests_get_the_right_problem_and_leave_nothing_behind,
);

async fn the_contracts_task_is_created_once_and_shown_whole(db: Database) {
    let server = Server::start(&db.url());
    let body = task("Flag stale SBOM", "nightly-2026-06-16T07:00:00+00:00");
    let first = server.post("/issues/", &body).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = first.json().await.unwrap();
    let id = created["issue_id"].as_str().unwrap();
    assert_eq!(created, json!({"issue_id": id, "issue_url": null, "backend": db.dialect()}));
    assert_eq!(location, format!("/issues/{id}"));

    let again = server.post("/issues/", &body).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), created);

    let shown = server.get(&location).send().await.unwrap();
    assert_eq!(shown.headers()["etag"], "\"1\"");
    let issue: Value = shown.json().await.unwrap();
    for (field, value) in body.as_object().unwrap() {
        if field != "due_in_days" {
            assert_eq!(&issue[field], value, "{field}");
        }
    }
    assert_eq!((&issue["state"], &issue["version"]), (&json!("open"), &json!(1)));
    let by_number: Value = server.get(&format!("/issues/{}", issue["number"])).send().await.unwrap().json().await.unwrap();
    assert_eq!(by_number, issue);
}

async fn both_spellings_of_the_path_and_of_the_key_are_one(db: Database) {
    let server = Server::start(&db.url());
    let first: Value = server.post("/issues", &task("t", "e")).send().await.unwrap().json().await.unwrap();
    let with_header = server.client.post(format!("{}/issues/", server.base)).header("X-API-Key", "test-key").json(&task("t", "e"));
    let second = with_header.send().await.unwrap();
    assert_eq!(second.status(), StatusCode::OK);
    assert_eq!(second.json::<Value>().await.unwrap(), first);
}

async fn one_event_may_emit_many_tasks(db: Database) {
    let server = Server::start(&db.url());
    let mut ids = std::collections::HashSet::new();
    for repo in 0..48 {
        let mut body = task("Update the licence", "e1");
        body["target_repo"] = json!(format!("repo-{repo}"));
        let answer = server.post("/issues/", &body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        ids.insert(answer.json::<Value>().await.unwrap()["issue_id"].to_string());
    }
    assert_eq!(ids.len(), 48);
    let without_event = json!({"title": "no trigger"});
    for _ in 0..2 {
        assert_eq!(server.post("/issues/", &without_event).send().await.unwrap().status(), StatusCode::CREATED);
    }
}

async fn an_idempotency_key_repeats_its_answer_and_refuses_another_body(db: Database) {
    let server = Server::start(&db.url());
    let post = |body: Value| server.post("/issues/", &body).header("Idempotency-Key", "k-1").send();
    let first: Value = post(json!({"title": "a"})).await.unwrap().json().await.unwrap();
    let repeat = post(json!({"title": "a", "unknown": true})).await.unwrap();
    assert_eq!(repeat.status(), StatusCode::OK);
    assert_eq!(repeat.json::<Value>().await.unwrap(), first);
    let other = post(json!({"title": "b"})).await.unwrap();
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    let empty = server.post("/issues/", &json!({"title": "a"})).header("Idempotency-Key", "").send().await.unwrap();
    assert_eq!(empty.json::<Value>().await.unwrap()["errors"][0]["pointer"], "Idempotency-Key");
}

async fn fifty_identical_posts_at_once_make_one_issue(db: Database) {
    let server = Server::start(&db.url());
    let posts = (0..50).map(|_| async {
        let answer = server.post("/issues/", &task("t", "e")).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap()["issue_id"].to_string())
    });
    let answers = futures_util::future::join_all(posts).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count(), 1);
    assert!(answers.iter().all(|(_, id)| *id == answers[0].1), "{answers:?}");
    assert_eq!(db.count("issues").await, 1);
}

async fn bad_requests_get_the_right_problem_and_leave_nothing_behind(db: Database) {
    let server = Server::start(&db.url());
    let with = |field: &str, value: Value| {
        let mut body = task("t", "e");
        body[field] = value;
        body.to_string()
    };
    let json = Some("application/json");
    let cases = [
        (with("due_in_days", json!("7")), json, 422, "invalid", Some("/due_in_days")),
        (with("labels", json!("sbom")), json, 422, "invalid", Some("/labels")),
        (with("priority", json!("urgent")), json, 422, "invalid", Some("/priority")),
        (with("title", json!("")), json, 422, "invalid", Some("/title")),
        (with("title", json!("a\u{0}b")), json, 422, "invalid", Some("/title")),
        (with("description", json!("x".repeat((1 << 20) + 1))), json, 422, "invalid", Some("/description")),
        ("[\"a title\"]".to_owned(), json, 422, "invalid", Some("")),
        ("{\"title\":".to_owned(), json, 400, "malformed", None),
        (String::new(), json, 400, "malformed", None),
        (with("description", json!("x".repeat(2 << 20))), json, 413, "too_large", None),
        (with("title", json!("t")), Some("text/plain"), 415, "unsupported_media_type", None),
        (with("title", json!("t")), None, 415, "unsupported_media_type", None),
    ];
    for (body, media_type, status, code, pointer) in cases {
        let shown = body.chars().take(80).collect::<String>();
        let mut request = server.request(Method::POST, "/issues/").body(body);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{shown}");
        assert_problem(answer, code, pointer).await;
    }
    for key in ["", "Bearer wrong", "Basic dGVzdC1rZXk=", "Bearer"] {
        let request = server.client.post(format!("{}/issues/", server.base)).header("authorization", key).json(&task("t", "e"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{key:?}");
        assert!(answer.headers().contains_key("www-authenticate"));
        assert_problem(answer, "unauthenticated", None).await;
    }
    assert_eq!(db.count("issues").await, 0);
    assert_eq!(db.count("events").await, 0);
}

pub async fn assert_problem(answer: reqwest::Response, code: &str, pointer: Option<&str>) {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let status = answer.status();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["type"], format!("urn:issue-core:problem:{code}"));
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    if let Some(pointer) = pointer {
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}
