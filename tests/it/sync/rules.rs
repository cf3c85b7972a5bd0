//! The rules of a binding, each where a fault would hurt: the owner of a field, the record of the
//! other value, and the cost of it all. Where a rule does not depend on the vendor, one vendor
//! stands for all.

use chrono::TimeDelta;
use issue_core::domain::tracker::TrackerKind;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::flows::{act, edit, titled};
use super::{OPERATOR, all_here, binding, bound, caught_up, here, path, settled, synced, there};
use crate::backend::rig::{Rig, file, get, task, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{self, Sim, SimEdit, Vendor};

pub(super) fn vendor(kind: TrackerKind) -> Box<dyn Vendor> {
    sim::ALL.iter().map(|vendor| vendor()).find(|vendor| vendor.kind() == kind).unwrap()
}

/// A service that follows a Gitea by these rules.
pub(super) async fn gitea(rules: &[(&str, &str)]) -> Rig {
    bound(Database::sqlite().await, vendor(TrackerKind::Gitea), rules).await
}

pub(super) async fn operate(server: &Server, path: &str, body: &Value) -> Response {
    server.client.post(format!("{}{path}", server.base)).bearer_auth(OPERATOR).json(body).send().await.unwrap()
}

pub(super) async fn conflicts(server: &Server) -> Vec<Value> {
    get(server, "/conflicts").await["items"].as_array().unwrap().clone()
}

pub(super) fn writes(sim: &Sim) -> usize {
    let asked = sim.recorded();
    sim.vendor(|vendor| asked.iter().filter(|asked| vendor.writes(&asked.request)).count())
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
    let remote = there(sim, "Ours, better");
    assert!(remote.closed && remote.labels.contains(&"theirs".to_owned()), "{remote:?}");
    assert_eq!(all_here(&server).await.len(), 1);
}

#[tokio::test]
async fn the_later_change_is_found_by_each_sides_own_clock() {
    let rig = gitea(&[("STRATEGY", "newer")]).await;
    let ahead = TimeDelta::hours(3);
    let sim = &rig.sims[0];
    sim.skew(ahead);
    let server = rig.start();
    let issue = file(&server, &task("A")).await;
    until_quiet(&server).await;
    settled(&server).await;
    let id = there(sim, "A").id;
    // Two minutes ago in the tracker, which by our clock is hours ahead.
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
async fn one_side_may_always_win_and_the_other_ones_text_is_on_record() {
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
async fn a_field_that_goes_back_and_forth_is_frozen_until_an_operator_decides() {
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
async fn an_unmapped_user_never_removes_an_assignee_and_mapped_ones_are_pulled() {
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
async fn a_pause_stops_the_sync_runs_and_nothing_is_lost_by_it() {
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
async fn one_edit_costs_the_same_in_a_store_of_any_size() {
    for kind in [TrackerKind::GitHub, TrackerKind::Gitea, TrackerKind::Linear] {
        let mut costs = Vec::new();
        for others in [5, 60] {
            let rig = bound(Database::sqlite().await, vendor(kind), &[]).await;
            let (server, sim) = (rig.start(), &rig.sims[0]);
            sim.plant_many(others);
            settled(&server).await;
            let id = there(sim, "planted 1").id;
            // The overlap of two sync runs is read again: this issue is the only one in it.
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
        // GitHub returns an issue's dependencies in two lists of their own.
        assert!(costs[0].0 <= 5 && costs[0].1 <= 4, "{kind}: {costs:?}");
    }
}

#[tokio::test]
async fn a_conflict_is_decided_once_and_only_in_its_present_edition() {
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
    // The conflict has another value by now.
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
async fn a_comment_that_both_sides_change_is_merged_by_lines_and_a_conflict_is_on_record() {
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
    let send_delete = async |server: &Server, path: &str| {
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
            send_delete(&server, &format!("{issue}/comments/{}", comment["id"].as_str().unwrap())).await;
        }
        until_quiet(&server).await;
        settled(&server).await;
        let texts = |comments: &[Value]| -> Vec<[Value; 3]> {
            comments.iter().map(|one| ["id", "author", "body"].map(|name| one[name].clone())).collect()
        };
        let (here, remote) = (said().await, there(sim, "Talk"));
        if owner == "local" {
            assert!(here.is_empty() && remote.comments.is_empty(), "{here:?} {remote:?}");
            let kept: Vec<Value> = conflicts(&server)
                .await
                .iter()
                .map(|conflict| json!([conflict["field"], conflict["state"], conflict["resolution"], conflict["theirs"]]))
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
        assert_eq!((remote.comments.len(), conflicts(&server).await.len()), (2, 0), "{kind}: {remote:?}");
        // Deleted once more, now that it was seen, it is gone.
        for comment in &here {
            send_delete(&server, &format!("{issue}/comments/{}", comment["id"].as_str().unwrap())).await;
        }
        until_quiet(&server).await;
        settled(&server).await;
        assert!(said().await.is_empty() && there(sim, "Talk").comments.is_empty(), "{kind}");
    }
}
