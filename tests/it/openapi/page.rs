//! The interactive page, in a real browser.

use std::process::Command;

use serde_json::Value;

use super::tools;
use crate::support::database::Database;
use crate::support::server::{KEY, Server};

#[tokio::test]
async fn in_a_browser_the_page_shows_every_operation_and_files_an_issue() {
    let db = Database::sqlite().await;
    let server = Server::start(&db.url());
    let shop = tools::workshop(&["page.mjs"]);
    let mut browser = Command::new("node");
    browser.current_dir(&shop).env("TMPDIR", shop.path());
    let said = tools::succeed(browser.args(["page.mjs", &server.base, KEY, "Filed from the page", "page.png"]));
    let id = said.lines().next().unwrap();
    let issue: Value = server.get(&format!("/issues/{id}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(issue["title"], "Filed from the page");
    assert!(shop.path().join("page.png").exists());
}
