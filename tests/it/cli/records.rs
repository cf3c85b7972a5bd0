//! Whole issues out of one store and into another: nothing lost, nothing twice.

use std::fs;

use super::{Shell, server};
use crate::support::database::{Database, Dialect, run};
use crate::support::server::{Server, task};

/// Issues of every state, with everything that may hang on one.
async fn furnish(issue: &Shell, database: &Database) {
    let server = Server::start(&database.url());
    for n in 0..3 {
        server.post("/issues/", &task(&format!("ä task {n} \u{1f600}"), "e")).send().await.unwrap();
    }
    server.post("/issues/", &task("keyed", "f")).header("idempotency-key", "k").send().await.unwrap();
    drop(server);
    issue.ok(&["start", "1"]);
    issue.ok(&["block", "1", "2", "--reason", "a \"reason\"\nof two lines"]);
    issue.ok(&["comment", "2", "first"]);
    issue.ok(&["comment", "2", "second, with a \\ and a \u{2028}"]);
    issue.ok(&["edit", "2", "--description", "# long\n\ntext", "--assign", "Zoe", "--due", "2031-05-06", "--milestone", "v1"]);
    issue.ok(&["edit", "2", "--relate", "blocks=1", "--relate", "parent=t0:acme/tools#7"]);
    issue.ok(&["close", "3", "--reason", "duplicate", "--comment", "see 1"]);
    issue.ok(&["claim", "4", "--holder", "agent", "--lease", "24h"]);
    issue.ok(&["delete", "4"]);
    issue.feed(&["create", "-", "--json"], r#"{"title":"to be rejected","review_required":true}"#);
    issue.ok(&["review", "reject", "5", "--reason", "no"]);
    issue.ok(&["create", "gone"]);
    issue.ok(&["delete", "6", "--permanent", "--yes"]);
    issue.ok(&["create", "after a gap"]);
}

#[tokio::test]
async fn out_of_sqlite_into_postgres_and_out_again_is_byte_for_byte_the_same() {
    run(Dialect::Postgres, async |postgres| {
        let sqlite = Database::sqlite().await;
        let from = Shell::embedded(&sqlite);
        furnish(&from, &sqlite).await;
        let exported = from.ok(&["export"]);
        assert_eq!(exported.lines().count(), 6);

        let into = Shell::embedded(&postgres);
        let rehearsed = into.feed(&["import", "-", "--dry-run"], &exported);
        assert!(rehearsed.code == 0 && rehearsed.err.contains("6 would be imported"), "{rehearsed:?}");
        assert_eq!(postgres.count("issues").await, 0);
        let imported = into.feed(&["import", "-"], &exported);
        assert!(imported.code == 0 && imported.err.contains("6 imported, 0 there already, 0 failed"), "{imported:?}");
        assert_eq!(into.ok(&["export"]), exported);
        let again = into.feed(&["import", "-"], &exported);
        assert!(again.code == 0 && again.err.contains("0 imported, 6 there already"), "{again:?}");

        assert_eq!(into.ok(&["stats", "--json"]), from.ok(&["stats", "--json"]));
        assert_eq!(into.ok(&["search", "second", "-q"]), from.ok(&["search", "second", "-q"]), "comments are found");
        assert_eq!(into.ok(&["list", "-l", "sbom", "-q"]), from.ok(&["list", "-l", "sbom", "-q"]));
        assert_eq!(into.json(&["show", "2"])["number"], 2);
        assert_eq!(into.ok(&["create", "next"]), "created #8 open next\n", "the number of a deleted issue is not given again");
        assert_eq!(postgres.count("messages").await, 0, "history is not news");

        let back = Database::sqlite().await;
        let third = Shell::embedded(&back);
        assert_eq!(third.feed(&["import", "-"], &exported).code, 0);
        assert_eq!(third.ok(&["export"]), exported);
        assert_eq!(third.ok(&["create", "next"]), "created #8 open next\n");
        let repeated = third.feed(&["create", "-", "--json"], &task("ä task 0 \u{1f600}", "e").to_string());
        let first: serde_json::Value = serde_json::from_str(&repeated.out).unwrap();
        assert_eq!(first["issue_id"], third.json(&["show", "1"])["id"], "a task that was filed there is known here");
    })
    .await;
}

#[tokio::test]
async fn an_import_over_http_reports_each_line_that_cannot_be_imported() {
    let (from, into) = (Database::sqlite().await, Database::sqlite().await);
    let source = Shell::embedded(&from);
    source.ok(&["create", "one"]);
    source.ok(&["create", "two"]);
    let server = server(&into);
    let target = Shell::remote(&server);
    target.ok(&["create", "in the way"]);
    let exported = source.ok(&["export"]);
    let spoilt = exported.replace("\"version\":1", "\"version\":2");
    let bad = format!("{}\nnot json\n{{}}\n{}", exported.lines().next().unwrap(), spoilt.lines().nth(1).unwrap());
    let said = target.feed(&["import", "-"], &bad);
    assert_eq!(said.code, 7, "{said:?}");
    for told in ["line 1: another issue here has the number", "line 2: ", "line 3: ", "line 4: ", "events must be counted", "0 imported"] {
        assert!(said.err.contains(told), "{told}: {said:?}");
    }
    assert!(target.feed(&["import", "-"], &exported).err.contains("1 imported, 0 there already, 1 failed"));
    target.ok(&["start", "2"]);
    let differs = target.feed(&["import", "-"], &exported);
    assert!(differs.err.contains("issue #2 is here in version 2, not 1"), "{differs:?}");
}

#[tokio::test]
async fn an_interrupted_export_goes_on_where_it_was() {
    let database = Database::sqlite().await;
    let issue = Shell::embedded(&database);
    let tasks: Vec<_> = (0..450).map(|n| serde_json::json!({ "title": format!("task {n}") })).collect();
    let server = server(&database);
    server.post("/issues/batch", &serde_json::json!({ "tasks": tasks })).send().await.unwrap();
    let whole = issue.ok(&["export"]);
    issue.ok(&["export", "-o", "all"]);
    assert!(fs::read_to_string(issue.path("all")).unwrap() == whole);
    assert!(!issue.path("all.resume").exists());
    // As a kill in the middle of the second page leaves it: a mark behind the first, and half a line too much.
    let first_page = server.client.get(format!("{}/export?limit=200", server.base)).bearer_auth("robins-own-key");
    let page = first_page.send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    let first: usize = whole.lines().take(200).map(|line| line.len() + 1).sum();
    fs::write(issue.path("all"), &whole.as_bytes()[..first + 40]).unwrap();
    fs::write(issue.path("all.resume"), serde_json::json!({ "bytes": first, "cursor": page["next_cursor"] }).to_string()).unwrap();
    issue.ok(&["export", "-o", "all", "--resume"]);
    assert!(fs::read_to_string(issue.path("all")).unwrap() == whole, "as if nothing had come between");
    // As a kill before the very last step leaves it.
    fs::write(issue.path("all.resume"), serde_json::json!({ "bytes": whole.len(), "cursor": null }).to_string()).unwrap();
    issue.ok(&["export", "-o", "all", "--resume"]);
    assert!(fs::read_to_string(issue.path("all")).unwrap() == whole && !issue.path("all.resume").exists());
}
