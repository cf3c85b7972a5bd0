//! State Hub over the real binary: it receives every event once, in order, for any fault of its
//! own; and no request waits for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::hub::{Hub, Mood, Told};
use crate::support::server::{Server, binary, task};

crate::support::on_both_stores!(
    the_hub_receives_every_step_in_order_with_the_callers_trace,
    a_moody_hub_receives_everything_once_and_in_order,
    what_the_hub_knows_already_counts_as_delivered,
    what_the_hub_refuses_is_a_dead_letter_until_an_operator_retries_it,
    a_dead_hub_costs_a_probe_now_and_then_and_makes_nothing_unready,
    a_hanging_hub_delays_no_post,
    without_a_hub_nothing_is_written_for_one,
    other_processes_do_the_work_where_serve_does_not,
    a_worker_asked_for_one_round_does_all_that_is_due_and_ends,
    a_stopped_process_leaves_no_lease_behind,
);

/// Quick to retry, so that no test waits.
const QUICK: &[(&str, &str)] = &[
    ("ISSUE_CORE__WORKER__RETRY_BASE", "20ms"),
    ("ISSUE_CORE__WORKER__RETRY_MAX", "100ms"),
    ("ISSUE_CORE__WORKER__BREAKER_PAUSE", "50ms"),
    ("ISSUE_CORE__WORKER__BREAKER_PAUSE_MAX", "200ms"),
    ("ISSUE_CORE__WORKER__POLL", "100ms"),
];

pub(super) fn with_hub<'a>(hub: &'a Hub, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("STATE_HUB_URL", hub.url.as_str())], QUICK, more].concat()
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.post(path, &body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap_or_default()
}

async fn file(server: &Server, n: usize) -> String {
    post(server, "/issues/", task(&format!("task {n}"), "e")).await["issue_id"].as_str().unwrap().to_owned()
}

