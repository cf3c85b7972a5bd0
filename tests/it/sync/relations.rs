//! Relations between issues, with every tracker that holds some. What arrived there is seen from the other issue, which has it backwards.

use chrono::TimeDelta;
use issue_core::domain::Relation;
use issue_core::domain::tracker::TrackerKind;
use serde_json::{Value, json};

use super::flows::{act, edit};
use super::{bound, caught_up, settled, there};
use crate::backend::rig::{eventually, file, get, task, until_quiet};
use crate::support::database::{self, Dialect};
use crate::support::server::Server;
use crate::support::sim::{self, Sim, SimEdit};

/// One that it holds as it is set up here, and the same from the other side.
const fn held(kind: TrackerKind) -> Option<(Relation, Relation)> {
    match kind {
        TrackerKind::GitHub | TrackerKind::Jira | TrackerKind::Linear | TrackerKind::AzureDevops => {
            Some((Relation::Blocks, Relation::BlockedBy))
        }
        TrackerKind::GitLab => Some((Relation::Relates, Relation::Relates)),
        TrackerKind::Gitea | TrackerKind::Forgejo => None,
    }
}

#[tokio::test]
async fn relations_go_both_ways_and_wait_for_an_issue_that_comes_later() {
    let mut seen = 0;
    for (n, vendor) in sim::ALL.iter().enumerate() {
        let Some(held) = held(vendor().kind()) else { continue };
        seen += 1;
        database::run([Dialect::Sqlite, Dialect::Postgres][n % 2], async |db| {
            println!("{} on {}", vendor().kind(), db.dialect());
            let rig = bound(db, vendor(), &[]).await;
            let server = rig.start();
            both_ways(&server, &rig.sims[0], held).await;
            later(&server, &rig.sims[0], held).await;
            assert_eq!(get(&server, "/conflicts").await["items"], json!([]));
            assert_eq!(rig.sims[0].faults(), [""; 0]);
        })
        .await;
    }
    assert!(seen >= 5, "{seen}");
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn to(relation: Relation, other: &str) -> Value {
    json!({"relation": relation, "to": other})
}

/// Without the numbers.
async fn relations(server: &Server, issue: &str) -> Vec<Value> {
    let shown = get(server, issue).await["relations"].as_array().unwrap().clone();
    shown.into_iter().map(|relation| json!({"relation": relation["relation"], "to": relation["to"]})).collect()
}

/// Something else about it changes there, so that it is read.
async fn touched(server: &Server, sim: &Sim, title: &str, label: &str, minute: i64) {
    sim.skew(TimeDelta::minutes(minute));
    sim.person_edits(&there(sim, title).id, &SimEdit { add_label: Some(label.to_owned()), ..SimEdit::default() });
    settled(server).await;
}

async fn both_ways(server: &Server, sim: &Sim, (relation, back): (Relation, Relation)) {
    let (a, b) = (file(server, &task("A")).await, file(server, &task("B")).await);
    until_quiet(server).await;
    caught_up(server).await;
    let elsewhere = to(Relation::Duplicates, "other:X-1");

    edit(server, &a, json!({"relations": [elsewhere, to(relation, id(&b))]})).await;
    touched(server, sim, "B", "one", 1).await;
    assert_eq!(relations(server, &b).await, [to(back, id(&a))], "set here, it is there");
    edit(server, &a, json!({"relations": [elsewhere]})).await;
    touched(server, sim, "B", "two", 2).await;
    assert_eq!(relations(server, &b).await, [Value::Null; 0], "taken away here, it is gone there");

    // The trackers' clocks have whole seconds, and each change must be a later one.
    let relate = |is_there, minute| {
        sim.skew(TimeDelta::minutes(minute));
        sim.person_relates(&there(sim, "A").id, relation, &there(sim, "B").id, is_there);
    };
    relate(true, 3);
    settled(server).await;
    assert_eq!(relations(server, &a).await, [elsewhere.clone(), to(relation, id(&b))], "set there, it is here, as one of ours");
    relate(false, 4);
    settled(server).await;
    assert_eq!(relations(server, &a).await, [elsewhere], "taken away there, it is gone here, and nothing else is");
}

async fn later(server: &Server, sim: &Sim, (relation, back): (Relation, Relation)) {
    let mut body = task("Later");
    body["review_required"] = json!(true);
    let target = file(server, &body).await;
    let mut body = task("Now");
    body["relations"] = json!([to(relation, id(&target))]);
    let issue = file(server, &body).await;
    eventually("the first one is there", || async { get(server, &issue).await["url"].is_string() }).await;
    assert!(sim.issues().iter().all(|issue| issue.title != "Later"));
    act(server, &format!("{target}/review/approve"), json!({})).await;
    caught_up(server).await;
    touched(server, sim, "Later", "three", 5).await;
    assert_eq!(relations(server, &target).await, [to(back, id(&issue))]);
    assert_eq!(relations(server, &issue).await, [to(relation, id(&target))]);
}
