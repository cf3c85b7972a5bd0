//! Random edits on both sides, in random order, with lost answers, late lists, crashes and
//! restarts, and deliveries that come late, twice or not at all: afterwards both sides are equal,
//! field by field, no text is lost without a record, and one more sync run writes nothing.
//!
//! `SYNC_SEED=7` makes another story, `ONLY_TRACKER=linear` uses one kind of tracker.

use std::collections::BTreeSet;

use issue_core::domain::tracker::TrackerKind;
use serde_json::{Value, json};

use super::story::{KINDS, KNOWN, PRIORITIES, Story, at_rest, words};
use super::{all_here, bound, caught_up, path, settled};
use crate::backend::rig::get;
use crate::backend::webhooks::HOOK_SECRET;
use crate::support::database::{self, Dialect};
use crate::support::server::Server;
use crate::support::sim::{self, SimIssue, Vendor};

const STEPS: u64 = 24;
const STRATEGIES: [&str; 4] = ["external_wins", "local_wins", "newer", "manual"];

#[expect(clippy::disallowed_methods, reason = "a knob of the suite, not a setting of the product")]
fn first_seed() -> u64 {
    std::env::var("SYNC_SEED").map_or(1, |seed| seed.parse().expect("SYNC_SEED is a number"))
}

#[tokio::test]
async fn after_any_changes_both_sides_are_equal_and_nothing_is_lost() {
    let vendors = (first_seed()..).zip(sim::ALL).filter(|(_, vendor)| sim::is_chosen(vendor().kind()));
    // All at once: most of the time they wait for something.
    futures_util::future::join_all(vendors.map(|(seed, vendor)| story_of(vendor(), seed))).await;
}

async fn story_of(vendor: Box<dyn Vendor>, seed: u64) {
    let (kind, people) = (vendor.kind(), vendor.people());
    let dialect = [Dialect::Postgres, Dialect::Sqlite][usize::try_from(seed % 2).unwrap()];
    let strategy = STRATEGIES[usize::try_from((seed / 2) % 4).unwrap()];
    database::run(dialect, async |db| {
        let mut rig = bound(db, vendor, &[("STRATEGY", strategy)]).await;
        rig.set("ISSUE_CORE__BACKENDS__T0__USERS", &json!({KNOWN[0]: people[0], KNOWN[1]: people[2]}).to_string());
        rig.set("ISSUE_CORE__BACKENDS__T0__WEBHOOK_SECRET", HOOK_SECRET);
        let mut server = rig.start();
        let mut story = Story::new(seed, &rig.sims[0]);
        let what = format!("{kind}, {strategy}, seed {seed}");
        for _ in 0..STEPS {
            if story.chance.below(16) == 0 {
                // Killed at any point of its work, and started again on the same store.
                drop(server);
                server = rig.start();
            }
            story.step(&rig, &server).await;
        }
        story.sim.moody(None);
        story.sim.late(0);
        at_rest(&rig, &server).await;
        story.touches_what_does_not_tell();
        // A recent change is read once more, a little later.
        caught_up(&server).await;
        decide(&server).await;
        story.sim.skew(chrono::TimeDelta::minutes(5));
        settled(&server).await;
        check(&story, &server, &what).await;
    })
    .await;
}