async fn messages(server: &Server, query: &str) -> Vec<Value> {
    let page: Value = server.get(&format!("/messages{query}")).send().await.unwrap().json().await.unwrap();
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

/// Checks again until it holds: the end of a message is written a moment after the hub has received
/// it.
async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within 30 seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_empty(server: &Server) {
    eventually("the queue is empty", || async { messages(server, "").await.is_empty() }).await;
}

/// Each issue's events arrived in the order they happened.
pub(super) fn assert_in_order(told: &[Told]) {
    let mut last = std::collections::HashMap::new();
    for told in told {
        let (issue, seq) = (told.body["detail"]["issue_id"].to_string(), told.body["detail"]["event_seq"].as_i64().unwrap());
        let before = last.insert(issue.clone(), seq).unwrap_or(0);
        assert!(before < seq, "issue {issue}: event {seq} after event {before}");
    }
}

async fn the_hub_receives_every_step_in_order_with_the_callers_trace(db: Database) {
    let hub = Hub::start().await;
    let topic = "0190163d-8694-739b-aea5-966c26f8ad91";
    let topics = format!("activity-core={topic}");
    let workstream = "0190163d-8694-739b-aea5-966c26f8ad92";
    let variables = with_hub(
        &hub,
        &[
            ("ISSUE_CORE__STATE_HUB__TOKEN", "hub-key"),
            ("ISSUE_CORE__STATE_HUB__TOPICS", &topics),
            ("ISSUE_CORE__STATE_HUB__WORKSTREAM_ID", workstream),
        ],
    );
    let server = Server::start_with(&db.url(), &variables);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let created = server.post("/issues/", &task("Flag stale SBOM", "e")).header("traceparent", traceparent).send().await.unwrap();
    let id = created.json::<Value>().await.unwrap()["issue_id"].as_str().unwrap().to_owned();
    for (act, body) in [
        ("start", json!({})),
        ("block", json!({"reason": "waits\nfor a key"})),
        ("unblock", json!({})),
        ("close", json!({})),
        ("reopen", json!({})),
    ] {
        post(&server, &format!("/issues/{id}/{act}"), body).await;
    }
    let reviewed = post(&server, "/issues/", json!({"title": "Check me", "review_required": true})).await;
    post(&server, &format!("/issues/{}/review/approve", reviewed["issue_id"].as_str().unwrap()), json!({})).await;
    hub.until_told(9).await;
    let told = hub.told();
    let of = |issue: &str| told.iter().filter(|told| told.body["detail"]["issue_id"] == issue).cloned().collect::<Vec<_>>();
    let words = |told: &[Told]| told.iter().map(|told| told.body["event_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(words(&of(&id)), ["issue_created", "issue_started", "issue_blocked", "issue_unblocked", "issue_closed", "issue_reopened"]);
    assert_eq!(words(&of(reviewed["issue_id"].as_str().unwrap())), ["issue_created", "issue_review_pending", "issue_review_decided"]);
    let first = &of(&id)[0];
    assert_eq!(first.body["summary"], "#1 created: Flag stale SBOM (activity-core)");
    assert_eq!(first.body["detail"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&first.body["topic_id"], &first.body["workstream_id"]), (&json!(topic), &json!(workstream)));
    assert_eq!(first.headers["authorization"], "Bearer hub-key");
    assert_eq!(first.key, format!("issue-core:{}", first.body["detail"]["event_id"].as_str().unwrap()));
    assert_eq!(of(&id)[2].body["detail"]["reason"], "waits\nfor a key");
    assert_eq!(of(reviewed["issue_id"].as_str().unwrap())[0].body.get("topic_id"), None, "only for its repo");
    assert_eq!(hub.faults(), [""; 0]);
    until_empty(&server).await;
    let text = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("issue_core_deliveries_total{kind=\"publish\",outcome=\"delivered\",target=\"state_hub\"} 9"), "{text}");
}

async fn a_moody_hub_receives_everything_once_and_in_order(db: Database) {
    let hub = Hub::start().await;
    hub.mood(Mood::Moody);
    let server = Server::start_with(&db.url(), &with_hub(&hub, &[]));
    for n in 0..20 {
        let id = file(&server, n).await;
        post(&server, &format!("/issues/{id}/start"), json!({})).await;
        post(&server, &format!("/issues/{id}/close"), json!({})).await;
    }
    hub.until_told(60).await;
    until_empty(&server).await;
    assert_eq!((hub.told().len(), hub.faults()), (60, Vec::new()));
    assert!(hub.repeats() > 0, "an answer that was lost makes a repeat");
    assert_in_order(&hub.told());
}

async fn what_the_hub_knows_already_counts_as_delivered(db: Database) {
    let hub = Hub::start().await;
    hub.mood(Mood::Refusing(503, None));
    let server = Server::start_with(&db.url(), &with_hub(&hub, &[]));
    let id = file(&server, 1).await;
    hub.until_called(1).await;
    let issue = issue_core::domain::IssueId(id.parse().unwrap());
    let event = db.open().await.events(issue, 0, 1).await.unwrap().remove(0);
    hub.knows(&format!("issue-core:{}", event.id));
    hub.mood(Mood::Well);
    until_empty(&server).await;
    assert!(hub.repeats() > 0);
    let timeline: Value = server.get(&format!("/issues/{id}/timeline")).send().await.unwrap().json().await.unwrap();
    let attempts = timeline["items"][0]["deliveries"].as_array().unwrap();
    assert_eq!((&attempts[0]["outcome"], &attempts[0]["target"]), (&json!("failed"), &json!("state_hub")));
    assert!(attempts[0]["error"].as_str().unwrap().contains("503"), "{timeline}");
    assert_eq!(attempts.last().unwrap()["outcome"], "delivered");
}

async fn what_the_hub_refuses_is_a_dead_letter_until_an_operator_retries_it(db: Database) {
    let hub = Hub::start().await;
    hub.mood(Mood::Refusing(400, None));
    // Without a key everybody is an operator.
    let mut command = binary();
    command.arg("serve").env("DATABASE_URL", db.url()).envs(with_hub(&hub, &[]));
    let server = Server::spawn(command);
    for n in 0..3 {
        file(&server, n).await;
    }
    eventually("three dead letters", || async { messages(&server, "?state=dead").await.len() == 3 }).await;
    let dead = messages(&server, "?state=dead&target=state_hub&kind=publish&limit=2").await;
    assert_eq!(dead.len(), 2);
    assert!(dead[0]["last_error"].as_str().unwrap().contains("State Hub answered 400"), "{dead:?}");
    assert_eq!((&dead[0]["attempt"], &dead[0]["next_attempt_at"]), (&json!(1), &Value::Null));
    assert_eq!(messages(&server, "?state=pending").await.len() + messages(&server, "?state=retrying").await.len(), 0);

    hub.mood(Mood::Well);
    let path = format!("/messages/{}", dead[0]["id"]);
    let retried = server.post(&format!("{path}/retry"), &json!({})).send().await.unwrap();
    assert_eq!(retried.status(), 202);
    hub.until_told(1).await;
    let blank = server.post(&format!("/messages/{}/discard", dead[1]["id"]), &json!({"reason": " "})).send().await.unwrap();
    assert_eq!(blank.status(), 422);
    let gone = server.post(&format!("/messages/{}/discard", dead[1]["id"]), &json!({"reason": "not needed"})).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    let again = server.post(&format!("/messages/{}/discard", dead[1]["id"]), &json!({"reason": "not needed"})).send().await.unwrap();
    assert_eq!(again.status(), 404);
    let all = post(&server, "/messages/retry", json!({"kind": "publish", "target": "state_hub"})).await;
    assert_eq!(all["retried"], 1);
    hub.until_told(2).await;
    until_empty(&server).await;
    let wrong = server.get("/messages?state=lost").send().await.unwrap();
    assert_eq!(wrong.status(), 422);
}

async fn a_dead_hub_costs_a_probe_now_and_then_and_makes_nothing_unready(db: Database) {
    let hub = Hub::start().await;
    hub.mood(Mood::Refusing(503, None));
    let slow_probes = [
        ("ISSUE_CORE__WORKER__BREAKER_PAUSE", "400ms"),
        ("ISSUE_CORE__WORKER__BREAKER_PAUSE_MAX", "400ms"),
        ("ISSUE_CORE__WORKER__CONCURRENCY", "4"),
    ];
    let server = Server::start_with(&db.url(), &with_hub(&hub, &slow_probes));
    let posts = (0..300).map(|n| file(&server, n));
    futures_util::future::join_all(posts).await;
    hub.until_called(10).await;
    let ready = server.get("/readyz?verbose").send().await.unwrap();
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["targets"][0]["target"], "state_hub");
    assert_ne!(ready["targets"][0]["breaker"], "closed", "{ready}");
    assert!(hub.calls() < 30, "{} calls for 300 messages: attempts were burnt", hub.calls());
    let tried = messages(&server, "?state=retrying&limit=200").await;
    assert!(tried.len() <= hub.calls());

    hub.mood(Mood::Well);
    hub.until_told(300).await;
    until_empty(&server).await;
    let ready: Value = server.get("/readyz?verbose").send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["targets"][0]["breaker"], "closed");
}

