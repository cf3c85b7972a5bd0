//! Trackers, bindings and conflicts on the line, against a service with a simulated tracker.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Shell;
use crate::backend::rig::{eventually, file, get, task, until_quiet};
use crate::http::bindings::operated;
use crate::support::database::Database;
use crate::support::server::KEY;

crate::support::on_both_stores!(bindings_are_managed_on_the_command_line, what_is_written_in_the_embedded_store_reaches_the_tracker);

/// Beside the simulator, which lives in the test's own thread and must be able to answer.
async fn beside<T: Send + 'static>(shell: &Arc<Shell>, work: impl FnOnce(&Shell) -> T + Send + 'static) -> T {
    let shell = Arc::clone(shell);
    tokio::task::spawn_blocking(move || work(&shell)).await.unwrap()
}

async fn bindings_are_managed_on_the_command_line(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    let shell = Arc::new(Shell::new().with("ISSUE_CORE_URL", &server.base).with("ISSUE_CORE_API_KEY", KEY));
    beside(&shell, trackers_are_shown).await;
    beside(&shell, a_binding_is_made).await;
    eventually("the first pass has ended", || async { get(&server, "/bindings/tools").await["last_run"].is_object() }).await;
    rig.sims[0].vendor(|vendor| vendor.plant("planted", "text", false, issue_core::boot::now()));
    beside(&shell, it_is_synced_and_the_issue_named_as_there).await;
    beside(&shell, a_failure_has_its_own_exit_code).await;
}

fn trackers_are_shown(issue: &Shell) {
    assert_eq!(issue.ok(&["backend", "list", "-q"]), "local\nt0\n");
    assert!(issue.ok(&["backend", "show", "t0"]).contains("capabilities.title_limit"));
    assert_eq!(issue.json(&["backend", "check", "t0"])["account"], "issue-bot");
    let workspaces = issue.json(&["backend", "discover", "t0"]);
    let workspace = workspaces["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(issue.ok(&["backend", "discover", "t0", &workspace]).contains("tools"));
    assert_eq!(issue.run(&["backend", "show", "nope"]).code, 3);
}

fn a_binding_is_made(issue: &Shell) {
    let rules = json!({"backend": "t0", "owner": "acme", "repo": "tools", "adopt": true, "every_seconds": 3600, "strategy": "manual"});
    assert_eq!(issue.feed(&["binding", "put", "tools", "--new"], &rules.to_string()).code, 0);
    assert_eq!(issue.feed(&["binding", "put", "tools", "--new"], &rules.to_string()).code, 4);
    assert_eq!(issue.feed(&["binding", "put", "tools"], "{}").code, 2);
    assert_eq!(issue.ok(&["binding", "list", "-q"]), "tools\n");
    assert_eq!(issue.ok(&["binding", "list", "--format", "{{name}} {{source}}"]), "tools api\n");
}

fn it_is_synced_and_the_issue_named_as_there(issue: &Shell) {
    let plan = issue.ok(&["binding", "sync", "tools", "--dry-run"]);
    assert!(plan.contains("adopt") && plan.contains("planted"), "{plan}");
    let done = issue.ok(&["binding", "sync", "tools"]);
    assert!(done.contains("1 adopted"), "{done}");
    let key = plan.lines().nth(1).unwrap().split_whitespace().find(|word| word.contains('#')).unwrap().to_owned();
    assert_eq!(issue.json(&["show", &key])["title"], "planted");
    assert_eq!(issue.json(&["close", &format!("t0:{key}")])["state"], "closed");
    let missing = issue.run(&["show", "t0:acme/tools#99"]);
    assert!(missing.code == 3 && missing.err.contains("linked"), "{missing:?}");
}

fn a_failure_has_its_own_exit_code(issue: &Shell) {
    assert_eq!(issue.json(&["binding", "pause", "tools"])["state"], "paused");
    assert_eq!(issue.run(&["binding", "sync", "tools"]).code, 4);
    assert_eq!(issue.json(&["binding", "resume", "tools"])["paused"], false);
    assert_eq!(issue.json(&["conflict", "list"])["items"], json!([]));
    assert_eq!(issue.run(&["conflict", "show", "7"]).code, 3);
    assert_eq!(issue.run(&["conflict", "resolve", "7"]).code, 2, "it must be said what stands");
    assert_eq!(issue.run(&["binding", "delete", "tools"]).code, 2, "nobody can be asked here");
    assert_eq!(issue.run(&["binding", "delete", "tools", "--yes"]).code, 0);
    assert_eq!(issue.run(&["binding", "show", "tools"]).code, 3);
}

async fn what_is_written_in_the_embedded_store_reaches_the_tracker(db: Database) {
    let rig = operated(db).await;
    let server = rig.start();
    // The same settings, and no server named.
    let shell = rig.variables().iter().fold(Shell::embedded(&rig.db), |shell, (name, value)| shell.with(name, value));
    file(&server, &task("By the server")).await;
    let filed = beside(&Arc::new(shell), |shell| shell.json(&["create", "By hand", "-r", "activity-core"])).await;
    let path = format!("/issues/{}", filed["issue_id"].as_str().unwrap());
    until_quiet(&server).await;
    let url: Value = get(&server, &path).await["url"].clone();
    assert!(url.as_str().is_some_and(|url| url.starts_with("http")), "{url}");
}
