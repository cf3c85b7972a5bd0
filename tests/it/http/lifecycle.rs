//! `/issues/{id}/start`, `/block`, `/unblock`, `/close`, `/reopen`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{act, file, get, kinds, problem, refused};
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    an_issue_goes_from_open_to_closed_and_back,
    a_request_without_a_change_is_no_event,
    a_state_that_forbids_the_request_says_what_to_do,
    a_last_word_is_written_with_the_closing_once,
    a_body_may_be_left_out_but_not_be_wrong,
);

async fn an_issue_goes_from_open_to_closed_and_back(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let step = async |verb: &str, body: Value| act(&server, &format!("{issue}/{verb}"), body).await;
    assert_eq!(step("start", json!({})).await["state"], "in_progress");
    let blocked = step("block", json!({"reason": "waits"})).await;
    assert_eq!((&blocked["state"], &blocked["blocked_reason"]), (&json!("blocked"), &json!("waits")));
    let again = step("block", json!({"reason": "waits for more"})).await;
    assert_eq!((&again["blocked_reason"], &again["blocked_at"]), (&json!("waits for more"), &blocked["blocked_at"]));
    let unblocked = step("unblock", json!({})).await;
    assert_eq!((&unblocked["state"], &unblocked["blocked_reason"]), (&json!("in_progress"), &json!(null)));
    let closed = step("close", json!({"reason": "not_planned"})).await;
    assert_eq!((&closed["state"], &closed["close_reason"]), (&json!("closed"), &json!("not_planned")));
    assert!(closed["closed_at"].is_string());
    let open = step("reopen", json!({})).await;
    assert_eq!((&open["state"], &open["closed_at"], &open["version"]), (&json!("open"), &json!(null), &json!(7)));
    assert_eq!(get(&server, &issue).await, open);
    assert_eq!(kinds(&server, &issue).await, ["created", "started", "blocked", "blocked", "unblocked", "closed", "reopened"]);
}

async fn a_request_without_a_change_is_no_event(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    for (verb, body) in [("start", json!({})), ("block", json!({"reason": "r"})), ("close", json!({})), ("reopen", json!({}))] {
        let path = format!("{issue}/{verb}");
        let first = act(&server, &path, body.clone()).await;
        assert_eq!(act(&server, &path, body).await, first, "{verb}");
    }
    assert_eq!(db.count("events").await, 5);
}

async fn a_state_that_forbids_the_request_says_what_to_do(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    act(&server, &format!("{issue}/block"), json!({"reason": "r"})).await;
    assert_eq!(refused(&server, &format!("{issue}/start"), json!({})).await, (409, "issue_blocked".to_owned()));
    act(&server, &format!("{issue}/close"), json!({})).await;
    for (verb, body) in
        [("start", json!({})), ("block", json!({"reason": "r"})), ("unblock", json!({})), ("close", json!({"reason": "duplicate"}))]
    {
        assert_eq!(refused(&server, &format!("{issue}/{verb}"), body).await, (409, "issue_closed".to_owned()), "{verb}");
    }
    let document: Value = server.post(&format!("{issue}/start"), &json!({})).send().await.unwrap().json().await.unwrap();
    assert!(document["detail"].as_str().unwrap().contains("reopen it first"), "{document}");
}

async fn a_last_word_is_written_with_the_closing_once(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    for _ in 0..2 {
        let closed = act(&server, &format!("{issue}/close"), json!({"reason": "completed", "comment": "Done."})).await;
        assert_eq!(closed["version"], 3);
    }
    assert_eq!(kinds(&server, &issue).await, ["created", "comment_added", "closed"]);
    let comments = get(&server, &format!("{issue}/comments")).await;
    assert_eq!(comments["items"].as_array().unwrap().len(), 1);
    assert_eq!(comments["items"][0]["body"], "Done.");
    assert_eq!(refused(&server, &format!("{issue}/close"), json!({"reason": "duplicate", "comment": "x"})).await.0, 409);
    assert_eq!(db.count("comments").await, 1, "a refused closing leaves no comment");
}

async fn a_body_may_be_left_out_but_not_be_wrong(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let post = |verb: &str| server.request(Method::POST, &format!("{issue}/{verb}"));
    assert_eq!(post("start").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(post("start").header("content-type", "application/json").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(post("start").json(&json!(null)).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(problem(post("start").body("{}").send().await.unwrap()).await, (415, "unsupported_media_type".to_owned()));
    assert_eq!(problem(post("start").json(&json!([])).send().await.unwrap()).await, (422, "invalid".to_owned()));
    assert_eq!(refused(&server, &format!("{issue}/close"), json!({"raeson": "duplicate"})).await, (422, "invalid".to_owned()));
    assert_eq!(refused(&server, &format!("{issue}/block"), json!({"reason": " "})).await, (422, "invalid".to_owned()));
    assert_eq!(get(&server, &issue).await["state"], "in_progress");
}