async fn a_hanging_hub_delays_no_post(db: Database) {
    const ROUNDS: usize = 60;
    let hub = Hub::start().await;
    hub.mood(Mood::Hanging);
    let other = Database::sqlite().await;
    let without = Server::start(&if db.dialect() == "sqlite" { other.url() } else { db.url() });
    let with = Server::start_with(&db.url(), &with_hub(&hub, &[]));
    let mut times = [Vec::new(), Vec::new()];
    // By turns, so that other load of the machine affects both.
    for n in 0..ROUNDS {
        for (side, server) in [&without, &with].into_iter().enumerate() {
            let began = Instant::now();
            file(server, n * 2 + side).await;
            times[side].push(began.elapsed());
        }
    }
    hub.until_called(1).await;
    let [without, with] = times.map(|mut times| {
        times.sort();
        times[ROUNDS / 2]
    });
    assert!(with < without * 3 + Duration::from_millis(5), "median {with:?} with a hanging hub, {without:?} without one");
    assert!(hub.told().is_empty());
}

async fn without_a_hub_nothing_is_written_for_one(db: Database) {
    let server = Server::start(&db.url());
    file(&server, 1).await;
    assert!(messages(&server, "").await.is_empty());
    assert_eq!(db.count("messages").await + db.count("deliveries").await, 0);
    let ready: Value = server.get("/readyz?verbose").send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["targets"], json!([]));
    let shown = binary().args(["config", "show"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.lines().any(|line| line.starts_with("state_hub.url") && line.contains("off: State Hub is told nothing")), "{shown}");
}

