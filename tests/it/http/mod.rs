//! The HTTP entrance, over the real binary. A file per resource, as the URLs have it.

mod batch;
pub(crate) mod bindings;
mod claims;
mod comments;
mod conditions;
mod conflicts;
mod crash;
mod facets;
mod habits;
mod ingest;
mod issue;
mod issues;
mod keys;
mod lifecycle;
mod list;
mod many;
mod operate;
mod relations;
mod reviews;
mod timeline;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::server::Server;

/// Files a task and answers its path.
async fn file(server: &Server, title: &str) -> String {
    file_with(server, json!({"title": title})).await
}

async fn file_with(server: &Server, body: Value) -> String {
    let answer = server.post("/issues/", &body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn get(server: &Server, path: &str) -> Value {
    let answer = server.get(path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

/// Posts, and answers the body of a success.
async fn act(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.post(path, &body).send().await.unwrap();
    let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Posts, and answers status and code of a refusal.
async fn refused(server: &Server, path: &str, body: Value) -> (u16, String) {
    problem(server.post(path, &body).send().await.unwrap()).await
}

async fn problem(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

/// The kinds of all events so far.
async fn kinds(server: &Server, issue: &str) -> Vec<String> {
    let page = get(server, &format!("{issue}/timeline?limit=200")).await;
    assert_eq!(page["next_cursor"], Value::Null);
    page["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

fn etag(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}
