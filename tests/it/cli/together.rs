//! Many commands on one SQLite file, beside a running server: no command fails on a lock, and
//! nothing is lost.

use super::{Shell, server};
use crate::support::database::Database;
use crate::support::server::task;

#[tokio::test]
async fn commands_and_a_server_write_the_same_file_at_once() {
    const EACH: usize = 8;
    let database = Database::sqlite().await;
    let server = server(&database);
    let shells: Vec<_> = (0..4).map(|_| Shell::embedded(&database)).collect();
    std::thread::scope(|scope| {
        for (who, issue) in shells.iter().enumerate() {
            scope.spawn(move || {
                for n in 0..EACH {
                    issue.ok(&["create", &format!("from shell {who}, {n}")]);
                }
            });
        }
    });
    let posts = (0..EACH).map(|n| server.post("/issues/", &task("over HTTP", &format!("e{n}"))).send());
    let close = std::thread::spawn({
        let issue = Shell::embedded(&database);
        move || issue.ok(&["close", "1", "2", "3"])
    });
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.unwrap().status(), 201);
    }
    close.join().unwrap();
    let issue = Shell::embedded(&database);
    assert_eq!(issue.json(&["list", "-A", "-n", "500"])["items"].as_array().unwrap().len(), 5 * EACH);
    let remote = Shell::remote(&server);
    assert_eq!(remote.json(&["list", "-A", "-n", "500"]), issue.json(&["list", "-A", "-n", "500"]), "both see the same");
}

#[tokio::test]
async fn changes_of_the_embedded_store_are_published_if_a_sink_is_configured() {
    let database = Database::sqlite().await;
    let issue = Shell::embedded(&database);
    issue.ok(&["create", "quiet"]);
    assert_eq!(database.count("messages").await, 0);
    let issue = issue.with("STATE_HUB_URL", "http://127.0.0.1:1");
    issue.ok(&["create", "told"]);
    assert_eq!(database.count("messages").await, 1, "it waits for the workers of a server");
    assert_eq!(issue.json(&["messages", "list"])["items"][0]["kind"], "dispatch");
}
