//! A dry run answers exactly what the next sync run does, for any paging of the list.

use chrono::TimeDelta;
use issue_core::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::flows::{edit, titled};
use super::rules::{conflicts, gitea, operate, writes};
use super::{all_here, binding, bound, here, path, settled, synced, there};
use crate::backend::rig::{eventually, file, get, task, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{self, Sim, SimEdit};

#[tokio::test]
async fn a_dry_run_answers_what_the_next_sync_run_does_and_does_none_of_it() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(3);
    settled(&server).await;
    // Messages that wait already are no work of a sync run any more.
    sim.person_edits(&there(sim, "planted 2").id, &titled("Theirs"));
    edit(&server, &path(&here(&server, "planted 2").await), json!({"title": "Ours"})).await;
    settled(&server).await;
    sim.skew(TimeDelta::minutes(5));
    settled(&server).await;
    let rehearse = async || operate(&server, "/bindings/main/sync", &json!({"dry_run": true})).await.json::<Value>().await.unwrap();
    assert_eq!(rehearse().await["items"], json!([]), "a pass would do nothing");

    sim.person_edits(&there(sim, "planted 1").id, &SimEdit { closed: Some(true), ..titled("Named there") });
    sim.vendor(|vendor| vendor.plant("found", "words", false, Clock::System.now() + TimeDelta::minutes(5)));
    let before = (all_here(&server).await, binding(&server).await, writes(sim));
    let plan = rehearse().await;
    assert_eq!((all_here(&server).await, binding(&server).await, writes(sim)), before, "nothing was done");
    let mut items: Vec<Value> =
        plan["items"].as_array().unwrap().iter().map(|item| json!([item["action"], item["title"], item["taken"], item["sent"]])).collect();
    items.sort_by_key(ToString::to_string);
    let expected = [json!(["adopt", "found", [], []]), json!(["agree", "Named there", ["title", "state"], []])];
    assert_eq!(items, expected, "{plan}");
    let run = synced(&server).await;
    for count in ["adopted", "changed", "listed", "passed_over"] {
        assert_eq!(plan["counts"][count], run["last_run"]["counts"][count], "{count}: {plan} {run}");
    }
    let now = here(&server, "Named there").await;
    assert_eq!(now["state"], "closed");
    here(&server, "found").await;
}

/// Lists that go on from a moment show the end of a page once more.
#[tokio::test]
async fn for_any_paging_of_a_list_each_issue_is_planned_and_counted_once() {
    for vendor in sim::ALL {
        let rig = bound(Database::sqlite().await, vendor(), &[]).await;
        let (sim, kind) = (&rig.sims[0], vendor().kind());
        sim.set_page_cap(Some(3));
        sim.plant_many(10);
        let server = rig.start();
        eventually("the first pass has ended", || async { binding(&server).await["last_run"]["ended_at"].is_string() }).await;
        assert_eq!(binding(&server).await["last_run"]["counts"]["adopted"], 10, "{kind:?}");
        settled(&server).await;
        sim.plant_many(10);
        let plan: Value = operate(&server, "/bindings/main/sync", &json!({"dry_run": true})).await.json().await.unwrap();
        assert_eq!((plan["items"].as_array().unwrap().len(), &plan["counts"]["adopted"]), (10, &json!(10)), "{kind:?}: {plan}");
    }
}

/// Which of these fields differ, in that order.
fn changed(before: &[Value], after: &[Value]) -> Vec<&'static str> {
    let names = ["title", "description", "labels"];
    names.into_iter().zip(before.iter().zip(after)).filter(|(_, (before, after))| before != after).map(|(name, _)| name).collect()
}

fn seen_there(sim: &Sim, id: &str) -> Vec<Value> {
    let issue = sim.issues().into_iter().find(|issue| issue.id == id).unwrap();
    vec![json!(issue.title), json!(issue.body), json!(issue.labels)]
}

async fn seen_here(server: &Server, issue: &str) -> Vec<Value> {
    let issue = get(server, issue).await;
    ["title", "description", "labels"].map(|field| issue[field].clone()).into()
}

