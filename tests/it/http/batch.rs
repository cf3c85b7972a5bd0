//! `/issues/batch`: every item is judged by itself, independent of the items beside it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{Server, task};

crate::support::on_both_stores!(
    a_thousand_tasks_with_ten_bad_ones_and_ten_repeats_get_an_outcome_each,
    a_task_that_is_in_a_batch_twice_is_one_issue_for_single_posts_too,
    an_items_idempotency_key_is_the_header_of_a_single_post,
    a_rehearsed_batch_says_what_would_happen_and_writes_nothing,
    two_equal_batches_at_once_make_each_issue_once,
    issues_of_a_batch_are_published_like_any_other,
);

async fn send(server: &Server, path: &str, tasks: &[Value]) -> Value {
    let answer = server.post(path, &json!({"tasks": tasks})).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

fn counts(answer: &Value) -> [u64; 5] {
    ["created", "duplicate", "invalid", "refused", "failed"].map(|status| answer[status].as_u64().unwrap())
}

async fn a_thousand_tasks_with_ten_bad_ones_and_ten_repeats_get_an_outcome_each(db: Database) {
    let server = Server::start(&db.url());
    let mut tasks: Vec<Value> = (0..1000).map(|n| task(&format!("task {n}"), "e")).collect();
    for bad in (0..1000).step_by(100) {
        tasks[bad]["title"] = json!("");
        tasks[bad + 50] = tasks[bad + 49].clone();
    }
    tasks[300] = json!([1]);
    tasks[400]["labels"] = json!(["ok", 7]);
    let answer = send(&server, "/issues/batch", &tasks).await;
    assert_eq!(counts(&answer), [980, 10, 10, 0, 0]);
    assert_eq!(answer["dry_run"], false);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1000);
    for (n, item) in items.iter().enumerate() {
        assert_eq!(item["index"], n);
    }
    assert_eq!(items[0]["errors"][0]["pointer"], "/tasks/0/title");
    assert_eq!(items[300]["errors"][0]["pointer"], "/tasks/300");
    let faults: Vec<_> = items[400]["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(faults, ["/tasks/400/title", "/tasks/400/labels/1"]);
    assert_eq!(items[50]["status"], "duplicate");
    assert_eq!(items[50]["issue_id"], items[49]["issue_id"]);
    assert_eq!((db.count("issues").await, db.count("events").await), (980, 980));
    let shown: Value =
        server.get(&format!("/issues/{}", items[999]["issue_id"].as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["title"], "task 999");

    let again = send(&server, "/issues/batch", &tasks).await;
    assert_eq!(counts(&again), [0, 990, 10, 0, 0]);
    assert_eq!(again["items"][999]["issue_id"], items[999]["issue_id"]);
    assert_eq!(db.count("issues").await, 980);
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("issue_core_ingested_total{outcome=\"duplicate\"} 1000"), "{metrics}");
}

async fn a_task_that_is_in_a_batch_twice_is_one_issue_for_single_posts_too(db: Database) {
    let server = Server::start(&db.url());
    let single: Value = server.post("/issues/", &task("one", "e")).send().await.unwrap().json().await.unwrap();
    let mut other = task("two", "e");
    other["description"] = json!("the first body stands");
    let answer =
        send(&server, "/issues/batch", &[task("two", "e"), task("one", "e"), other, json!({"title": "x"}), json!({"title": "x"})]).await;
    assert_eq!(counts(&answer), [3, 2, 0, 0, 0]);
    assert_eq!(answer["items"][1]["issue_id"], single["issue_id"]);
    assert_eq!(answer["items"][2]["issue_id"], answer["items"][0]["issue_id"]);
    assert_ne!(answer["items"][3]["issue_id"], answer["items"][4]["issue_id"], "without a key every task is a new one");
    assert_eq!(db.count("issues").await, 4);
}

async fn an_items_idempotency_key_is_the_header_of_a_single_post(db: Database) {
    let server = Server::start(&db.url());
    let single = server.post("/issues/", &json!({"title": "a"})).header("Idempotency-Key", "k-1").send().await.unwrap();
    let single: Value = single.json().await.unwrap();
    let tasks = [
        json!({"title": "a", "idempotency_key": "k-1"}),
        json!({"title": "b", "idempotency_key": "k-1"}),
        json!({"title": "c", "idempotency_key": "k-2"}),
        json!({"title": "d", "idempotency_key": "k-2"}),
        json!({"title": "", "idempotency_key": ""}),
        json!({"title": "e", "idempotency_key": 7}),
    ];
    let answer = send(&server, "/issues/batch", &tasks).await;
    assert_eq!(counts(&answer), [1, 1, 2, 2, 0]);
    let items = &answer["items"];
    assert_eq!(items[0]["issue_id"], single["issue_id"]);
    assert_eq!((&items[1]["status"], &items[1]["code"]), (&json!("refused"), &json!("idempotency_key_reused")));
    assert_eq!(items[3]["code"], "idempotency_key_reused");
    let pointers: Vec<_> = items[4]["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/tasks/4/idempotency_key", "/tasks/4/title"]);
    assert_eq!(items[5]["errors"][0]["code"], "wrong_type");
    assert_eq!(db.count("issues").await, 2);
}

