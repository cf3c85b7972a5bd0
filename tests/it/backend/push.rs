//! From a posted task to an issue in a tracker, over the real binary.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use issue_core::domain::tracker::{BudgetWindow, TrackerKind, expected};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::rig::{Rig, eventually, file, get, task, titled, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{self, At, Fault, Reply};

crate::support::on_both_stores!(
    a_task_arrives_in_its_tracker_and_follows_what_becomes_of_it,
    nothing_leaves_before_it_is_approved,
    losses_are_answered_and_with_strict_handling_refused,
    mirrors_hold_the_task_too_and_the_first_is_reported,
    a_refused_credential_pauses_its_tracker_until_the_secret_changes,
    a_limit_makes_everything_wait_and_spends_no_attempt,
    a_hanging_tracker_delays_no_other_target,
    a_long_text_goes_on_in_comments,
    three_replicas_keep_one_budget,
);

async fn act(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.post(path, &body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap_or_default()
}

async fn a_task_arrives_in_its_tracker_and_follows_what_becomes_of_it(db: Database) {
    let rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let server = rig.start();
    let sim = &rig.sims[0];
    let answer = server.post("/issues/", &task("Flag stale SBOM")).header("Prefer", "wait=20").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["preference-applied"], "wait=20");
    let filed: Value = answer.json().await.unwrap();
    let kind = sim.vendor(|vendor| vendor.kind());
    assert_eq!(filed["backend"], kind.as_str());
    assert!(filed["issue_url"].as_str().is_some_and(|url| url.starts_with("http")), "{filed}");
    let issue = format!("/issues/{}", filed["issue_id"].as_str().unwrap());
    let there = titled(sim, "Flag stale SBOM");
    assert_eq!(there.len(), 1);
    assert!(there[0].body.contains("why and how"), "{there:?}");
    assert!(there[0].body.contains(filed["issue_id"].as_str().unwrap()), "{there:?}");

    server.request(Method::PATCH, &issue).json(&json!({"title": "Flag it", "labels": ["sbom", "new"]})).send().await.unwrap();
    act(&server, &format!("{issue}/comments"), json!({"body": "look here"})).await;
    act(&server, &format!("{issue}/close"), json!({"comment": "done"})).await;
    until_quiet(&server).await;
    let there = titled(sim, "Flag it");
    assert_eq!((there.len(), sim.issues().len()), (1, 1));
    assert!(there[0].closed && there[0].labels.contains(&"new".to_owned()), "{there:?}");
    assert_eq!(there[0].comments.len(), 2);
    assert!(there[0].comments[0].text.contains("look here") && there[0].comments[1].text.contains("done"), "{there:?}");

    let timeline = get(&server, &format!("{issue}/timeline")).await;
    let entries = timeline["items"].as_array().unwrap();
    assert_eq!((&entries[0]["route"]["rule"], &entries[0]["route"]["to"][0]["backend"]), (&json!("default"), &json!("t0")));
    let linked = entries.iter().find(|entry| entry["kind"] == "linked").unwrap();
    assert_eq!((&linked["link"]["url"], &linked["actor"]), (&filed["issue_url"], &json!("issue-core")));
    assert!(entries[0]["deliveries"].as_array().unwrap().iter().any(|delivery| delivery["target"] == "t0"), "{timeline}");
    let replay: Value = server.post("/issues/", &task("Flag stale SBOM")).send().await.unwrap().json().await.unwrap();
    assert_eq!(replay, filed);
    let backend = get(&server, "/backends/t0").await;
    assert_eq!((&backend["health"], &backend["waiting"]), (&json!("ok"), &json!(0)));
}

async fn nothing_leaves_before_it_is_approved(db: Database) {
    let rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let server = rig.start();
    let mut body = task("Check me");
    body["review_required"] = json!(true);
    let issue = file(&server, &body).await;
    act(&server, &format!("{issue}/comments"), json!({"body": "a question"})).await;
    until_quiet(&server).await;
    assert_eq!(rig.sims[0].asked(), 0);
    act(&server, &format!("{issue}/review/approve"), json!({"edit": {"title": "Checked"}})).await;
    until_quiet(&server).await;
    let there = titled(&rig.sims[0], "Checked");
    assert_eq!(there.len(), 1);
    assert!(there[0].comments.iter().any(|comment| comment.text.contains("a question")), "{there:?}");
}