/// One issue for each way in which a field may be more than free; what is planned for them is what a service without workers says, and
/// what becomes of them is what one with workers then does.
#[tokio::test]
async fn the_plan_is_what_is_then_done_with_fields_that_conflict_are_decided_frozen_or_changed_later() {
    for strategy in ["manual", "newer"] {
        let rig = gitea(&[("STRATEGY", strategy)]).await;
        let (server, sim) = (rig.start(), &rig.sims[0]);
        let mut issues = Vec::new();
        for title in ["both", "decided", "frozen"] {
            let issue = file(&server, &task(title)).await;
            until_quiet(&server).await;
            issues.push((issue, there(sim, title).id));
        }
        settled(&server).await;
        let base = sim.issues();
        if strategy == "manual" {
            for (issue, id) in &issues[1..] {
                sim.person_edits(id, &titled(&format!("theirs {id}")));
                edit(&server, issue, json!({"title": format!("ours {id}")})).await;
            }
            assert_eq!(conflicts(&server).await.len(), 2);
            let frozen =
                "update conflicts set why = 'it went back and forth too often' where issue_id = (select id from issues where number = 3)";
            rig.db.execute(frozen).await;
        }
        sim.skew(TimeDelta::minutes(5));
        settled(&server).await;
        drop(server);

        let server = rig.start_with(&["--no-worker"]);
        let patch = async |issue: &str, body: Value| {
            assert!(server.request(Method::PATCH, issue).json(&body).send().await.unwrap().status().is_success());
        };
        let before = conflicts(&server).await;
        if strategy == "manual" {
            let of =
                |issue: &str| before.iter().find(|conflict| issue.ends_with(conflict["issue_id"].as_str().unwrap())).unwrap()["id"].clone();
            let resolve = format!("/conflicts/{}/resolve", of(&issues[1].0).as_str().unwrap());
            assert!(server.post(&resolve, &json!({"take": "local"})).send().await.unwrap().status().is_success());
            // Only the remote side differs from the base; the field is frozen nevertheless.
            patch(&issues[2].0, json!({"title": base[2].title})).await;
            sim.person_edits(&issues[2].1, &titled("once more"));
        }
        // Theirs is a minute old by its own clock when ours is made.
        sim.skew(TimeDelta::minutes(4));
        sim.person_edits(&issues[0].1, &SimEdit { body: Some(format!("{}\n\ntheirs", base[0].body)), ..titled("theirs") });
        for (_, id) in &issues {
            sim.person_edits(id, &SimEdit { add_label: Some("seen".to_owned()), ..SimEdit::default() });
        }
        sim.skew(TimeDelta::minutes(5));
        patch(&issues[0].0, json!({"title": "ours", "description": "ours\n\nwhy and how"})).await;

        let mut was = Vec::new();
        for (issue, id) in &issues {
            was.push((seen_here(&server, issue).await, seen_there(sim, id)));
        }
        let plan = operate(&server, "/bindings/main/sync", &json!({"dry_run": true})).await.json::<Value>().await.unwrap();
        for ((issue, id), (here, there)) in issues.iter().zip(&was) {
            assert_eq!((&seen_here(&server, issue).await, &seen_there(sim, id)), (here, there), "a plan changes nothing");
        }
        drop(server);
        let server = rig.start();
        until_quiet(&server).await;
        settled(&server).await;
        let known: Vec<&Value> = before.iter().map(|conflict| &conflict["id"]).collect();
        let after = conflicts(&server).await;
        for ((issue, id), (here, there)) in issues.iter().zip(&was) {
            let ours = |of: &Value| issue.ends_with(of["issue_id"].as_str().unwrap_or("?"));
            let planned = plan["items"].as_array().unwrap().iter().find(|item| ours(item)).unwrap_or_else(|| panic!("{issue}: {plan}"));
            let clashes: Vec<&Value> = after
                .iter()
                .filter(|clash| ours(clash) && (clash["state"] == "open" || !known.contains(&&clash["id"])))
                .map(|clash| &clash["field"])
                .collect();
            let (taken, sent) = (changed(here, &seen_here(&server, issue).await), changed(there, &seen_there(sim, id)));
            let done = json!({"taken": taken, "sent": sent, "clashes": clashes});
            let planned = json!({"taken": planned["taken"], "sent": planned["sent"], "clashes": planned["clashes"]});
            assert_eq!(planned, done, "{strategy}: {} there\n{plan}\n{after:?}", seen_there(sim, id)[0]);
        }
    }
}