async fn other_processes_do_the_work_where_serve_does_not(db: Database) {
    let hub = Hub::start().await;
    // With this poll only a notification can wake the worker in time (on SQLite there is none, and
    // it must poll).
    let poll = if db.dialect() == "sqlite" { "50ms" } else { "60s" };
    let variables = with_hub(&hub, &[("ISSUE_CORE__WORKER__POLL", poll)]);
    let mut command = binary();
    command.args(["serve", "--no-worker"]).env("DATABASE_URL", db.url()).envs(variables.clone());
    let server = Server::spawn(command);
    file(&server, 0).await;
    assert_eq!(messages(&server, "?state=pending&kind=dispatch").await.len(), 1);
    let mut command = binary();
    command.arg("worker").env("DATABASE_URL", db.url()).env("ISSUE_CORE__WORKER__BIND", "127.0.0.1:0").envs(variables);
    let worker = Server::spawn(command);
    hub.until_told(1).await;
    for n in 1..5 {
        let began = Instant::now();
        file(&server, n).await;
        hub.until_told(n + 1).await;
        assert!(began.elapsed() < Duration::from_secs(20), "nobody called the worker");
    }
    assert_eq!(worker.get("/readyz").send().await.unwrap().status(), 200);
    assert!(worker.get("/metrics").send().await.unwrap().text().await.unwrap().contains("issue_core_deliveries_total"));
    assert_eq!(worker.get("/issues/1").send().await.unwrap().status(), 404);
}

async fn a_worker_asked_for_one_round_does_all_that_is_due_and_ends(db: Database) {
    let hub = Hub::start().await;
    let mut command = binary();
    command.args(["serve", "--no-worker"]).env("DATABASE_URL", db.url()).envs(with_hub(&hub, &[]));
    let server = Server::spawn(command);
    for n in 0..10 {
        file(&server, n).await;
    }
    let mut command = binary();
    command.args(["worker", "--once"]).env("DATABASE_URL", db.url()).envs(with_hub(&hub, &[]));
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!((hub.told().len(), db.count("messages").await), (10, 0));
}

async fn a_stopped_process_leaves_no_lease_behind(db: Database) {
    let hub = Hub::start().await;
    hub.mood(Mood::Slow(Duration::from_millis(300)));
    let few = [("ISSUE_CORE__WORKER__CONCURRENCY", "2")];
    let mut server = Server::start_with(&db.url(), &with_hub(&hub, &few));
    futures_util::future::join_all((0..20).map(|n| file(&server, n))).await;
    hub.until_called(3).await;
    server.signal("TERM");
    // Beside this task, which is the hub as well.
    assert!(tokio::task::spawn_blocking(move || server.wait()).await.unwrap().success());
    let told = hub.told().len();
    assert!((1..20).contains(&told), "{told} were told");
    assert_eq!(db.number("select count(*) from messages where leased_until is not null").await, 0);
    assert_eq!(db.number("select count(*) from messages where attempt > 0").await, 0);
    assert_eq!(usize::try_from(db.count("messages").await).unwrap(), 20 - told, "what was in flight was finished, the rest is still there");
}