async fn a_rehearsed_batch_says_what_would_happen_and_writes_nothing(db: Database) {
    let server = Server::start(&db.url());
    let filed: Value = server.post("/issues/", &task("filed", "e")).send().await.unwrap().json().await.unwrap();
    let before = db.rows().await;
    let tasks = [
        task("filed", "e"),
        task("new", "e"),
        task("new", "e"),
        json!({"title": "keyed", "idempotency_key": "k"}),
        json!({"title": "other", "idempotency_key": "k"}),
        json!({"title": ""}),
        json!({"title": "free"}),
    ];
    let rehearsed = send(&server, "/issues/batch?dry_run=true", &tasks).await;
    assert_eq!(rehearsed["dry_run"], true);
    assert_eq!(rehearsed["items"][0]["issue_id"], filed["issue_id"]);
    assert_eq!(rehearsed["items"][1], json!({"index": 1, "status": "created", "backend": db.dialect()}));
    assert_eq!(rehearsed["items"][2]["same_as"], 1);
    assert_eq!(db.rows().await, before);

    let real = send(&server, "/issues/batch", &tasks).await;
    assert_eq!(counts(&rehearsed), counts(&real), "the rehearsal told the truth");
    for (rehearsed, real) in rehearsed["items"].as_array().unwrap().iter().zip(real["items"].as_array().unwrap()) {
        assert_eq!((&rehearsed["status"], &rehearsed["errors"]), (&real["status"], &real["errors"]));
    }
}

async fn two_equal_batches_at_once_make_each_issue_once(db: Database) {
    let server = Server::start(&db.url());
    let mut tasks: Vec<Value> = (0..400).map(|n| task(&format!("task {n}"), "e")).collect();
    let forth = tasks.clone();
    tasks.reverse();
    let (one, two) = tokio::join!(send(&server, "/issues/batch", &forth), send(&server, "/issues/batch", &tasks));
    assert_eq!(counts(&one)[0] + counts(&two)[0], 400);
    assert_eq!(counts(&one)[1] + counts(&two)[1], 400);
    assert_eq!(db.count("issues").await, 400);
}

async fn issues_of_a_batch_are_published_like_any_other(db: Database) {
    // No process listens there, so the messages stay in the queue.
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__STATE_HUB__URL", "http://127.0.0.1:9")]);
    let tasks = [task("one", "e"), task("two", "e"), task("two", "e"), json!({"title": ""})];
    assert_eq!(counts(&send(&server, "/issues/batch", &tasks).await), [2, 1, 1, 0, 0]);
    assert_eq!(db.count("messages").await, 2);
    send(&server, "/issues/batch?dry_run=true", &[task("three", "e")]).await;
    assert_eq!(db.count("messages").await, 2);
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_refused_whole() {
    let db = Database::sqlite().await;
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__SERVER__BATCH_BODY_LIMIT", "2000000")]);
    let many: Vec<Value> = (0..1001).map(|n| json!({"title": n.to_string()})).collect();
    let large = json!({"tasks": [{"title": "t", "description": "x".repeat(2_000_000)}]});
    for (body, code, pointer) in [
        (json!({}), "invalid", Some("/tasks")),
        (json!({"tasks": null}), "invalid", Some("/tasks")),
        (json!({"tasks": {"title": "t"}}), "invalid", Some("/tasks")),
        (json!({"tasks": many}), "invalid", Some("/tasks")),
        (json!([]), "invalid", Some("")),
        (large, "too_large", None),
    ] {
        let answer = server.post("/issues/batch", &body).send().await.unwrap();
        assert!(answer.status().is_client_error());
        assert_problem(answer, code, pointer).await;
    }
    let within_its_own_limit = json!({"title": "t", "description": "x".repeat(1_000_000)});
    let answer =
        send(&server, "/issues/batch", &[within_its_own_limit.clone(), json!({"title": "t", "description": "y".repeat(900_000)})]).await;
    assert_eq!(counts(&answer), [2, 0, 0, 0, 0], "more than a single post may carry");
    assert_eq!(counts(&send(&server, "/issues/batch", &[]).await), [0; 5]);
    assert_eq!(db.count("issues").await, 2);
}