/// Decides every open conflict.
async fn decide(server: &Server) {
    for _ in 0..3 {
        let open = get(server, "/conflicts?state=open&limit=200").await;
        for (n, conflict) in open["items"].as_array().unwrap().iter().enumerate() {
            let at = format!("/conflicts/{}/resolve", conflict["id"].as_str().unwrap());
            let whose = ["local", "external"][n % 2];
            let answer = server.post(&at, &json!({"take": whose})).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
        settled(server).await;
    }
}

async fn check(story: &Story, server: &Server, what: &str) {
    let there = story.sim.issues();
    let all = all_here(server).await;
    assert_eq!(all.len(), there.len(), "{what}: as many here as there\n{all:#?}\n{there:#?}");
    let (mut texts, mut said, mut labels) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for issue in &all {
        let twins: Vec<&SimIssue> = there.iter().filter(|remote| issue["title"] == remote.title.as_str()).collect();
        assert_eq!(twins.len(), 1, "{what}: {issue:#}\n{there:#?}");
        let remote = twins[0];
        assert_same(story, issue, remote, what);
        assert_people(story, issue, remote, what);
        let comments = get(server, &format!("{}/comments?limit=200", path(issue))).await;
        let ours = comments["items"].as_array().unwrap().iter().map(|comment| words(comment["body"].as_str().unwrap()));
        let theirs = remote.comments.iter().map(|comment| words(&comment.text));
        let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (ours.collect(), theirs.collect());
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{what}: {issue:#}\n{comments:#}\n{remote:#?}");
        texts.extend(words(issue["description"].as_str().unwrap()));
        said.extend(ours.concat());
        labels.extend(issue["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()));
    }
    for label in story.labelled.iter().filter(|label| !story.unlabelled.contains(*label)) {
        assert!(labels.contains(label), "{what}: label {label} is lost\n{all:#?}");
    }
    let conflicts = get(server, "/conflicts?limit=200").await.to_string();
    let on_record = |word: &String| conflicts.contains(word.as_str());
    for word in &story.written {
        assert!(texts.contains(word) || on_record(word), "{what}: {word} is lost\n{conflicts}\n{all:#?}");
    }
    for word in story.said.iter().filter(|word| !story.taken_away.contains(*word)) {
        assert!(said.contains(word) || on_record(word), "{what}: {word} was said and is lost\n{conflicts}\n{all:#?}\n{there:#?}");
    }
    assert_eq!(said.len(), said.iter().collect::<BTreeSet<_>>().len(), "{what}: what was said is there once: {said:?}");

    let seen = story.sim.recorded().len();
    super::synced(server).await;
    assert_eq!(all, all_here(server).await, "{what}: one more sync writes nothing here");
    let asked = story.sim.recorded()[seen..].to_vec();
    assert!(story.sim.vendor(|vendor| asked.iter().all(|asked| !vendor.writes(&asked.request))), "{what}: nor there");
}

/// Every field that the tracker can carry.
fn assert_same(story: &Story, issue: &Value, remote: &SimIssue, what: &str) {
    let context = || format!("{what}: {issue:#}\n{remote:#?}");
    let named =
        |prefix: &str, words: &[&'static str]| words.iter().copied().find(|word| remote.labels.contains(&format!("{prefix}{word}")));
    assert_eq!(issue["state"] == "closed", remote.closed, "{}", context());
    assert_eq!(words(issue["description"].as_str().unwrap()), words(&remote.body), "{}", context());
    let labels: BTreeSet<String> = issue["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_lowercase()).collect();
    let theirs: BTreeSet<String> = remote.labels.iter().map(|label| label.to_lowercase()).filter(|label| label.starts_with('w')).collect();
    assert_eq!(labels, theirs, "{}", context());
    assert_eq!(issue["kind"], named("type:", &KINDS).unwrap_or("task"), "{}", context());
    // A field of its own may be empty there: that says nothing.
    let natively = [TrackerKind::Jira, TrackerKind::Linear, TrackerKind::AzureDevops].contains(&story.kind);
    let priority = if natively { remote.priority } else { Some(named("priority:", &PRIORITIES).unwrap_or("medium")) };
    assert!(priority.is_none_or(|priority| issue["priority"] == priority), "{}", context());
    assert!(story.kind == TrackerKind::Linear || issue["milestone"] == json!(remote.milestone), "{}", context());
    assert!(story.kind == TrackerKind::GitHub || issue["due_on"] == json!(remote.due), "{}", context());
}

/// Every mapped assignee of the tracker is ours too; and, as long as no unmapped user is assigned,
/// there is no other one. An assignee who was never removed is still there; an unmapped user stays.
fn assert_people(story: &Story, issue: &Value, remote: &SimIssue, what: &str) {
    let people = story.sim.vendor(|vendor| vendor.people());
    let here: BTreeSet<&str> = issue["assignees"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let known = |there: &String| KNOWN.iter().zip([people[0], people[2]]).find(|(_, name)| there == name).map(|(ours, _)| *ours);
    let there: BTreeSet<&str> = remote.people.iter().filter_map(known).collect();
    let context = || format!("{what}: {issue:#}\n{remote:#?}\non {:?}, off {:?}", story.put_on, story.taken_off);
    let ids = [issue["id"].as_str().unwrap(), &remote.id];
    let names = |list: &[(String, String)]| -> BTreeSet<String> {
        let of_it = list.iter().filter(|(id, _)| ids.contains(&id.as_str()));
        of_it.map(|(_, name)| known(name).map_or_else(|| name.clone(), str::to_owned)).collect()
    };
    let (on, off) = (names(&story.put_on), names(&story.taken_off));
    assert!(there.is_subset(&here), "{}", context());
    let has_stranger = remote.people.iter().any(|name| name == people[1]);
    assert!(has_stranger || story.single && here.len() > 1 || there == here, "{}", context());
    // If only one is possible, the next one replaces the last.
    for name in on.difference(&off).filter(|_| !story.single || on.len() == 1) {
        let stands = if name == people[1] { has_stranger } else { here.contains(name.as_str()) };
        assert!(stands, "{}: {name}", context());
    }
}
