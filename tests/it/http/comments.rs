//! `/issues/{id}/comments`.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{etag, file, get, kinds, problem, refused};
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(
    a_comment_is_added_shown_mended_and_taken_back,
    comments_made_at_once_are_all_kept_and_paged_oldest_first,
    a_comment_belongs_to_its_issue,
    an_empty_comment_is_none,
);

async fn a_comment_is_added_shown_mended_and_taken_back(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let added = server.post(&format!("{issue}/comments"), &json!({"body": " First.\n"})).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::CREATED);
    let (path, tag) = (added.headers()["location"].to_str().unwrap().to_owned(), etag(&added));
    let comment: Value = added.json().await.unwrap();
    assert_eq!((&comment["body"], &comment["author"], &comment["edited_at"]), (&json!(" First.\n"), &json!("default"), &json!(null)));
    assert_eq!(path, format!("{issue}/comments/{}", comment["id"].as_str().unwrap()));
    assert_eq!(get(&server, &path).await, comment);

    let edit = |body: &str| server.request(Method::PATCH, &path).json(&json!({"body": body})).send();
    let edited = edit("Second.").await.unwrap();
    assert_eq!(edited.status(), StatusCode::OK);
    let second_tag = etag(&edited);
    assert_ne!(second_tag, tag);
    let edited: Value = edited.json().await.unwrap();
    assert_eq!((&edited["body"], &edited["created_at"]), (&json!("Second."), &comment["created_at"]));
    assert!(edited["edited_at"].is_string());
    assert_eq!(get(&server, &path).await, edited);
    assert_eq!(etag(&edit("Second.").await.unwrap()), second_tag, "the same words are no edit");

    let delete = |tag: &str| server.request(Method::DELETE, &path).header("If-Match", tag).send();
    assert_eq!(problem(delete(&tag).await.unwrap()).await, (412, "precondition_failed".to_owned()));
    assert_eq!(delete(&second_tag).await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(delete("*").await.unwrap()).await, (404, "not_found".to_owned()));
    assert_eq!(server.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(kinds(&server, &issue).await, ["created", "comment_added", "comment_edited", "comment_deleted"]);
    assert_eq!(get(&server, &issue).await["version"], 4);
}

async fn comments_made_at_once_are_all_kept_and_paged_oldest_first(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    let list = format!("{issue}/comments");
    let adds = (0..30).map(|n| server.post(&list, &json!({"body": format!("c{n}")})).send());
    assert!(join_all(adds).await.into_iter().all(|answer| answer.unwrap().status() == StatusCode::CREATED));
    let (mut bodies, mut ids, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let from = cursor.as_deref().map_or(String::new(), |cursor: &str| format!("&cursor={cursor}"));
        let page = get(&server, &format!("{list}?limit=7{from}")).await;
        for comment in page["items"].as_array().unwrap() {
            bodies.push(comment["body"].as_str().unwrap().to_owned());
            ids.push(comment["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = Some(next.to_owned());
    }
    assert!(ids.is_sorted(), "ids sort by age");
    bodies.sort();
    let mut expected: Vec<_> = (0..30).map(|n| format!("c{n}")).collect();
    expected.sort();
    assert_eq!(bodies, expected);
}

async fn a_comment_belongs_to_its_issue(db: Database) {
    let server = Server::start(&db.url());
    let (mine, other) = (file(&server, "mine").await, file(&server, "other").await);
    let added: Value = server.post(&format!("{mine}/comments"), &json!({"body": "b"})).send().await.unwrap().json().await.unwrap();
    let id = added["id"].as_str().unwrap();
    for path in [format!("{other}/comments/{id}"), format!("/issues/999999/comments/{id}"), format!("{mine}/comments/7")] {
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            let answer = server.request(method.clone(), &path).json(&json!({"body": "x"})).send().await.unwrap();
            assert_eq!(problem(answer).await, (404, "not_found".to_owned()), "{method} {path}");
        }
    }
    assert_eq!(get(&server, &format!("{mine}/comments/{id}")).await, added);
    assert_eq!(get(&server, &other).await["version"], 1);
}

async fn an_empty_comment_is_none(db: Database) {
    let server = Server::start(&db.url());
    let issue = file(&server, "t").await;
    for body in [json!({}), json!({"body": null}), json!({"body": " \n"}), json!({"body": 7}), json!({"body": "b", "author": "me"})] {
        assert_eq!(refused(&server, &format!("{issue}/comments"), body.clone()).await, (422, "invalid".to_owned()), "{body}");
    }
    assert_eq!(refused(&server, "/issues/999999/comments", json!({"body": "b"})).await, (404, "not_found".to_owned()));
    assert_eq!(db.count("comments").await, 0);
    assert_eq!(db.count("events").await, 1);
}
