//! A party is away: NATS before and after the start, the store in the middle.

use std::net::SocketAddr;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{AGAIN, id, metric, start, start_at, until_metric};
use crate::support::database::{Database, Dialect, run};
use crate::support::nats::{Nats, NatsServer};
use crate::support::proxy::Proxy;
use crate::support::server::task;

const CONNECTED: &str = "issue_core_nats_connected";

#[tokio::test]
async fn nats_may_come_late_and_go_for_a_while_without_effect_over_http() {
    let db = Database::sqlite().await;
    let mut broker = NatsServer::prepare("");
    let nats = Nats::at(&broker.url()).await;
    let server = start(&db, &nats, &[]);
    let line = server.logged("no connection to NATS").await;
    assert!(line.contains("WARN") && line.contains("127.0.0.1") && line.contains("trying on in the background"), "{line}");
    assert_eq!(server.post("/issues/", &task("while NATS is away", "e")).send().await.unwrap().status(), StatusCode::CREATED);
    assert!(server.get("/readyz").send().await.unwrap().status().is_success());
    assert!(metric(&server, CONNECTED).await < 0.5);

    broker.start();
    until_metric(&server, CONNECTED, 1.0).await;
    server.logged("taking tasks from NATS").await;
    let (inbox, mut answers) = nats.inbox().await;
    for n in 0..50 {
        nats.publish("activity-core", &[("Reply-To", &inbox)], json!({"title": format!("before {n}")}).to_string()).await;
    }
    for _ in 0..50 {
        answers.next().await;
    }

    broker.stop();
    server.logged("the connection was lost").await;
    assert_eq!(server.post("/issues/", &task("while NATS is away again", "e")).send().await.unwrap().status(), StatusCode::CREATED);
    broker.start();
    until_metric(&server, CONNECTED, 1.0).await;
    let (inbox, mut answers) = nats.inbox().await;
    for n in 0..50 {
        nats.publish("activity-core", &[("Reply-To", &inbox)], json!({"title": format!("after {n}")}).to_string()).await;
    }
    for _ in 0..50 {
        answers.next().await;
    }
    nats.until_settled().await;
    assert_eq!(db.count("issues").await, 102);
}

// The proxy needs a thread while the start of the service holds this one.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_tasks_wait_and_are_filed_when_it_is_back() {
    run(Dialect::Postgres, async |db: Database| {
        let url = db.url();
        let place = url.split('@').nth(1).unwrap().split('/').next().unwrap();
        let target: SocketAddr = tokio::net::lookup_host(place).await.unwrap().next().unwrap();
        let door = Proxy::to(target).await;
        let nats = Nats::shared().await;
        nats.make_tasks_stream().await;
        let through_the_door = url.replace(place, &door.address.to_string());
        let server =
            start_at(&through_the_door, &nats, &[("ISSUE_CORE__DATABASE__ACQUIRE_TIMEOUT", "2s"), ("ISSUE_CORE__NATS__MAX_DELIVER", "3")]);
        server.logged("taking tasks from NATS").await;

        door.shut();
        let (inbox, mut answers) = nats.inbox().await;
        for n in 0..100 {
            nats.publish("activity-core", &[("Reply-To", &inbox)], json!({"title": format!("task {n}")}).to_string()).await;
        }
        until_metric(&server, AGAIN, 1.0).await;
        server.logged("no more are fetched until the store answers").await;
        door.open();
        server.logged("taking tasks from NATS again").await;
        let mut ids = std::collections::HashSet::new();
        // One that was in work when the door shut may be answered twice: it came again before its first attempt had failed.
        while ids.len() < 100 {
            let (answer, _): (Value, _) = answers.next().await;
            ids.insert(id(&answer).to_owned());
        }
        nats.until_settled().await;
        assert_eq!(db.count("issues").await, 100);
    })
    .await;
}

#[tokio::test]
async fn without_a_url_nothing_of_nats_is_there_and_the_settings_say_so() {
    let output = crate::support::server::binary().args(["config", "show"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("nats.url")).unwrap();
    assert!(line.contains("nothing is published on NATS or consumed from it") && line.contains("default"), "{line}");
    let output =
        crate::support::server::binary().args(["config", "show"]).env("NATS_URL", "nats://tok3n@a:4222,tls://u:p4ss@b").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("nats://***@a:4222,tls://***@b") && !text.contains("tok3n") && !text.contains("p4ss"), "{text}");
}
