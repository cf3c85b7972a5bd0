//! What becomes of an edit on either side, with every tracker.

use reqwest::Method;
use serde_json::{Value, json};

use super::{all_here, binding, bound, caught_up, here, path, settled, synced, synced_with, there};
use crate::backend::rig::{file, get, task, until_quiet};
use crate::support::server::Server;
use crate::support::sim::{self, Sim, SimEdit};

/// Each of these with every tracker, the stores in alternation.
macro_rules! with_every_tracker {
    ($($name:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            for (n, vendor) in sim::ALL.iter().enumerate() {
                let dialect = [crate::support::database::Dialect::Sqlite, crate::support::database::Dialect::Postgres][n % 2];
                crate::support::database::run(dialect, async |db| {
                    println!("{} on {}", vendor().kind(), db.dialect());
                    let rig = bound(db, vendor(), &[]).await;
                    let server = rig.start();
                    cases::$name(&server, &rig.sims[0]).await;
                    assert_eq!(rig.sims[0].faults(), [""; 0]);
                }).await;
            }
        })+
    };
}

with_every_tracker!(
    an_issue_made_there_is_adopted_once_and_quiet_sync_runs_write_nothing,
    an_edit_on_either_side_reaches_the_other_and_does_not_come_back,
    both_sides_may_change_different_things_at_once,
    what_both_changed_to_something_else_waits_for_a_decision_and_holds_that_field_alone,
    comments_go_both_ways_each_once_with_their_edits_and_deletions,
    what_is_gone_there_is_put_away_here,
    a_copied_marker_holds_nothing_up,
    many_that_are_missing_at_once_are_not_believed_to_be_gone,
);

pub(super) async fn edit(server: &Server, issue: &str, body: Value) {
    let answer = server.request(Method::PATCH, issue).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    until_quiet(server).await;
}

