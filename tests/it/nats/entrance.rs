//! Tasks from NATS: the same task as over HTTP, created once on any way.

use std::collections::{HashMap, HashSet};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{CREATED, id, start, until_metric};
use crate::support;
use crate::support::database::Database;
use crate::support::nats::{Nats, header, to_headers, within};
use crate::support::server::{KEY, Server, client, task};

crate::support::on_both_stores!(
    a_task_is_filed_and_its_sender_is_answered_like_over_http,
    five_hundred_tasks_twice_over_http_and_twice_over_nats_at_once_are_five_hundred_issues,
    killed_while_it_takes_a_thousand_tasks_it_files_each_of_them_once,
);

async fn a_task_is_filed_and_its_sender_is_answered_like_over_http(db: Database) {
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[]);
    let (inbox, mut answers) = nats.inbox().await;
    let body = task("Flag stale SBOM", "e1");

    nats.publish("activity-core", &[("Reply-To", &inbox)], body.to_string()).await;
    let (first, headers) = answers.next().await;
    assert_eq!(first, json!({"issue_id": id(&first), "issue_url": null, "backend": db.dialect()}));
    assert!(headers.is_none_or(|headers| headers.get("Idempotency-Replayed").is_none()));

    let over_http = server.post("/issues/", &body).send().await.unwrap();
    assert_eq!(over_http.status(), StatusCode::OK, "filed before, over NATS");
    assert_eq!(over_http.json::<Value>().await.unwrap(), first);

    nats.publish("activity-core", &[("Reply-To", &inbox)], body.to_string()).await;
    let (again, headers) = answers.next().await;
    assert_eq!(again, first);
    assert_eq!(headers.unwrap().get("Idempotency-Replayed").unwrap().as_str(), "true");

    // A request to a subject that a stream keeps is first answered by the stream; ours comes after it, into the same inbox.
    let subject = nats.create_subject("activity-core");
    nats.client
        .publish_with_reply_and_headers(subject, inbox.clone(), to_headers(&[("Reply-To", &inbox)]), body.to_string().into())
        .await
        .unwrap();
    let (kept, _) = answers.next().await;
    assert_eq!(kept["stream"], nats.tasks_stream());
    assert_eq!(answers.next().await.0, first);
    assert_eq!(db.count("issues").await, 1);

    let issue: Value = server.get(&format!("/issues/{}", id(&first))).send().await.unwrap().json().await.unwrap();
    assert_eq!((&issue["title"], &issue["target_repo"]), (&json!("Flag stale SBOM"), &json!("activity-core")));
}

const TASKS: usize = 500;

/// The first half has a natural key, the second a key in a header and no natural one.
fn numbered(n: usize) -> (Value, Option<String>) {
    let mut body = task(&format!("task {n}"), "run-1");
    if n < TASKS / 2 {
        return (body, None);
    }
    body["triggering_event_id"] = Value::Null;
    (body, Some(format!("key-{n}")))
}

async fn five_hundred_tasks_twice_over_http_and_twice_over_nats_at_once_are_five_hundred_issues(db: Database) {
    let nats = std::sync::Arc::new(Nats::shared().await);
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[]);
    let (inbox, mut answers) = nats.inbox().await;

    let over_http: Vec<_> = (0..8).map(|lane| support::start(post_lane(server.base.clone(), lane))).collect();
    let publisher = nats.clone();
    let over_nats = support::start(async move {
        for n in (0..2 * TASKS).map(|n| n / 2) {
            let (body, key) = numbered(n);
            let mut headers = vec![("Reply-To", inbox.as_str())];
            // As a sender's own name for the message, which a stream forgets after a while; or as HTTP calls it.
            headers.extend(key.as_deref().map(|key| (if n % 2 == 0 { "Nats-Msg-Id" } else { "idempotency-key" }, key)));
            publisher.publish("activity-core", &headers, body.to_string()).await;
        }
    });

    let mut ids: HashMap<usize, HashSet<String>> = HashMap::new();
    for lane in over_http {
        for (n, id) in within(lane).await.unwrap() {
            ids.entry(n).or_default().insert(id);
        }
    }
    within(over_nats).await.unwrap();
    nats.until_settled().await;
    assert_eq!(ids.len(), TASKS);
    assert!(ids.values().all(|ids| ids.len() == 1), "a task has two issues");
    let known: HashSet<&String> = ids.values().flatten().collect();
    // The stream itself drops the repeats of a quarter of the tasks, by their `Nats-Msg-Id`.
    for _ in 0..2 * TASKS - TASKS / 4 {
        let (answer, _) = answers.next().await;
        assert!(known.contains(&id(&answer).to_owned()), "{answer} is not what HTTP was told");
    }
    assert_eq!(db.count("issues").await, i64::try_from(TASKS).unwrap());
    assert_eq!(db.count("events").await, i64::try_from(TASKS).unwrap());
}

