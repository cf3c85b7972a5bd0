//! What the rules of a binding say, each where it would hurt: whose word counts, what is on record of the other one, what a delivery may
//! do, and what it all costs. Where a rule does not depend on the vendor one of them stands for all.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use issue_core::clock::Clock;
use issue_core::domain::tracker::{Place, TrackerKind};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::flows::{act, edit, titled};
use super::{OPERATOR, all_here, binding, bound, caught_up, here, path, settled, synced, synced_with, there};
use crate::backend::rig::{Rig, eventually, file, get, task, until_quiet};
use crate::backend::webhooks::{HOOK_SECRET, Scheme};
use crate::support::database::{self, Database, Dialect};
use crate::support::server::Server;
use crate::support::sim::{self, Hook, SECRET, Sim, SimEdit, Vendor};

fn vendor(kind: TrackerKind) -> Box<dyn Vendor> {
    sim::ALL.iter().map(|vendor| vendor()).find(|vendor| vendor.kind() == kind).unwrap()
}

/// A service that follows a Gitea by these rules.
async fn gitea(rules: &[(&str, &str)]) -> Rig {
    bound(Database::sqlite().await, vendor(TrackerKind::Gitea), rules).await
}

async fn operate(server: &Server, path: &str, body: &Value) -> Response {
    server.client.post(format!("{}{path}", server.base)).bearer_auth(OPERATOR).json(body).send().await.unwrap()
}

async fn conflicts(server: &Server) -> Vec<Value> {
    get(server, "/conflicts").await["items"].as_array().unwrap().clone()
}

fn writes(sim: &Sim) -> usize {
    let asked = sim.recorded();
    sim.vendor(|vendor| asked.iter().filter(|asked| vendor.writes(&asked.request)).count())
}

