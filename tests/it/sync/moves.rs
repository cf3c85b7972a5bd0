//! Issues and projects that are moved, renamed, deleted and restored: synced, and never duplicated.

use issue_core::domain::tracker::{Project, TrackerKind};
use serde_json::{Value, json};

use super::flows::{edit, titled};
use super::rules::{gitea, operate, vendor};
use super::{OPERATOR, all_here, binding, bound, here, path, settled, synced_with, there};
use crate::backend::rig::{eventually, file, get, task, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{SECRET, SimEdit};

#[tokio::test]
async fn a_repository_that_is_renamed_is_followed_and_nothing_comes_twice() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(3);
    let ours = file(&server, &task("Ours")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = there(sim, "planted 1").id;
    sim.moves(&id);
    sim.person_edits(&id, &titled("Renamed with it"));
    settled(&server).await;
    assert_eq!(all_here(&server).await.len(), 4);
    let issue = here(&server, "Renamed with it").await;
    assert!(issue["url"].as_str().is_some_and(|url| url.contains("tools-2")), "{issue}");
    edit(&server, &path(&issue), json!({"description": "from here"})).await;
    assert_eq!(there(sim, "Renamed with it").body, "from here");
    sim.person_edits(&there(sim, "Ours").id, &SimEdit { closed: Some(true), ..SimEdit::default() });
    sim.person_edits(&id, &titled("And again"));
    settled(&server).await;
    synced_with(&server, json!({"audit": true})).await;
    assert_eq!(get(&server, &ours).await["state"], "closed");
    here(&server, "And again").await;
    let all = all_here(&server).await;
    assert!(all.len() == 4 && all.iter().all(|issue| issue["archived_at"].is_null()), "{all:?}");
}

#[tokio::test]
async fn an_issue_that_is_transferred_is_followed_to_where_it_is() {
    let rig = bound(Database::sqlite().await, vendor(TrackerKind::GitHub), &[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(3);
    settled(&server).await;
    let (project, number) = sim.moves(&there(sim, "planted 1").id);
    synced_with(&server, json!({"audit": true})).await;
    let issue = here(&server, "planted 1").await;
    assert!(issue["archived_at"].is_null() && issue["url"].as_str().is_some_and(|url| url.contains(&project.repo)), "{issue}");
    follows_too(&server, &project).await;
    let ended = async || get(&server, "/bindings/other").await["last_run"]["ended_at"].clone();
    assert_eq!(all_here(&server).await.len(), 3, "nothing comes twice");

    edit(&server, &path(&issue), json!({"title": "Named here"})).await;
    let at = format!("/repos/{}/{}/issues/{number}", project.owner, project.repo);
    let sent = sim.recorded().into_iter().rev().find(|asked| asked.request.method == "PATCH").unwrap();
    assert_eq!(sent.request.path, at);
    let person = server.client.patch(format!("{}{at}", sim.url)).bearer_auth(SECRET).header("user-agent", "a person");
    let answer = person.json(&json!({"title": "Named there"})).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let before = ended().await;
    operate(&server, "/bindings/other/sync", &json!({})).await;
    eventually("it is read again", || async { ended().await != before }).await;
    until_quiet(&server).await;
    assert_eq!(get(&server, &path(&issue)).await["title"], "Named there");
}

/// Another project of the same tracker has a binding, and was read.
async fn follows_too(server: &Server, project: &Project) {
    let rules = json!({"backend": "t0", "owner": project.owner, "repo": project.repo, "adopt": true, "every_seconds": 3600});
    let put = server.client.put(format!("{}/bindings/other", server.base)).bearer_auth(OPERATOR).header("If-None-Match", "*");
    let answer = put.json(&rules).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    eventually("it is read there", || async { get(server, "/bindings/other").await["last_run"]["ended_at"].is_string() }).await;
    until_quiet(server).await;
}

#[tokio::test]
async fn an_issue_that_was_met_first_where_it_was_transferred_to_is_one_again() {
    let rig = bound(Database::sqlite().await, vendor(TrackerKind::GitHub), &[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(3);
    settled(&server).await;
    let first = here(&server, "planted 1").await;
    let (project, number) = sim.moves(&there(sim, "planted 1").id);
    follows_too(&server, &project).await;
    let second = all_here(&server).await.into_iter().find(|issue| issue["title"] == "planted 1" && issue["id"] != first["id"]).unwrap();
    edit(&server, &path(&second), json!({"labels": ["said-of-the-second"]})).await;
    until_quiet(&server).await;

    synced_with(&server, json!({"audit": true})).await;
    until_quiet(&server).await;
    let (first, second) = (get(&server, &path(&first)).await, get(&server, &path(&second)).await);
    assert!(first["archived_at"].is_null() && first["url"].as_str().is_some_and(|url| url.contains(&project.repo)), "{first}");
    assert_eq!(first["labels"], json!(["said-of-the-second"]), "what it was told is there, and comes with the first");
    assert!(second["archived_at"].is_string() && second["close_reason"] == "duplicate", "{second}");
    assert_eq!(second["relations"], json!([{"relation": "duplicates", "to": first["id"], "number": first["number"]}]));
    edit(&server, &path(&first), json!({"title": "Named here"})).await;
    until_quiet(&server).await;
    operate(&server, "/bindings/other/sync", &json!({"audit": true})).await;
    until_quiet(&server).await;
    let at = format!("{}/repos/{}/{}/issues/{number}", sim.url, project.owner, project.repo);
    let moved = server.client.get(at).bearer_auth(SECRET).header("user-agent", "a person").send().await.unwrap();
    let moved: Value = moved.json().await.unwrap();
    assert_eq!((&moved["state"], &moved["title"]), (&json!("open"), &json!("Named here")), "closing the second one is not told there");
    let known: Vec<_> = all_here(&server).await.into_iter().filter(|issue| issue["archived_at"].is_null()).collect();
    assert_eq!(known.len(), 3, "{known:?}");
}

#[tokio::test]
async fn what_was_gone_and_is_seen_again_is_back() {
    for kind in [TrackerKind::GitHub, TrackerKind::Gitea] {
        let rig = bound(Database::sqlite().await, vendor(kind), &[]).await;
        let (server, sim) = (rig.start(), &rig.sims[0]);
        sim.plant_many(3);
        settled(&server).await;
        let (id, backup) = (there(sim, "planted 1").id, sim.vendor(|vendor| vendor.copy()));
        sim.removes(&id);
        synced_with(&server, json!({"audit": true})).await;
        let issue = path(&here(&server, "planted 1").await);
        assert!(get(&server, &issue).await["archived_at"].is_string(), "{kind}");
        sim.becomes(backup);
        synced_with(&server, json!({"audit": true})).await;
        assert!(get(&server, &issue).await["archived_at"].is_null(), "{kind}: {}", binding(&server).await);
        edit(&server, &issue, json!({"title": "Back"})).await;
        assert_eq!(there(sim, "Back").id, id);
        sim.person_edits(&id, &titled("Back there"));
        settled(&server).await;
        assert_eq!((get(&server, &issue).await["title"].clone(), all_here(&server).await.len()), (json!("Back there"), 3), "{kind}");
    }
}