async fn losses_are_answered_and_with_strict_handling_refused(db: Database) {
    let rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let server = rig.start();
    let mut body = task("For somebody");
    body["assignees"] = json!(["nobody-knows"]);
    let refused = server.post("/issues/", &body).header("Prefer", "handling=strict").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("/assignees"), &json!("dropped")), "{problem}");
    assert_eq!(rig.db.count("issues").await, 0);

    let rehearsed: Value = server.post("/issues?dry_run=true", &body).send().await.unwrap().json().await.unwrap();
    assert_eq!(rehearsed["dropped"][0]["field"], "assignees", "{rehearsed}");
    assert_eq!((&rehearsed["route"]["rule"], &rehearsed["route"]["to"][0]["backend"]), (&json!("default"), &json!("t0")));
    assert_eq!(rig.db.count("issues").await, 0);

    let filed: Value = server.post("/issues/", &body).send().await.unwrap().json().await.unwrap();
    assert_eq!((&filed["dropped"][0]["field"], &filed["dropped"][0]["backend"]), (&json!("assignees"), &json!("t0")), "{filed}");
    let timeline = get(&server, &format!("/issues/{}/timeline", filed["issue_id"].as_str().unwrap())).await;
    assert_eq!(timeline["items"][0]["route"]["dropped"][0]["field"], "assignees", "{timeline}");
}

async fn mirrors_hold_the_task_too_and_the_first_is_reported(db: Database) {
    let vendors = sim::ALL.iter().rev().map(|vendor| vendor()).collect();
    let rig = Rig::new(db, vendors).await;
    let server = rig.start();
    let issue = file(&server, &task("In all of them")).await;
    until_quiet(&server).await;
    for sim in &rig.sims {
        assert_eq!(titled(sim, "In all of them").len(), 1);
    }
    let shown = get(&server, &issue).await;
    assert_eq!(shown["backend"], rig.sims[0].vendor(|vendor| vendor.kind()).as_str());
    let linked = get(&server, &format!("{issue}/timeline")).await;
    let linked: Vec<&Value> = linked["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "linked").collect();
    assert_eq!(linked.len(), rig.sims.len());
    let first = linked.iter().find(|entry| entry["link"]["backend"] == "t0").unwrap();
    assert_eq!(first["link"]["url"], shown["url"]);
}

async fn a_refused_credential_pauses_its_tracker_until_the_secret_changes(db: Database) {
    let mut rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let file_of_token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file_of_token.path(), "an-old-one").unwrap();
    rig.unset("ISSUE_CORE__BACKENDS__T0__TOKEN");
    rig.set("ISSUE_CORE__BACKENDS__T0__TOKEN_FILE", file_of_token.path().to_str().unwrap());
    rig.set("ISSUE_CORE__AUTH__RELOAD_INTERVAL", "50ms");
    let server = rig.start();
    file(&server, &task("waits for a key")).await;
    eventually("it is paused", || async { get(&server, "/backends/t0").await["health"] == "paused" }).await;
    let text = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("issue_core_backend_paused{target=\"t0\"} 1"), "{text}");
    // It is paused before the message is back among those that wait.
    let is_back =
        async || get(&server, "/messages?target=t0").await["items"][0]["last_error"].as_str().is_some_and(|error| error.contains("401"));
    eventually("its message is back", is_back).await;
    let waiting = get(&server, "/messages?target=t0").await;
    assert_eq!(waiting["items"][0]["attempt"], 0, "no attempt is spent: {waiting}");
    let asked = rig.sims[0].asked();
    for n in 0..5 {
        file(&server, &task(&format!("more {n}"))).await;
    }
    assert_eq!(rig.sims[0].asked(), asked, "nothing is sent while it is paused");
    std::fs::write(file_of_token.path(), sim::SECRET).unwrap();
    until_quiet(&server).await;
    assert_eq!(rig.sims[0].issues().len(), 6);
    assert_eq!(get(&server, "/backends/t0").await["health"], "ok");
}

async fn a_limit_makes_everything_wait_and_spends_no_attempt(db: Database) {
    let rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    let server = rig.start();
    let reply = Reply::json(429, &json!({"message": "slow down"})).with("retry-after", "1");
    rig.sims[0].script([(At::Nth(0), Fault::Answers(reply))]);
    let began = Instant::now();
    let issue = file(&server, &task("limited")).await;
    eventually("it is limited", || async { get(&server, "/backends/t0").await["health"] == "limited" }).await;
    until_quiet(&server).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    let timeline = get(&server, &format!("{issue}/timeline")).await;
    let attempts: Vec<&Value> =
        timeline["items"][0]["deliveries"].as_array().unwrap().iter().filter(|delivery| delivery["target"] == "t0").collect();
    assert_eq!((attempts.len(), &attempts[0]["attempt"]), (1, &json!(1)), "{timeline}");
}

