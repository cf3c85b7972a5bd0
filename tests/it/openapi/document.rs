//! Where the document is: committed, printed, served, shown.

use reqwest::StatusCode;
use serde_json::Value;

use super::tools;
use crate::support::database::Database;
use crate::support::server::{Server, binary};

#[test]
fn the_committed_document_is_what_the_handlers_say() {
    let printed = binary().arg("openapi").output().unwrap();
    assert!(printed.status.success());
    let committed = std::fs::read(tools::committed()).unwrap();
    let same = printed.stdout == committed;
    assert!(same, "openapi/openapi.json is out of date; run: cargo run -- openapi --output openapi/openapi.json");
}

#[test]
fn it_is_written_to_a_file_on_request_for_any_settings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openapi.json");
    let mut command = binary();
    command.args(["openapi", "--output"]).arg(&path).env("ISSUE_CORE__SERVER__BIND", "0.0.0.0:80");
    assert!(command.status().unwrap().success());
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(tools::committed()).unwrap());
    let refused = binary().args(["openapi", "--output", "/no/such/directory/openapi.json"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("cannot write /no/such/directory/openapi.json"));
}

#[tokio::test]
async fn it_is_served_without_a_key_and_not_again_to_who_has_it() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let address = format!("{}/openapi.json", server.base);
    let first = server.client.get(&address).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["content-type"], "application/json");
    let etag = first.headers()["etag"].clone();
    let committed: Value = serde_json::from_slice(&std::fs::read(tools::committed()).unwrap()).unwrap();
    assert_eq!(first.json::<Value>().await.unwrap(), committed);
    let again = server.client.get(&address).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let other = server.client.get(&address).header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_comes_out_of_the_binary_and_may_load_nothing_from_elsewhere() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let page = server.client.get(format!("{}/docs", server.base)).send().await.unwrap();
    assert!(page.url().path().ends_with("/docs/"), "its files are named relative to a directory");
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
    let nothing = server.client.get(format!("{}/docs/no-such-file", server.base)).send().await.unwrap();
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert_eq!(nothing.headers()["content-type"], "application/problem+json");
}