pub(super) async fn act(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.post(path, &body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {text}");
    until_quiet(server).await;
    serde_json::from_str(&text).unwrap_or_default()
}

pub(super) fn titled(title: &str) -> SimEdit {
    SimEdit { title: Some(title.to_owned()), ..SimEdit::default() }
}

/// The limits of a sync run without any change: it reads, at most twice, and writes nothing on
/// either side.
async fn quiet(server: &Server, sim: &Sim) {
    settled(server).await;
    // A recent change is read once more, a little later.
    sim.skew(chrono::TimeDelta::minutes(5));
    settled(server).await;
    let before = all_here(server).await;
    let seen = sim.recorded().len();
    let run = synced(server).await;
    let requests = sim.recorded()[seen..].to_vec();
    assert!(requests.len() <= 2, "{:?}", requests.iter().map(|asked| (&asked.request.method, &asked.request.path)).collect::<Vec<_>>());
    assert!(sim.vendor(|vendor| requests.iter().all(|asked| !vendor.writes(&asked.request))));
    assert_eq!(before, all_here(server).await, "{run}");
}

mod cases {
    use super::*;

    pub(super) async fn an_issue_made_there_is_adopted_once_and_quiet_sync_runs_write_nothing(server: &Server, sim: &Sim) {
        sim.plant_many(7);
        let run = synced(server).await;
        let all = all_here(server).await;
        assert_eq!(all.len(), 7, "{run}");
        let issue = here(server, "planted 3").await;
        let kind = sim.vendor(|vendor| vendor.kind());
        assert_eq!(
            (&issue["description"], &issue["backend"], &issue["target_repo"]),
            (&json!("text of 3"), &json!(kind.as_str()), &json!("activity-core"))
        );
        assert!(issue["url"].as_str().is_some_and(|url| url.starts_with("http")), "{issue}");
        let asked = sim.recorded();
        assert!(sim.vendor(|vendor| asked.iter().all(|asked| !vendor.writes(&asked.request))), "nothing is written there");
        quiet(server, sim).await;
    }

    /// A person quotes the marker of an issue that never went to this tracker.
    pub(super) async fn a_copied_marker_holds_nothing_up(server: &Server, sim: &Sim) {
        let mut body = task("Not yet approved");
        body["review_required"] = json!(true);
        let kept = file(server, &body).await;
        until_quiet(server).await;
        sim.plant_many(2);
        let id = there(sim, "planted 0").id;
        let quoted = format!("as in\n\nissue-core:{}\n\nsay the notes", kept.trim_start_matches("/issues/"));
        sim.person_edits(&id, &SimEdit { body: Some(quoted), ..SimEdit::default() });
        synced(server).await;
        let issue = here(server, "planted 0").await;
        assert!(issue["description"].as_str().is_some_and(|text| text.contains("say the notes")), "{issue}");
        assert_eq!(get(server, &kept).await["url"], Value::Null, "the quoted issue is linked to nothing");
        sim.person_edits(&there(sim, "planted 1").id, &titled("Changed later"));
        caught_up(server).await;
        here(server, "Changed later").await;
    }

    pub(super) async fn an_edit_on_either_side_reaches_the_other_and_does_not_come_back(server: &Server, sim: &Sim) {
        sim.plant_many(2);
        let ours = file(server, &task("Ours")).await;
        until_quiet(server).await;
        settled(server).await;

        let id = there(sim, "planted 1").id;
        let labels = SimEdit { add_label: Some("seen".to_owned()), body: Some("first\n\nsecond".to_owned()), ..titled("Renamed there") };
        sim.person_edits(&id, &labels);
        sim.person_edits(&there(sim, "Ours").id, &SimEdit { closed: Some(true), ..SimEdit::default() });
        caught_up(server).await;
        let issue = here(server, "Renamed there").await;
        assert_eq!((&issue["description"], &issue["labels"]), (&json!("first\n\nsecond"), &json!(["seen"])));
        assert_eq!(get(server, &ours).await["state"], "closed");

        edit(server, &path(&issue), json!({"title": "Renamed here", "labels": ["seen", "read"], "description": "first\n\nthird"})).await;
        let now = there(sim, "Renamed here");
        assert!(now.labels.contains(&"read".to_owned()) && now.body.contains("third"), "{now:?}");
        assert!(!now.body.contains("issue-core:"), "what was made there is not marked: {now:?}");
        act(server, &format!("{ours}/reopen"), json!({})).await;
        assert!(!there(sim, "Ours").closed);
        assert!(there(sim, "Ours").body.contains("issue-core:"));

        let version = here(server, "Renamed here").await["version"].clone();
        settled(server).await;
        assert_eq!(here(server, "Renamed here").await["version"], version, "our own writing is no news");
        quiet(server, sim).await;
    }

    pub(super) async fn both_sides_may_change_different_things_at_once(server: &Server, sim: &Sim) {
        let lines = "one\n\ntwo\n\nthree\n\nfour\n\nfive";
        let mut body = task("Both");
        body["description"] = json!(lines);
        let ours = file(server, &body).await;
        until_quiet(server).await;
        settled(server).await;
        let id = there(sim, "Both").id;
        // Before we read the tracker again.
        sim.person_edits(
            &id,
            &SimEdit { body: Some(lines.replace("five", "FIVE")), add_label: Some("theirs".to_owned()), ..SimEdit::default() },
        );
        edit(server, &ours, json!({"description": lines.replace("one", "ONE"), "labels": ["ours"], "title": "Both of us"})).await;
        settled(server).await;
        let issue = get(server, &ours).await;
        assert_eq!(issue["description"], json!("ONE\n\ntwo\n\nthree\n\nfour\n\nFIVE"));
        assert_eq!(issue["labels"], json!(["ours", "theirs"]));
        let now = there(sim, "Both of us");
        assert!(now.body.contains("ONE") && now.body.contains("FIVE"), "{now:?}");
        assert!(
            now.labels.contains(&"ours".to_owned())
                && now.labels.contains(&"theirs".to_owned())
                && !now.labels.contains(&"sbom".to_owned()),
            "{now:?}"
        );
        assert_eq!(get(server, "/conflicts").await["items"], json!([]));
        quiet(server, sim).await;
    }

    pub(super) async fn what_both_changed_to_something_else_waits_for_a_decision_and_holds_that_field_alone(server: &Server, sim: &Sim) {
        let ours = file(server, &task("A")).await;
        until_quiet(server).await;
        settled(server).await;
        let id = there(sim, "A").id;
        sim.person_edits(&id, &SimEdit { add_label: Some("theirs".to_owned()), ..titled("B") });
        edit(server, &ours, json!({"title": "C"})).await;
        settled(server).await;
        let conflicts = get(server, "/conflicts?state=open").await;
        let conflict = &conflicts["items"][0];
        assert_eq!(conflicts["items"].as_array().unwrap().len(), 1, "{conflicts}");
        assert_eq!(
            (&conflict["field"], &conflict["base"], &conflict["ours"], &conflict["theirs"]),
            (&json!("title"), &json!("A"), &json!("C"), &json!("B"))
        );
        assert_eq!((get(server, &ours).await["title"].clone(), there(sim, "B").id), (json!("C"), id.clone()), "neither is touched");
        assert!(get(server, &ours).await["labels"].as_array().unwrap().contains(&json!("theirs")), "the others go on");
        quiet(server, sim).await;
        assert_eq!(get(server, "/conflicts").await["items"].as_array().unwrap().len(), 1, "met again, it is the same one");

        act(server, &format!("/conflicts/{}/resolve", conflict["id"].as_str().unwrap()), json!({"take": "local"})).await;
        assert_eq!(there(sim, "C").id, id);
        let after = get(server, "/conflicts").await;
        assert_eq!((&after["items"][0]["state"], &after["items"][0]["resolution"]), (&json!("resolved"), &json!("local")));
        quiet(server, sim).await;
    }

    pub(super) async fn comments_go_both_ways_each_once_with_their_edits_and_deletions(server: &Server, sim: &Sim) {
        let ours = file(server, &task("Talk")).await;
        until_quiet(server).await;
        settled(server).await;
        let id = there(sim, "Talk").id;
        let person = sim.vendor(|vendor| vendor.people()[0]);
        let theirs = sim.person_comments(&id, person, "a question");
        act(server, &format!("{ours}/comments"), json!({"body": "an answer"})).await;
        caught_up(server).await;
        let said = get(server, &format!("{ours}/comments")).await["items"].clone();
        let bodies: Vec<&Value> = said.as_array().unwrap().iter().map(|comment| &comment["body"]).collect();
        assert_eq!(bodies.len(), 2, "{said}");
        assert!(bodies.contains(&&json!("a question")) && bodies.contains(&&json!("an answer")), "{said}");
        let question = said.as_array().unwrap().iter().find(|comment| comment["body"] == "a question").unwrap();
        assert!(question["author"].as_str().unwrap().contains(person), "{question}");
        assert_eq!(there(sim, "Talk").comments.len(), 2);

        // Later than the last seen change, even by a coarse clock of the tracker.
        sim.skew(chrono::TimeDelta::seconds(10));
        sim.person_edits_comment(&id, &theirs, "a better question");
        let answer = said.as_array().unwrap().iter().find(|comment| comment["body"] == "an answer").unwrap();
        let at = format!("{ours}/comments/{}", answer["id"].as_str().unwrap());
        edit(server, &at, json!({"body": "a better answer"})).await;
        settled(server).await;
        let said = get(server, &format!("{ours}/comments")).await["items"].clone();
        let bodies: Vec<&Value> = said.as_array().unwrap().iter().map(|comment| &comment["body"]).collect();
        assert!(
            bodies.contains(&&json!("a better question")) && bodies.contains(&&json!("a better answer")) && bodies.len() == 2,
            "{said}"
        );
        let texts: Vec<String> = there(sim, "Talk").comments.into_iter().map(|comment| comment.text).collect();
        assert!(texts.len() == 2 && texts.iter().any(|text| text.contains("a better answer")), "{texts:?}");

        sim.skew(chrono::TimeDelta::seconds(20));
        sim.person_deletes_comment(&id, &theirs);
        // Not every tracker calls that a change of the issue.
        sim.person_edits(&id, &SimEdit { add_label: Some("poke".to_owned()), ..SimEdit::default() });
        server.request(Method::DELETE, &at).send().await.unwrap();
        settled(server).await;
        assert_eq!(get(server, &format!("{ours}/comments")).await["items"], json!([]));
        assert!(there(sim, "Talk").comments.is_empty(), "{:?}", there(sim, "Talk"));
        quiet(server, sim).await;
    }

    pub(super) async fn what_is_gone_there_is_put_away_here(server: &Server, sim: &Sim) {
        sim.plant_many(3);
        settled(server).await;
        let id = there(sim, "planted 1").id;
        sim.removes(&id);
        synced(server).await;
        assert_eq!(here(server, "planted 1").await["archived_at"], Value::Null, "no list has been read to its end yet");
        let run = synced_with(server, json!({"audit": true})).await;
        assert!(here(server, "planted 1").await["archived_at"].is_string(), "{run}");
        assert_eq!(here(server, "planted 0").await["archived_at"], Value::Null);
        let version = here(server, "planted 1").await["version"].clone();
        synced_with(server, json!({"audit": true})).await;
        assert_eq!(here(server, "planted 1").await["version"], version, "once is enough");
    }

    pub(super) async fn many_that_are_missing_at_once_are_not_believed_to_be_gone(server: &Server, sim: &Sim) {
        sim.plant_many(15);
        settled(server).await;
        for n in 0..12 {
            sim.removes(&there(sim, &format!("planted {n}")).id);
        }
        let run = synced_with(server, json!({"audit": true})).await;
        assert!(run["last_run"]["error"].as_str().is_some_and(|text| text.contains("allow_deletions")), "{run}");
        assert!(all_here(server).await.iter().all(|issue| issue["archived_at"].is_null()));
        synced_with(server, json!({"audit": true, "allow_deletions": true})).await;
        assert_eq!(all_here(server).await.iter().filter(|issue| issue["archived_at"].is_string()).count(), 12, "{}", binding(server).await);
    }
}