async fn a_hanging_tracker_delays_no_other_target(db: Database) {
    let mut rig = Rig::new(db, vec![sim::ALL[0](), sim::ALL[1]()]).await;
    rig.set("ISSUE_CORE__WORKER__BREAKER_PAUSE_MAX", "200ms");
    let server = rig.start();
    rig.sims[0].script([(At::Every, Fault::Hangs)]);
    let mut slowest = Duration::ZERO;
    for n in 0..40 {
        let began = Instant::now();
        file(&server, &task(&format!("task {n}"))).await;
        slowest = slowest.max(began.elapsed());
    }
    let began = Instant::now();
    eventually("the other one has them all", || async { rig.sims[1].issues().len() == 40 }).await;
    // The hanging one holds each of its calls for a second.
    assert!(slowest < Duration::from_millis(900), "a post took {slowest:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "the other tracker waited");
    assert_eq!(rig.sims[0].issues().len(), 0);
    rig.sims[0].script([]);
    until_quiet(&server).await;
    assert_eq!(rig.sims[0].issues().len(), 40);
}

async fn a_long_text_goes_on_in_comments(db: Database) {
    let mut rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    rig.set("ISSUE_CORE__BACKENDS__T0__BODY_LIMIT", "2000");
    let server = rig.start();
    let line = |n: usize| format!("line {n} {}\n", "x".repeat(60));
    let mut body = task("long");
    body["description"] = json!((0..60).map(line).collect::<String>());
    let filed: Value = server.post("/issues/", &body).send().await.unwrap().json().await.unwrap();
    assert_eq!(filed["degraded"][0]["field"], "description", "{filed}");
    let issue = format!("/issues/{}", filed["issue_id"].as_str().unwrap());
    act(&server, &format!("{issue}/comments"), json!({"body": "short"})).await;
    until_quiet(&server).await;
    let there = titled(&rig.sims[0], "long").remove(0);
    let whole: String = std::iter::once(&there.body).chain(there.comments.iter().map(|comment| &comment.text)).cloned().collect();
    assert!((0..60).all(|n| whole.contains(line(n).trim())), "{whole}");
    assert!(there.comments.iter().map(|comment| &comment.text).chain([&there.body]).all(|text| text.chars().count() <= 2000));
    let parts = there.comments.len() - 1;
    assert!(parts >= 2, "{there:?}");
    server.request(Method::PATCH, &issue).json(&json!({"description": "short now"})).send().await.unwrap();
    until_quiet(&server).await;
    let there = titled(&rig.sims[0], "long").remove(0);
    assert!(there.body.contains("short now") && there.comments.len() == 1, "{there:?}");
}

/// GitHub's own budget with its minute and its hour a twelfth as long. In any race, no stretch of a
/// window's length sees more than it allows; and they take as long as the answer says, and no
/// longer.
async fn three_replicas_keep_one_budget(db: Database) {
    const TASKS: usize = 200;
    let windows = [(80, TimeDelta::seconds(5)), (500, TimeDelta::minutes(5))];
    let github = sim::ALL.iter().map(|vendor| vendor()).find(|vendor| vendor.kind() == TrackerKind::GitHub).unwrap();
    let mut rig = Rig::new(db, vec![github]).await;
    rig.set("ISSUE_CORE__BACKENDS__T0__BUDGET", "80/5s,500/5m");
    let file = async |server: &Server, n: usize| server.post("/issues/", &task(&format!("task {n}"))).send().await.unwrap().status();
    let queue = rig.start_with(&["--no-worker"]);
    for some in (0..TASKS).collect::<Vec<_>>().chunks(20) {
        let filed = futures_util::future::join_all(some.iter().map(|n| file(&queue, *n))).await;
        assert!(filed.iter().all(StatusCode::is_success), "{filed:?}");
    }
    let spent = windows.map(|(writes, length)| (BudgetWindow { writes, length: length.to_std().unwrap() }, 0));
    let told = expected(&spent, TASKS as u64 - 1, DateTime::UNIX_EPOCH) - DateTime::UNIX_EPOCH;
    let servers = [rig.start(), rig.start(), rig.start()];
    eventually("all are there", || async { rig.sims[0].issues().len() == TASKS }).await;
    drop(servers);

    let made: Vec<_> = rig.sims[0].recorded().into_iter().filter(|recorded| recorded.creates).map(|recorded| recorded.at).collect();
    let permits = rig.db.moments("select at from spendings order by at").await;
    assert_eq!((made.len(), permits.len()), (TASKS, TASKS), "each of them was permitted, and made once");
    // What is permitted arrives later, on a busy machine much later: the tracker may see that much closer together.
    let late = made.iter().zip(&permits).map(|(made, permit)| *made - *permit);
    assert!(late.clone().all(|late| late >= TimeDelta::zero()), "none was sent before it was permitted");
    let late = late.max().unwrap();
    for (most, length) in windows {
        for (what, moments, length) in [("permitted", &permits, length), ("made", &made, length - late)] {
            let within = |first: &DateTime<Utc>| moments.iter().filter(|at| *at >= first && **at - *first < length).count();
            let seen = moments.iter().map(within).max().unwrap();
            assert!(seen <= most as usize, "{seen} were {what} within {length}");
        }
    }
    let took = made[TASKS - 1] - made[0];
    println!("{TASKS} took {took}, as is told: {told}; the latest came {late} after it was permitted");
    // As long again as one window for what a busy machine does with the last eighty.
    assert!(took >= told - late && took < told + windows[0].1 + late, "{TASKS} took {took}, and {told} is told");
}
