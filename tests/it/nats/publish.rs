//! Events to NATS.

use issue_core::domain::event::EventDetail;
use issue_core::domain::{Event, EventKind, IssueId, IssueNumber, IssueSnapshot, Notice, TaskOrigin, Verdict};
use issue_core::sink::EventSink as _;
use issue_core::sink::nats::NatsSink;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::start;
use crate::support::database::Database;
use crate::support::nats::{Nats, NatsServer, header, within};
use crate::support::server::task;

crate::support::on_both_stores!(every_event_of_a_life_is_published_once_and_in_order_also_by_the_next_process);

async fn every_event_of_a_life_is_published_once_and_in_order_also_by_the_next_process(db: Database) {
    const LIVES: usize = 10;
    let nats = Nats::shared().await;
    let server = start(&db, &nats, &[]);
    for n in 0..LIVES {
        let mut body = task(&format!("life {n}"), "e1");
        body["review_required"] = json!(true);
        let created: Value = server.post("/issues/", &body).send().await.unwrap().json().await.unwrap();
        let id = created["issue_id"].as_str().unwrap();
        for (method, path, body) in [
            (Method::POST, "/review/approve", json!({})),
            (Method::PATCH, "", json!({"description": "x".repeat(700_000)})),
            (Method::PATCH, "", json!({"description": "y".repeat(700_000)})),
            (Method::POST, "/start", json!({})),
            (Method::POST, "/block", json!({"reason": "waits for a certificate"})),
            (Method::POST, "/unblock", json!({})),
            (Method::POST, "/comments", json!({"body": "a remark"})),
            (Method::POST, "/close", json!({})),
            (Method::POST, "/reopen", json!({})),
        ] {
            let answer = server.request(method, &format!("/issues/{id}{path}")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        }
    }
    drop(server);
    let _server = start(&db, &nats, &[]);

    let last = [
        "created",
        "review.pending",
        "review.decided",
        "updated",
        "updated",
        "started",
        "blocked",
        "unblocked",
        "commented",
        "closed",
        "reopened",
    ];
    let mut events = nats.events().await;
    let mut ids = std::collections::HashSet::new();
    let mut lives: std::collections::HashMap<i64, usize> = std::collections::HashMap::new();
    for _ in 0..LIVES * last.len() {
        let message = events.next().await;
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        let attributes = &event["attributes"];
        let place = lives.entry(attributes["number"].as_i64().unwrap()).or_default();
        assert_eq!(event["type"], format!("{}.task.{}", nats.events_prefix(), last[*place]));
        *place += 1;
        assert_eq!(attributes["sequence"], json!(*place), "in order, without a gap");
        assert_eq!((&attributes["target_repo"], &attributes["triggering_event_id"]), (&json!("activity-core"), &json!("e1")));
        assert!(header(&message, "traceparent").contains(attributes["trace_id"].as_str().unwrap()));
        assert!(ids.insert(event["id"].to_string()), "told twice");
    }
    assert_eq!(nats.told().await, u64::try_from(db.count("events").await).unwrap());
}

fn notice(kind: EventKind, seq: i64) -> Notice {
    let number = u128::try_from(seq).unwrap();
    let event = Event {
        issue_id: IssueId(Uuid::from_u128(1)),
        seq,
        id: Uuid::from_u128(100 + number),
        kind,
        actor: "default".to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        detail: EventDetail {
            snapshot: IssueSnapshot { title: "t".to_owned(), backend: "sqlite".to_owned(), url: None },
            changes: Vec::new(),
            reason: None,
            comment_id: None,
            route: None,
            link: None,
            from: None,
            conflict: None,
        },
    };
    Notice { event, number: IssueNumber(7), target_repo: Some("activity-core".to_owned()), origin: TaskOrigin::default() }
}

#[tokio::test]
async fn every_kind_is_acknowledged_on_its_subject_and_a_repeat_is_kept_once() {
    let nats = Nats::shared().await;
    nats.make_stream(nats.events_stream(), vec![format!("{}.>", nats.events_prefix())]).await;
    let sink = NatsSink::new(nats.jetstream.clone(), &nats.events_prefix());
    for (seq, kind) in (1..).zip(EventKind::ALL) {
        for _ in 0..2 {
            sink.publish(&notice(*kind, seq)).await.unwrap();
        }
    }
    let mut told = nats.read(&nats.events_stream(), &format!("{}.>", nats.events_prefix())).await;
    for (seq, kind) in (1..).zip(EventKind::ALL) {
        let message = told.next().await;
        let said: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(said["type"], message.subject.as_str());
        assert_eq!(said["id"], header(&message, "Nats-Msg-Id"));
        assert_eq!(said["attributes"]["event"], kind.as_str());
        assert_eq!(said["attributes"]["sequence"], json!(seq), "once each, in order");
        assert_eq!(header(&message, "traceparent"), notice(*kind, seq).event.trace.unwrap());
    }
}

#[tokio::test]
async fn what_nats_does_not_take_is_to_be_tried_again_and_says_why() {
    let nats = Nats::shared().await;
    let sink = NatsSink::new(nats.jetstream.clone(), &nats.events_prefix());
    within(nats.client.flush()).await.unwrap();
    let error = sink.publish(&notice(EventKind::Created, 1)).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Retry { after: None });
    assert!(error.message.contains("no stream keeps") && error.message.contains("nats.create_streams"), "{error}");

    let broker = NatsServer::prepare("");
    let nats = Nats::at(&broker.url()).await;
    let error = NatsSink::new(nats.jetstream.clone(), "x").publish(&notice(EventKind::Created, 1)).await.unwrap_err();
    assert_eq!((error.verdict, error.message.as_str()), (Verdict::Retry { after: None }, "NATS is not connected"));
}