/// Every eighth task, each twice.
async fn post_lane(base: String, lane: usize) -> Vec<(usize, String)> {
    let client = client();
    let mut ids = Vec::new();
    for n in (0..TASKS).filter(|n| n % 8 == lane).flat_map(|n| [n, n]) {
        let (body, key) = numbered(n);
        let mut request = client.post(format!("{base}/issues/")).bearer_auth(KEY).json(&body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        ids.push((n, id(&answer.json().await.unwrap()).to_owned()));
    }
    ids
}

async fn killed_while_it_takes_a_thousand_tasks_it_files_each_of_them_once(db: Database) {
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let mut sent = HashSet::new();
    for n in 0..1000 {
        let mut body = task(&format!("task {n}"), "run-1");
        if n % 2 == 0 {
            // No key at all: only the message's position in its stream distinguishes a redelivery
            // from a new task.
            body["triggering_event_id"] = Value::Null;
        }
        nats.publish("activity-core", &[], body.to_string()).await;
        sent.insert(format!("task {n}"));
    }
    for kill_at in [1.0, 150.0, 150.0] {
        let mut server = start(&db, &nats, &[]);
        until_metric(&server, CREATED, kill_at).await;
        server.kill();
    }
    let server = start(&db, &nats, &[]);
    nats.until_settled().await;
    assert_eq!(db.count("issues").await, 1000);
    assert_eq!(titles(&server).await, sent);

    // And each creation was published once, for any death of the process.
    let (mut told, mut events) = (HashSet::new(), nats.events().await);
    for _ in 0..1000 {
        let event: Value = serde_json::from_slice(&events.next().await.payload).unwrap();
        assert_eq!(event["attributes"]["event"], "created");
        told.insert(event["attributes"]["issue_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((told.len(), nats.told().await), (1000, 1000));
}

async fn titles(server: &Server) -> HashSet<String> {
    let mut titles = HashSet::new();
    for number in 1..=1000 {
        let issue: Value = server.get(&format!("/issues/{number}")).send().await.unwrap().json().await.unwrap();
        titles.insert(issue["title"].as_str().unwrap_or_else(|| panic!("{issue}")).to_owned());
    }
    titles
}

#[tokio::test]
async fn only_the_repositories_named_are_served_and_other_verbs_are_left_alone() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[("ISSUE_CORE__NATS__REPOS", "activity-core, site.example.org")]);
    let (inbox, mut answers) = nats.inbox().await;
    let body = |title: &str| json!({"title": title}).to_string();
    nats.publish("other", &[("Reply-To", &inbox)], body("not ours")).await;
    for verb in ["update", "close"] {
        let subject = format!("{}.{verb}.activity-core", nats.tasks_prefix());
        nats.jetstream.publish(subject, body("reserved").into()).await.unwrap().await.unwrap();
    }
    nats.publish("activity-core", &[("Reply-To", &inbox)], body("a")).await;
    nats.publish("site.example.org", &[("Reply-To", &inbox)], body("b")).await;
    let mut repos = HashSet::new();
    for _ in 0..2 {
        let (answer, _) = answers.next().await;
        let issue: Value = server.get(&format!("/issues/{}", id(&answer))).send().await.unwrap().json().await.unwrap();
        repos.insert((issue["title"].to_string(), issue["target_repo"].to_string()));
    }
    let pair = |title: &str, repo: &str| (format!("{title:?}"), format!("{repo:?}"));
    assert_eq!(repos, HashSet::from([pair("a", "activity-core"), pair("b", "site.example.org")]));
    assert_eq!(db.count("issues").await, 2);
}

#[tokio::test]
async fn at_a_stop_it_finishes_what_it_began_and_leaves_the_rest_to_the_next() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    for n in 0..400 {
        nats.publish("activity-core", &[], json!({"title": format!("task {n}")}).to_string()).await;
    }
    let mut server = start(&db, &nats, &[("ISSUE_CORE__NATS__CONCURRENCY", "8"), ("ISSUE_CORE__NATS__ACK_WAIT", "1h")]);
    until_metric(&server, CREATED, 1.0).await;
    server.signal("TERM");
    assert!(server.wait().success());
    let done = db.count("issues").await;
    assert!((1..400).contains(&done), "{done} were done before it stopped");
    let unsettled = nats.unsettled().await;
    assert_eq!(unsettled, 400 - u64::try_from(done).unwrap(), "each is either filed and acknowledged, or neither");
    // Nothing waits for its acknowledgement to be missed: what had only arrived was given back.
    let server = start(&db, &nats, &[("ISSUE_CORE__NATS__ACK_WAIT", "1h")]);
    nats.until_settled().await;
    drop(server);
    assert_eq!(db.count("issues").await, 400);
}

#[tokio::test]
async fn the_trace_of_the_sender_is_in_the_dead_message_and_the_log() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[]);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    nats.publish("activity-core", &[("traceparent", traceparent)], "{").await;
    let dead = nats.dead().await.next().await;
    assert_eq!(header(&dead, "traceparent"), traceparent);
    assert!(server.logged("can never be accepted").await.contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}
