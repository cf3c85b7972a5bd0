//! `ETag`, `If-Match`, `If-None-Match`, and the setting that requires the second.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{act, etag, file, get, problem, refused};
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    every_change_honours_if_match,
    a_reader_that_has_the_edition_is_spared_the_body,
    where_it_is_required_nothing_read_is_changed_without_if_match,
);

async fn every_change_honours_if_match(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let path = |rest: &str| format!("{issue}{rest}");
    let changes = [
        (Method::PATCH, path(""), json!({"title": "x"})),
        (Method::DELETE, path(""), json!({})),
        (Method::DELETE, path("?permanent=false"), json!({})),
        (Method::POST, path("/restore"), json!({})),
        (Method::POST, path("/start"), json!({})),
        (Method::POST, path("/block"), json!({"reason": "r"})),
        (Method::POST, path("/unblock"), json!({})),
        (Method::POST, path("/close"), json!({})),
        (Method::POST, path("/reopen"), json!({})),
        (Method::POST, path("/claim"), json!({})),
        (Method::POST, path("/release"), json!({})),
        (Method::POST, path("/review/approve"), json!({})),
        (Method::POST, path("/review/reject"), json!({"reason": "r"})),
        (Method::POST, path("/comments"), json!({"body": "b"})),
    ];
    for (method, path, body) in &changes {
        for stale in ["\"2\"", "W/\"1\"", "\"x\", \"y\""] {
            let answer = server.request(method.clone(), path).header("If-Match", stale).json(body).send().await.unwrap();
            assert_eq!(problem(answer).await, (412, "precondition_failed".to_owned()), "{method} {path} {stale}");
        }
        let answer = server.request(method.clone(), path).header("If-Match", "1").json(body).send().await.unwrap();
        assert_eq!(problem(answer).await, (422, "invalid".to_owned()), "{method} {path}: a tag has quotes");
    }
    assert_eq!(get(&server, &issue).await["version"], 1, "nothing of it was done");

    for (good, version) in [("\"1\"", "\"2\""), ("\"9\", \"2\"", "\"3\""), ("*", "\"4\"")] {
        let answer = server.request(Method::PATCH, &issue).header("If-Match", good).json(&json!({"title": version})).send().await.unwrap();
        assert_eq!((answer.status(), etag(&answer).as_str()), (StatusCode::OK, version), "{good}");
    }
    let nowhere =
        server.request(Method::PATCH, "/issues/999999").header("If-Match", "*").json(&json!({"title": "x"})).send().await.unwrap();
    assert_eq!(problem(nowhere).await, (404, "not_found".to_owned()));
}

async fn a_reader_that_has_the_edition_is_spared_the_body(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let comment = server.post(&format!("{issue}/comments"), &json!({"body": "b"})).send().await.unwrap();
    let comment = comment.headers()["location"].to_str().unwrap().to_owned();
    let reads = [issue.clone(), comment, format!("{issue}/comments"), format!("{issue}/timeline"), "/reviews".to_owned()];
    for path in &reads {
        let tag = etag(&server.get(path).send().await.unwrap());
        assert!(tag.starts_with('"'), "{path}: {tag} is strong");
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let answer = server.get(path).header("If-None-Match", known).send().await.unwrap();
            assert_eq!((answer.status(), etag(&answer)), (StatusCode::NOT_MODIFIED, tag.clone()), "{path}");
            assert_eq!(answer.text().await.unwrap(), "");
        }
        let answer = server.get(path).header("If-None-Match", "\"other\"").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let before = etag(&server.get(&issue).send().await.unwrap());
    act(&server, &format!("{issue}/start"), json!({})).await;
    for path in [&reads[0], &reads[3]] {
        let answer = server.get(path).header("If-None-Match", before.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path} has changed");
    }
}

async fn where_it_is_required_nothing_read_is_changed_without_if_match(db: Database) {
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__HTTP__REQUIRE_IF_MATCH", "true")]);
    let issue = file(&server, "t").await;
    for (path, body) in [("close", json!({})), ("start", json!({})), ("review/approve", json!({})), ("restore", json!({}))] {
        assert_eq!(refused(&server, &format!("{issue}/{path}"), body).await, (428, "precondition_required".to_owned()), "{path}");
    }
    let edit = |tag: Option<&str>| {
        let request = server.request(Method::PATCH, &issue).json(&json!({"title": "x"}));
        tag.map_or(request.try_clone().unwrap(), |tag| request.header("If-Match", tag)).send()
    };
    assert_eq!(problem(edit(None).await.unwrap()).await, (428, "precondition_required".to_owned()));
    assert_eq!(edit(Some("\"1\"")).await.unwrap().status(), StatusCode::OK);

    act(&server, &format!("{issue}/claim"), json!({})).await;
    act(&server, &format!("{issue}/release"), json!({})).await;
    let added = server.post(&format!("{issue}/comments"), &json!({"body": "b"})).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::CREATED);
    let (path, tag) = (added.headers()["location"].to_str().unwrap().to_owned(), etag(&added));
    let edit = |tag: Option<&str>, body: &str| {
        let request = server.request(Method::PATCH, &path).json(&json!({"body": body}));
        tag.map_or(request.try_clone().unwrap(), |tag| request.header("If-Match", tag)).send()
    };
    assert_eq!(problem(edit(None, "c").await.unwrap()).await, (428, "precondition_required".to_owned()));
    let edited = edit(Some(&tag), "c").await.unwrap();
    assert_eq!(edited.status(), StatusCode::OK);
    assert_ne!(etag(&edited), tag);
    assert_eq!(edited.json::<Value>().await.unwrap()["body"], "c");
    assert_eq!(
        problem(edit(Some(&tag), "d").await.unwrap()).await,
        (412, "precondition_failed".to_owned()),
        "a comment has its own edition"
    );
}
