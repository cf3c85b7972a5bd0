//! Two-way sync over the real binary, against every tracker's simulator.
//!
//! A test starts each sync run (`synced`), so no test waits for the clock.

mod deliveries;
mod flows;
mod hook;
mod kill;
mod moves;
mod property;
mod rehearsal;
mod relations;
mod rules;
mod story;

use serde_json::{Value, json};

use crate::backend::rig::{Rig, eventually, get, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{Sim, Vendor};

/// The one binding of every test.
const BINDING: &str = "main";

const OPERATOR: &str = "operators-own-key-0123456789";

/// A service with a binding of the simulator's first project, which syncs on request.
pub(super) async fn bound(db: Database, vendor: Box<dyn Vendor>, rules: &[(&str, &str)]) -> Rig {
    let project = vendor.place();
    let mut rig = Rig::new(db, vec![vendor]).await;
    let fixed = [
        ("BACKEND", "t0"),
        ("OWNER", &project.owner),
        ("REPO", &project.repo),
        ("PROJECT", &project.project),
        ("TARGET_REPO", "activity-core"),
        ("ADOPT", "true"),
        ("STRATEGY", "manual"),
        ("EVERY", "1h"),
    ];
    for (field, value) in fixed.iter().chain(rules).filter(|(_, value)| !value.is_empty()) {
        rig.set(&format!("ISSUE_CORE__BINDINGS__MAIN__{field}"), value);
    }
    rig.set("ISSUE_CORE__BACKENDS__T0__USERS", r#"{"*":"*"}"#);
    rig.set("ISSUE_CORE__AUTH__KEYS", &json!([{"name": "operator", "key": OPERATOR, "scopes": ["admin", "write", "read"]}]).to_string());
    rig.sims[0].set_page_cap(Some(50));
    rig
}

pub(super) async fn binding(server: &Server) -> Value {
    get(server, &format!("/bindings/{BINDING}")).await
}

/// One whole sync run, and everything that follows from it.
pub(super) async fn synced(server: &Server) -> Value {
    synced_with(server, json!({})).await
}

pub(super) async fn synced_with(server: &Server, body: Value) -> Value {
    // It is written in the background of the start.
    eventually("the binding is there", || async { binding(server).await["name"] == BINDING }).await;
    eventually("the first pass has ended", || async { binding(server).await["last_run"]["ended_at"].is_string() }).await;
    let before = binding(server).await["last_run"]["ended_at"].clone();
    let asking = server.client.post(format!("{}/bindings/{BINDING}/sync", server.base)).bearer_auth(OPERATOR).json(&body);
    let answer = asking.send().await.unwrap();
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    eventually("the pass has ended", || async {
        let now = binding(server).await;
        now["last_run"]["ended_at"] != before && now["state"] != "running"
    })
    .await;
    until_quiet(server).await;
    binding(server).await
}

/// Sync runs until nothing follows from one any more; answers the last one's counts.
pub(super) async fn settled(server: &Server) -> Value {
    for _ in 0..8 {
        let run = synced(server).await;
        let counts = &run["last_run"]["counts"];
        // An aborted sync run proves nothing.
        if !run["last_run"]["error"].is_null() {
            continue;
        }
        if counts["changed"] == 0 && counts["adopted"] == 0 {
            return run;
        }
    }
    panic!("it does not come to rest: {}", binding(server).await);
}

/// A tracker's list may show a new issue only some requests later.
pub(super) async fn caught_up(server: &Server) {
    for _ in 0..4 {
        synced(server).await;
    }
    settled(server).await;
}

/// Every issue here, oldest first.
pub(super) async fn all_here(server: &Server) -> Vec<Value> {
    let answer = get(server, "/issues?sort=number&order=asc&limit=200&archived=any").await;
    answer.as_array().or_else(|| answer["items"].as_array()).cloned().unwrap_or_else(|| panic!("{answer}"))
}

pub(super) async fn here(server: &Server, title: &str) -> Value {
    let all = all_here(server).await;
    let found: Vec<&Value> = all.iter().filter(|issue| issue["title"] == title).collect();
    assert_eq!(found.len(), 1, "{title}: {all:?}");
    found[0].clone()
}

pub(super) fn path(issue: &Value) -> String {
    format!("/issues/{}", issue["id"].as_str().unwrap())
}

/// The simulator's only issue of that title.
pub(super) fn there(sim: &Sim, title: &str) -> crate::support::sim::SimIssue {
    let found: Vec<_> = sim.issues().into_iter().filter(|issue| issue.title == title).collect();
    assert_eq!(found.len(), 1, "{title}: {:?}", sim.issues());
    found[0].clone()
}