/// Gitea tells of an issue; answers what was answered.
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
async fn a_delivery_brings_an_edit_and_a_new_issue_without_any_pass_and_a_deletion_only_after_the_whole_list() {
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
async fn two_replicas_and_deliveries_that_meet_a_pass_adopt_each_issue_once() {
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
    let (place, number) = sim.moves(&there(sim, "planted 1").id);
    synced_with(&server, json!({"audit": true})).await;
    let issue = here(&server, "planted 1").await;
    assert!(issue["archived_at"].is_null() && issue["url"].as_str().is_some_and(|url| url.contains(&place.repo)), "{issue}");
    follows_too(&server, &place).await;
    let ended = async || get(&server, "/bindings/other").await["last_run"]["ended_at"].clone();
    assert_eq!(all_here(&server).await.len(), 3, "nothing comes twice");

    edit(&server, &path(&issue), json!({"title": "Named here"})).await;
    let at = format!("/repos/{}/{}/issues/{number}", place.owner, place.repo);
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

/// Another place of the same tracker is followed, and was read.
async fn follows_too(server: &Server, place: &Place) {
    let rules = json!({"backend": "t0", "owner": place.owner, "repo": place.repo, "adopt": true, "every_seconds": 3600});
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
    let (place, number) = sim.moves(&there(sim, "planted 1").id);
    follows_too(&server, &place).await;
    let second = all_here(&server).await.into_iter().find(|issue| issue["title"] == "planted 1" && issue["id"] != first["id"]).unwrap();
    edit(&server, &path(&second), json!({"labels": ["said-of-the-second"]})).await;
    until_quiet(&server).await;

    synced_with(&server, json!({"audit": true})).await;
    until_quiet(&server).await;
    let (first, second) = (get(&server, &path(&first)).await, get(&server, &path(&second)).await);
    assert!(first["archived_at"].is_null() && first["url"].as_str().is_some_and(|url| url.contains(&place.repo)), "{first}");
    assert_eq!(first["labels"], json!(["said-of-the-second"]), "what it was told is there, and comes with the first");
    assert!(second["archived_at"].is_string() && second["close_reason"] == "duplicate", "{second}");
    assert_eq!(second["relations"], json!([{"relation": "duplicates", "to": first["id"], "number": first["number"]}]));
    edit(&server, &path(&first), json!({"title": "Named here"})).await;
    until_quiet(&server).await;
    operate(&server, "/bindings/other/sync", &json!({"audit": true})).await;
    until_quiet(&server).await;
    let at = format!("{}/repos/{}/{}/issues/{number}", sim.url, place.owner, place.repo);
    let moved = server.client.get(at).bearer_auth(SECRET).header("user-agent", "a person").send().await.unwrap();
    let moved: Value = moved.json().await.unwrap();
    assert_eq!((&moved["state"], &moved["title"]), (&json!("open"), &json!("Named here")), "closing the second one is not told there");
    let known: Vec<_> = all_here(&server).await.into_iter().filter(|issue| issue["archived_at"].is_null()).collect();
    assert_eq!(known.len(), 3, "{known:?}");
}

#[tokio::test]
async fn what_the_tracker_owns_is_changed_back_here_and_what_was_said_is_on_record() {
    let rig = gitea(&[("AUTHORITY", "external")]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(1);
    settled(&server).await;
    let issue = path(&here(&server, "planted 0").await);
    edit(&server, &issue, json!({"title": "Ours", "labels": ["mine"]})).await;
    let now = get(&server, &issue).await;
    assert_eq!((&now["title"], &now["labels"]), (&json!("planted 0"), &json!([])));
    assert_eq!(writes(sim), 0, "nothing was sent");
    let all = conflicts(&server).await;
    assert!(all.iter().all(|conflict| conflict["state"] == "resolved" && conflict["resolution"] == "external"), "{all:?}");
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().any(|conflict| conflict["field"] == "title" && conflict["ours"] == "Ours"));
    sim.person_edits(&there(sim, "planted 0").id, &titled("Theirs"));
    settled(&server).await;
    assert_eq!(get(&server, &issue).await["title"], "Theirs");
    assert_eq!(conflicts(&server).await.len(), 2);
}

#[tokio::test]
async fn what_we_own_is_changed_back_there_and_one_field_may_be_another_ones() {
    let rig = gitea(&[("AUTHORITY", "local"), ("FIELDS", r#"{"state":"external"}"#)]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    let issue = file(&server, &task("Ours")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = there(sim, "Ours").id;
    sim.person_edits(&id, &SimEdit { closed: Some(true), ..titled("Theirs") });
    settled(&server).await;
    assert_eq!(there(sim, "Ours").id, id, "changed back");
    let now = get(&server, &issue).await;
    assert_eq!((&now["title"], &now["state"]), (&json!("Ours"), &json!("closed")), "the state is theirs");
    act(&server, &format!("{issue}/reopen"), json!({})).await;
    assert_eq!(get(&server, &issue).await["state"], "closed");
    assert!(there(sim, "Ours").closed);
    let all = conflicts(&server).await;
    let of = |field: &str| all.iter().find(|conflict| conflict["field"] == field).cloned().unwrap_or_default();
    assert_eq!((&of("title")["resolution"], &of("title")["theirs"]), (&json!("local"), &json!("Theirs")));
    assert_eq!((&of("state")["resolution"], all.len()), (&json!("external"), 2), "{all:?}");
    edit(&server, &issue, json!({"title": "Ours, better"})).await;
    assert_eq!(there(sim, "Ours, better").id, id);
}

#[tokio::test]
async fn where_changes_only_come_nothing_is_ever_written_there() {
    let rig = gitea(&[("DIRECTION", "pull"), ("STRATEGY", "external_wins")]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(2);
    settled(&server).await;
    let id = there(sim, "planted 1").id;
    let issue = path(&here(&server, "planted 1").await);
    edit(&server, &issue, json!({"title": "Ours", "description": "mine"})).await;
    act(&server, &format!("{issue}/comments"), json!({"body": "a word"})).await;
    act(&server, &format!("{issue}/close"), json!({})).await;
    file(&server, &task("Made here")).await;
    until_quiet(&server).await;
    sim.person_edits(&id, &titled("Theirs"));
    settled(&server).await;
    let now = get(&server, &issue).await;
    assert_eq!((&now["title"], &now["description"], &now["state"]), (&json!("Theirs"), &json!("mine"), &json!("closed")));
    assert_eq!(get(&server, &format!("{issue}/comments")).await["items"].as_array().unwrap().len(), 1);
    assert_eq!((writes(sim), sim.issues().len()), (0, 2));
    let all = conflicts(&server).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["ours"], &all[0]["resolution"]), (&json!("Ours"), &json!("external")));
}

#[tokio::test]
async fn where_changes_only_go_nothing_comes_from_there() {
    let rig = gitea(&[("DIRECTION", "push")]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(1);
    let issue = file(&server, &task("Ours")).await;
    until_quiet(&server).await;
    sim.person_edits(&there(sim, "Ours").id, &SimEdit { closed: Some(true), add_label: Some("theirs".to_owned()), ..SimEdit::default() });
    edit(&server, &issue, json!({"title": "Ours, better"})).await;
    let now = get(&server, &issue).await;
    assert_eq!((&now["state"], &now["labels"]), (&json!("open"), &json!(["sbom"])));
    let twin = there(sim, "Ours, better");
    assert!(twin.closed && twin.labels.contains(&"theirs".to_owned()), "{twin:?}");
    assert_eq!(all_here(&server).await.len(), 1);
}

#[tokio::test]
async fn the_later_change_is_told_by_each_sides_own_clock() {
    let rig = gitea(&[("STRATEGY", "newer")]).await;
    let ahead = TimeDelta::hours(3);
    let sim = &rig.sims[0];
    sim.skew(ahead);
    let server = rig.start();
    let issue = file(&server, &task("A")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = there(sim, "A").id;
    // Two minutes ago over there, which by our clock is hours ahead.
    sim.skew(ahead - TimeDelta::minutes(2));
    sim.person_edits(&id, &titled("Theirs, earlier"));
    sim.skew(ahead);
    edit(&server, &issue, json!({"title": "Ours, later"})).await;
    assert_eq!(there(sim, "Ours, later").id, id);
    sim.skew(ahead + TimeDelta::minutes(2));
    sim.person_edits(&id, &titled("Theirs, later"));
    sim.skew(ahead);
    edit(&server, &issue, json!({"title": "Ours, earlier"})).await;
    assert_eq!((get(&server, &issue).await["title"].clone(), there(sim, "Theirs, later").id), (json!("Theirs, later"), id));
    let lost: Vec<Value> = conflicts(&server).await.iter().map(|c| json!([c["state"], c["resolution"], c["ours"], c["theirs"]])).collect();
    let expected =
        [json!(["resolved", "external", "Ours, earlier", "Theirs, later"]), json!(["resolved", "local", "Ours, later", "Theirs, earlier"])];
    assert_eq!(lost, expected);
}

#[tokio::test]
async fn one_side_may_always_win_and_the_other_ones_words_are_on_record() {
    for (strategy, winner, resolution) in [("local_wins", "Ours", "local"), ("external_wins", "Theirs", "external")] {
        let rig = gitea(&[("STRATEGY", strategy)]).await;
        let (server, sim) = (rig.start(), &rig.sims[0]);
        let issue = file(&server, &task("A")).await;
        until_quiet(&server).await;
        settled(&server).await;
        sim.person_edits(&there(sim, "A").id, &titled("Theirs"));
        edit(&server, &issue, json!({"title": "Ours"})).await;
        settled(&server).await;
        there(sim, winner);
        assert_eq!(get(&server, &issue).await["title"], winner, "{strategy}");
        let all = conflicts(&server).await;
        assert_eq!(all.len(), 1, "{all:?}");
        let had = (&all[0]["ours"], &all[0]["theirs"], &all[0]["resolution"], &all[0]["state"]);
        assert_eq!(had, (&json!("Ours"), &json!("Theirs"), &json!(resolution), &json!("resolved")));
    }
}

#[tokio::test]
async fn a_field_that_goes_back_and_forth_stands_still_until_somebody_decides() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    let issue = file(&server, &task("A")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = sim.issues()[0].id.clone();
    let mut last = String::new();
    for n in 0..6 {
        edit(&server, &issue, json!({"title": format!("here {n}")})).await;
        last = format!("there {n}");
        sim.person_edits(&id, &titled(&last));
        synced(&server).await;
        if !conflicts(&server).await.is_empty() {
            break;
        }
    }
    let all = conflicts(&server).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["state"], &all[0]["field"], &all[0]["theirs"]), (&json!("open"), &json!("title"), &json!(last)));
    assert_eq!(last, "there 3", "six turns an hour are followed");
    edit(&server, &issue, json!({"title": "more", "description": "goes on"})).await;
    assert_eq!(there(sim, &last).id, id, "the title stands");
    assert!(there(sim, &last).body.contains("goes on"), "the others do not");
    act(&server, &format!("/conflicts/{}/resolve", all[0]["id"].as_str().unwrap()), json!({"take": "external"})).await;
    assert_eq!(get(&server, &issue).await["title"], json!(last));
    edit(&server, &issue, json!({"title": "moves again"})).await;
    there(sim, "moves again");
    sim.person_edits(&id, &titled("there as well"));
    settled(&server).await;
    assert_eq!(get(&server, &issue).await["title"], "there as well");
    assert_eq!(conflicts(&server).await.len(), 1);
}

#[tokio::test]
async fn somebody_unknown_never_takes_anybody_off_and_those_we_know_come_over() {
    for kind in [TrackerKind::Gitea, TrackerKind::Linear] {
        let mut rig = bound(Database::sqlite().await, vendor(kind), &[]).await;
        rig.set("ISSUE_CORE__BACKENDS__T0__USERS", r#"{"anna":"ann","cleo":"cleo"}"#);
        let (server, sim) = (rig.start(), &rig.sims[0]);
        let mut body = task("Whose");
        body["assignees"] = json!(["anna"]);
        let issue = file(&server, &body).await;
        until_quiet(&server).await;
        settled(&server).await;
        let id = there(sim, "Whose").id;
        let person = |name: &str| SimEdit { person: Some(name.to_owned()), ..SimEdit::default() };
        sim.person_edits(&id, &person("bob"));
        settled(&server).await;
        assert_eq!(get(&server, &issue).await["assignees"], json!(["anna"]), "{kind}");
        edit(&server, &issue, json!({"title": "Whose now"})).await;
        assert!(there(sim, "Whose now").people.contains(&"bob".to_owned()), "{kind}: nobody is taken off there");
        sim.person_edits(&id, &person("cleo"));
        settled(&server).await;
        let now = get(&server, &issue).await["assignees"].clone();
        assert_eq!(now, if kind == TrackerKind::Linear { json!(["cleo"]) } else { json!(["anna", "cleo"]) }, "{kind}");
    }
}

#[tokio::test]
async fn a_pause_stops_the_passes_and_nothing_is_lost_by_it() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    settled(&server).await;
    assert_eq!(operate(&server, "/bindings/main/pause", &json!({})).await.status(), 200);
    assert_eq!(binding(&server).await["paused"], true);
    sim.plant_many(2);
    let asked = sim.asked();
    let refused = operate(&server, "/bindings/main/sync", &json!({})).await;
    assert_eq!(refused.status(), 409);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "binding_paused");
    assert_eq!((sim.asked(), all_here(&server).await.len()), (asked, 0));
    assert_eq!(operate(&server, "/bindings/main/resume", &json!({})).await.status(), 200);
    synced(&server).await;
    assert_eq!(all_here(&server).await.len(), 2);
}

#[tokio::test]
async fn a_rehearsal_tells_what_the_next_pass_does_and_does_none_of_it() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    sim.plant_many(3);
    settled(&server).await;
    // What is waited for is no work of a pass any more.
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
async fn however_a_list_is_paged_each_issue_is_planned_and_counted_once() {
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
async fn what_is_planned_is_what_is_then_done_with_fields_that_clash_are_decided_stand_still_or_were_changed_later() {
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
            // Only theirs differs from what was agreed on; it stands still nevertheless.
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

#[tokio::test]
async fn one_edit_costs_the_same_whatever_else_is_there() {
    for kind in [TrackerKind::GitHub, TrackerKind::Gitea, TrackerKind::Linear] {
        let mut costs = Vec::new();
        for others in [5, 60] {
            let rig = bound(Database::sqlite().await, vendor(kind), &[]).await;
            let (server, sim) = (rig.start(), &rig.sims[0]);
            sim.plant_many(others);
            settled(&server).await;
            let id = there(sim, "planted 1").id;
            // What lies within the overlap of two passes is read again: this one is the only one in it.
            sim.skew(TimeDelta::minutes(5));
            sim.person_edits(&id, &titled("first"));
            settled(&server).await;
            sim.skew(TimeDelta::minutes(10));
            settled(&server).await;
            sim.traffic();
            sim.person_edits(&id, &titled("second"));
            synced(&server).await;
            let from_there = sim.traffic().requests;
            sim.skew(TimeDelta::minutes(15));
            settled(&server).await;
            let issue = path(&here(&server, "second").await);
            sim.traffic();
            edit(&server, &issue, json!({"title": "third"})).await;
            there(sim, "third");
            costs.push((from_there, sim.traffic().requests));
        }
        println!("{kind}: {costs:?}");
        assert_eq!(costs[0], costs[1], "{kind}");
        // GitHub tells an issue's dependencies in two lists of their own.
        assert!(costs[0].0 <= 5 && costs[0].1 <= 4, "{kind}: {costs:?}");
    }
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

#[tokio::test]
async fn a_conflict_is_decided_once_by_whoever_saw_it_as_it_is() {
    let rig = gitea(&[]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    let issue = file(&server, &task("A")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = there(sim, "A").id;
    sim.person_edits(&id, &titled("Theirs"));
    edit(&server, &issue, json!({"title": "Ours"})).await;
    let at = format!("/conflicts/{}", conflicts(&server).await[0]["id"].as_str().unwrap());
    let tag = server.get(&at).send().await.unwrap().headers()["etag"].clone();
    // The clash says something else by now.
    sim.person_edits(&id, &titled("Theirs, better"));
    settled(&server).await;
    let resolve = async |tag: &reqwest::header::HeaderValue, body: Value| {
        let post = server.request(Method::POST, &format!("{at}/resolve")).header("If-Match", tag);
        post.json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(resolve(&tag, json!({"take": "local"})).await, 412);
    let tag = server.get(&at).send().await.unwrap().headers()["etag"].clone();
    assert_eq!(resolve(&tag, json!({"value": "Both of us"})).await, 200);
    until_quiet(&server).await;
    settled(&server).await;
    assert_eq!((get(&server, &issue).await["title"].clone(), there(sim, "Both of us").id), (json!("Both of us"), id));
    let after = get(&server, &at).await;
    assert_eq!((&after["state"], &after["resolution"]), (&json!("resolved"), &json!("other")), "{after}");
    assert_eq!(resolve(&tag, json!({"take": "local"})).await, 412, "it is decided already, and this edition was seen before");
    let again = server.post(&format!("{at}/resolve"), &json!({"take": "local"})).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.json::<Value>().await.unwrap()["code"].clone()), (409, json!("conflict_settled")));
}

#[tokio::test]
async fn a_comment_that_both_sides_change_before_they_look_is_merged_by_lines_and_a_clash_is_on_record() {
    let rig = gitea(&[("STRATEGY", "external_wins")]).await;
    let (server, sim) = (rig.start(), &rig.sims[0]);
    let ours = file(&server, &task("Talk")).await;
    until_quiet(&server).await;
    let made = act(&server, &format!("{ours}/comments"), json!({"body": "one\n\ntwo\n\nthree"})).await;
    let at = format!("{ours}/comments/{}", made["id"].as_str().unwrap());
    settled(&server).await;
    let id = there(sim, "Talk").id;
    let theirs = there(sim, "Talk").comments[0].clone();

    sim.person_edits_comment(&id, &theirs.id, &theirs.text.replace("three", "THREE"));
    edit(&server, &at, json!({"body": "ONE\n\ntwo\n\nthree"})).await;
    assert_eq!(get(&server, &at).await["body"], "ONE\n\ntwo\n\nTHREE");
    let text = there(sim, "Talk").comments[0].text.clone();
    assert!(text.contains("ONE") && text.contains("THREE"), "{text}");
    assert_eq!(conflicts(&server).await.len(), 0);

    sim.person_edits_comment(&id, &theirs.id, &text.replace("two", "their word"));
    edit(&server, &at, json!({"body": "ONE\n\nour word\n\nTHREE"})).await;
    assert_eq!(get(&server, &at).await["body"], "ONE\n\ntheir word\n\nTHREE");
    assert!(there(sim, "Talk").comments[0].text.contains("their word"));
    let lost = conflicts(&server).await;
    assert_eq!((lost.len(), &lost[0]["field"], &lost[0]["resolution"]), (1, &json!("comment"), &json!("external")));
    assert!(lost[0]["ours"].as_str().unwrap().contains("our word"), "{lost:?}");
}

#[tokio::test]
async fn a_comment_that_was_changed_there_before_it_was_deleted_here_is_back_or_where_it_is_ours_on_record() {
    let remove = async |server: &Server, path: &str| {
        assert!(server.request(Method::DELETE, path).send().await.unwrap().status().is_success());
    };
    for (kind, owner) in
        [(TrackerKind::Gitea, "shared"), (TrackerKind::Linear, "shared"), (TrackerKind::GitHub, "external"), (TrackerKind::Gitea, "local")]
    {
        let rig = bound(Database::sqlite().await, vendor(kind), &[("FIELDS", &format!(r#"{{"comment":"{owner}"}}"#))]).await;
        let (server, sim) = (rig.start(), &rig.sims[0]);
        let issue = file(&server, &task("Talk")).await;
        until_quiet(&server).await;
        let id = there(sim, "Talk").id;
        act(&server, &format!("{issue}/comments"), json!({"body": "said here"})).await;
        sim.person_comments(&id, sim.vendor(|vendor| vendor.people()[0]), "said there");
        sim.person_edits(&id, &SimEdit { add_label: Some("poke".to_owned()), ..SimEdit::default() });
        caught_up(&server).await;
        let said = async || get(&server, &format!("{issue}/comments")).await["items"].as_array().unwrap().clone();
        let before = said().await;
        assert_eq!(before.len(), 2, "{kind}: {before:?}");
        let unchanged = act(&server, &format!("{issue}/comments"), json!({"body": "of no use"})).await;

        for comment in there(sim, "Talk").comments.iter().filter(|comment| comment.text.contains("said")) {
            sim.person_edits_comment(&id, &comment.id, &comment.text.replace("said", "corrected"));
        }
        for comment in before.iter().chain([&unchanged]) {
            remove(&server, &format!("{issue}/comments/{}", comment["id"].as_str().unwrap())).await;
        }
        until_quiet(&server).await;
        settled(&server).await;
        let texts = |comments: &[Value]| -> Vec<[Value; 3]> {
            comments.iter().map(|one| ["id", "author", "body"].map(|name| one[name].clone())).collect()
        };
        let (here, twin) = (said().await, there(sim, "Talk"));
        if owner == "local" {
            assert!(here.is_empty() && twin.comments.is_empty(), "{here:?} {twin:?}");
            let kept: Vec<Value> = conflicts(&server)
                .await
                .iter()
                .map(|clash| json!([clash["field"], clash["state"], clash["resolution"], clash["theirs"]]))
                .collect();
            assert_eq!(
                kept,
                [json!(["comment", "resolved", "local", "corrected there"]), json!(["comment", "resolved", "local", "corrected here"])]
            );
            continue;
        }
        let expected: Vec<[Value; 3]> = texts(&before)
            .into_iter()
            .map(|[id, author, body]| [id, author, json!(body.as_str().unwrap().replace("said", "corrected"))])
            .collect();
        assert_eq!(texts(&here), expected, "{kind}");
        assert_eq!((twin.comments.len(), conflicts(&server).await.len()), (2, 0), "{kind}: {twin:?}");
        // Deleted once more, now that it was seen, it is gone.
        for comment in &here {
            remove(&server, &format!("{issue}/comments/{}", comment["id"].as_str().unwrap())).await;
        }
        until_quiet(&server).await;
        settled(&server).await;
        assert!(said().await.is_empty() && there(sim, "Talk").comments.is_empty(), "{kind}");
    }
}
