//! Events to NATS.

use issue_core::domain::event::Detail;
use issue_core::domain::{Event, EventKind, IssueId, IssueNumber, Notice, Origin, Snapshot, Verdict};
use issue_core::sink::EventSink as _;
use issue_core::sink::nats::NatsSink;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::nats::{Nats, NatsServer, header, within};

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
        detail: Detail {
            snapshot: Snapshot { title: "t".to_owned(), backend: "sqlite".to_owned(), url: None },
            changes: Vec::new(),
            reason: None,
            comment_id: None,
        },
    };
    Notice { event, number: IssueNumber(7), target_repo: Some("activity-core".to_owned()), origin: Origin::default() }
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
