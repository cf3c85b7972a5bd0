//! What deliveries of a tracker do, when they come and when they do not.

use std::sync::atomic::{AtomicU64, Ordering};

use issue_core::clock::Clock;
use issue_core::domain::tracker::TrackerKind;
use serde_json::{Value, json};

use super::flows::titled;
use super::rules::{gitea, operate, vendor};
use super::{all_here, binding, bound, here, settled, synced, there};
use crate::backend::rig::{eventually, until_quiet};
use crate::backend::webhooks::{HOOK_SECRET, Scheme};
use crate::support::database::{self, Database, Dialect};
use crate::support::server::Server;
use crate::support::sim::Hook;

/// Gitea sends a delivery about an issue; returns our answer.
async fn told(server: &Server, id: &str, action: &str, number: &str) -> Value {
    let number: u64 = number.parse().unwrap();
    let body = json!({"action": action, "number": number, "issue": {"number": number, "pull_request": null},
        "repository": {"name": "tools", "owner": {"login": "acme"}}});
    let body = body.to_string().into_bytes();
    let mut post = server.client.post(format!("{}/webhooks/t0", server.base)).header("content-type", "application/json");
    for (name, value) in Scheme::Gitea.sign(HOOK_SECRET, &body, Clock::System.now()) {
        post = post.header(name, value);
    }
    let answer = post.header("x-gitea-event", "issues").header("x-gitea-delivery", id).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_delivery_pulls_an_edit_and_a_new_issue_without_a_sync_run_and_a_deletion_only_after_the_whole_list() {
    let mut rig = gitea(&[]).await;
    rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET", HOOK_SECRET);
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(2);
    let ran = settled(&server).await["last_run"]["ended_at"].clone();

    let id = there(sim, "planted 1").id;
    sim.person_edits(&id, &titled("Told of"));
    assert_eq!(told(&server, "a", "edited", &id).await["status"], "accepted");
    eventually("the edit is here", || async { all_here(&server).await.iter().any(|issue| issue["title"] == "Told of") }).await;
    sim.vendor(|vendor| vendor.plant("found", "words", false, Clock::System.now()));
    let made = there(sim, "found").id;
    told(&server, "b", "opened", &made).await;
    eventually("the new one is here", || async { all_here(&server).await.len() == 3 }).await;
    until_quiet(&server).await;
    let before = all_here(&server).await;
    assert_eq!(told(&server, "b", "opened", &made).await["status"], "repeated");
    told(&server, "c", "opened", &made).await;
    eventually("it is followed", || async { rig.db.number("select count(*) from hooks where followed_at is null").await == 0 }).await;
    until_quiet(&server).await;
    assert_eq!(all_here(&server).await, before, "told once more, nothing comes of it");
    assert_eq!(binding(&server).await["last_run"]["ended_at"], ran, "no pass was made");

    told(&server, "d", "deleted", &id).await;
    eventually("the whole list is read", || async { binding(&server).await["last_run"]["ended_at"] != ran }).await;
    until_quiet(&server).await;
    assert_eq!(binding(&server).await["last_run"]["pass"], "audit");
    assert!(here(&server, "Told of").await["archived_at"].is_null(), "it is there still");
    let ran = binding(&server).await["last_run"]["ended_at"].clone();
    sim.removes(&id);
    told(&server, "e", "deleted", &id).await;
    eventually("the whole list is read", || async { binding(&server).await["last_run"]["ended_at"] != ran }).await;
    until_quiet(&server).await;
    assert!(here(&server, "Told of").await["archived_at"].is_string());
}

#[tokio::test]
async fn two_replicas_and_deliveries_during_a_sync_run_adopt_each_issue_once() {
    const ISSUES: usize = 40;
    database::run(Dialect::Postgres, async |db| {
        let mut rig = bound(db, vendor(TrackerKind::Gitea), &[]).await;
        rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET", HOOK_SECRET);
        let (one, two, sim) = (rig.start(), rig.start(), &rig.sims[0]);
        settled(&one).await;
        sim.set_page_cap(Some(3));
        sim.plant_many(ISSUES);
        let count = AtomicU64::new(0);
        let deliveries = async |server: &Server| {
            for issue in sim.issues() {
                let id = count.fetch_add(1, Ordering::Relaxed).to_string();
                told(server, &id, "opened", &issue.id).await;
            }
        };
        let passes = async || {
            for server in [&one, &two, &one, &two] {
                operate(server, "/bindings/main/sync", &json!({})).await;
                eventually("it is under way or done", || async { binding(server).await["state"] != "due" }).await;
            }
        };
        tokio::join!(deliveries(&one), deliveries(&two), passes());
        settled(&two).await;
        eventually("all are followed", || async { rig.db.number("select count(*) from hooks where followed_at is null").await == 0 }).await;
        let all = all_here(&one).await;
        let mut titles: Vec<&str> = all.iter().map(|issue| issue["title"].as_str().unwrap()).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!((all.len(), titles.len()), (ISSUES, ISSUES));
    })
    .await;
}

#[tokio::test]
async fn what_github_could_not_deliver_is_asked_for_again_once_an_hour() {
    let mut rig = bound(Database::sqlite().await, vendor(TrackerKind::GitHub), &[]).await;
    rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET", HOOK_SECRET);
    rig.set("ISSUE_CORE__WEBHOOKS__PUBLIC_URL", "https://issues.example.org/");
    let sim = &rig.sims[0];
    let attempt = json!({"id": 5, "guid": "b", "delivered_at": Clock::System.now(), "status_code": 503, "redelivery": false});
    sim.hooks(|hooks| {
        let url = "https://issues.example.org/webhooks/t0".to_owned();
        hooks.list.push(Hook { id: 1, url, secret: HOOK_SECRET.to_owned(), body: json!({}) });
        hooks.deliveries = vec![attempt];
    });
    let server = rig.start();
    synced(&server).await;
    synced(&server).await;
    assert_eq!(sim.hooks(|hooks| hooks.asked_again.clone()), ["5"], "it is failed still, and asked for once");
    // An hour later; and that it may not is no reason to stand still.
    rig.db.execute("update bindings set cursor = json_remove(cursor, '$.redelivered_at')").await;
    sim.hooks(|hooks| hooks.forbidden = true);
    sim.plant_many(1);
    let run = synced(&server).await;
    assert!(run["last_run"]["error"].is_null(), "{run}");
    assert_eq!(all_here(&server).await.len(), 1);
}
