//! Which keys are accepted, for which scopes, and how often.

use std::fs;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::json;

use super::issues::assert_problem;
use crate::support::database::Database;
use crate::support::server::{Server, task};

crate::support::on_both_stores!(a_keys_name_is_the_actor_and_its_scopes_are_what_it_may_do);

async fn get(server: &Server, path: &str, key: &str) -> reqwest::Response {
    server.client.get(format!("{}{path}", server.base)).header("x-api-key", key).send().await.unwrap()
}

async fn a_keys_name_is_the_actor_and_its_scopes_are_what_it_may_do(db: Database) {
    let keys = json!([
        {"name": "activity-core", "key": "sink-1", "scopes": ["ingest"]},
        {"name": "activity-core", "key": "sink-2", "scopes": ["ingest"]},
        {"name": "viewer", "key": "view", "scopes": ["read"]},
    ]);
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__AUTH__KEYS", &keys.to_string())]);
    let post =
        |key: &str, event: &str| server.client.post(format!("{}/issues/", server.base)).bearer_auth(key).json(&task("t", event)).send();
    for key in ["sink-1", "sink-2", crate::support::server::KEY] {
        assert_eq!(post(key, key).await.unwrap().status(), StatusCode::CREATED, "{key}");
    }
    assert_eq!(db.count("events where actor = 'activity-core'").await, 2);
    assert_eq!(db.count("events where actor = 'default'").await, 1);
    let refused = post("view", "e").await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_problem(refused, "forbidden", None).await;
    assert_eq!(get(&server, "/issues/1", "view").await.status(), StatusCode::OK);
    assert_problem(get(&server, "/issues/1", "sink-1").await, "forbidden", None).await;
    assert_problem(get(&server, "/issues/1", "nobody").await, "unauthenticated", None).await;
}

/// Asks until the key is answered like this.
async fn until(server: &Server, key: &str, status: StatusCode) {
    while get(server, "/issues/1", key).await.status() != status {}
}

fn write(path: &Path, keys: &str) {
    // As a mounted secret changes: the new file replaces the old one.
    let next = path.with_extension("next");
    fs::write(&next, keys).unwrap();
    fs::rename(&next, path).unwrap();
}

#[tokio::test]
async fn keys_are_rotated_by_their_file_while_the_service_runs() {
    let db = Database::sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bot");
    write(&path, "old\n");
    let keys = json!([{"name": "bot", "key_file": path, "scopes": ["ingest", "read"]}]).to_string();
    let server = Server::start_with(&db.url(), &[("ISSUE_CORE__AUTH__KEYS", &keys), ("ISSUE_CORE__AUTH__RELOAD_INTERVAL", "20ms")]);
    server.post("/issues/", &task("t", "e")).send().await.unwrap();
    let status = async |key: &str| get(&server, "/issues/1", key).await.status();

    assert_eq!(status("old").await, StatusCode::OK);
    assert_eq!(status("new").await, StatusCode::UNAUTHORIZED);
    write(&path, "old\n  new  \n");
    until(&server, "new", StatusCode::OK).await;
    assert_eq!(status("old").await, StatusCode::OK, "both are live while callers change over");
    write(&path, "new");
    until(&server, "old", StatusCode::UNAUTHORIZED).await;
    assert_eq!(status("new").await, StatusCode::OK);

    // A missing file, or one that repeats another key's secret, changes nothing …
    fs::remove_file(&path).unwrap();
    assert_eq!(status("new").await, StatusCode::OK);
    write(&path, "third\ntest-key\n");
    assert_eq!(status("new").await, StatusCode::OK);
    write(&path, "fourth");
    until(&server, "fourth", StatusCode::OK).await;
    assert_eq!(status("third").await, StatusCode::UNAUTHORIZED);
    // … and an empty one revokes its keys, without opening the door.
    write(&path, "");
    until(&server, "fourth", StatusCode::UNAUTHORIZED).await;
    assert_eq!(status("test-key").await, StatusCode::OK);
}

#[tokio::test]
async fn a_service_whose_only_key_was_revoked_admits_no_caller() {
    let db = Database::sqlite().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "only").unwrap();
    let path = file.path().to_str().unwrap();
    let variables = [("ISSUE_CORE_API_KEY", ""), ("ISSUE_CORE__AUTH__API_KEY_FILE", path), ("ISSUE_CORE__AUTH__RELOAD_INTERVAL", "20ms")];
    let server = Server::start_with(&db.url(), &variables);
    assert_eq!(get(&server, "/issues/1", "only").await.status(), StatusCode::NOT_FOUND);
    fs::write(file.path(), "").unwrap();
    until(&server, "only", StatusCode::UNAUTHORIZED).await;
    let nameless = server.client.get(format!("{}/issues/1", server.base)).send().await.unwrap();
    assert_eq!(nameless.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_caller_over_its_rate_limit_gets_the_time_to_wait() {
    let db = Database::sqlite().await;
    let keys = json!([
        {"name": "busy", "key": "busy-1", "scopes": ["read"]},
        {"name": "busy", "key": "busy-2", "scopes": ["read"]},
        {"name": "calm", "key": "calm", "scopes": ["read"]},
    ])
    .to_string();
    let variables =
        [("ISSUE_CORE__AUTH__KEYS", keys.as_str()), ("ISSUE_CORE__RATE_LIMIT__REQUESTS", "3"), ("ISSUE_CORE__RATE_LIMIT__WINDOW", "3h")];
    let server = Server::start_with(&db.url(), &variables);
    for (key, remaining) in [("busy-1", 2), ("busy-2", 1), ("busy-1", 0)] {
        let answer = get(&server, "/issues/1", key).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"key\";q=3;w=10800");
        let left = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(left.starts_with(&format!("\"key\";r={remaining};t=")), "{left}");
    }
    let refused = get(&server, "/issues/1", "busy-2").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&wait), "{wait}");
    assert!(refused.headers()["ratelimit"].to_str().unwrap().starts_with("\"key\";r=0;t="));
    assert_problem(refused, "rate_limited", None).await;
    assert_eq!(get(&server, "/issues/1", "calm").await.status(), StatusCode::NOT_FOUND);
    for _ in 0..5 {
        let probe = get(&server, "/healthz", "busy-1").await;
        assert_eq!(probe.status(), StatusCode::OK);
        assert!(!probe.headers().contains_key("ratelimit"));
    }
}
