//! Messages that can never be accepted: each ends on the dead subject with its reason, and none stops the others.

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::stream::Config;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{CREATED, DEAD, metric, start, until_metric};
use crate::support::database::Database;
use crate::support::nats::{Nats, header, within};
use crate::support::server::task;

crate::support::on_both_stores!(bad_messages_die_with_their_reason_and_the_good_ones_between_them_are_filed);

async fn bad_messages_die_with_their_reason_and_the_good_ones_between_them_are_filed(db: Database) {
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[("ISSUE_CORE__NATS__CONCURRENCY", "1")]);
    let many_labels: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(100))).collect();
    let key = ("Idempotency-Key", "k");
    // Subject, headers, body, the reason's word, the first fault.
    let bad = [
        ("activity-core", vec![], "{\"title\":".to_owned(), "malformed", None),
        ("activity-core", vec![], String::new(), "malformed", None),
        ("activity-core", vec![], "\u{1}\u{2}".to_owned(), "malformed", None),
        ("activity-core", vec![], "[\"a title\"]".to_owned(), "invalid", Some(("", "wrong_type"))),
        ("activity-core", vec![], json!({"title": 7}).to_string(), "invalid", Some(("/title", "wrong_type"))),
        ("activity-core", vec![], json!({"title": "t", "labels": many_labels}).to_string(), "invalid", Some(("/labels/0", "too_long"))),
        ("other-repo", vec![], task("contradiction", "e").to_string(), "invalid", Some(("/target_repo", "contradiction"))),
        ("a.$b", vec![], json!({"title": "t"}).to_string(), "invalid", Some(("/target_repo", "not_a_slug"))),
        (
            "activity-core",
            vec![("Idempotency-Key", "")],
            json!({"title": "t"}).to_string(),
            "invalid",
            Some(("Idempotency-Key", "invalid_header")),
        ),
        ("activity-core", vec![key], json!({"title": "another"}).to_string(), "idempotency_key_reused", None),
    ];
    let (inbox, mut answers) = nats.inbox().await;
    nats.publish("activity-core", &[key], json!({"title": "first"}).to_string()).await;
    for (n, (repo, headers, body, ..)) in bad.iter().enumerate() {
        let mut headers = headers.clone();
        headers.extend([("Reply-To", inbox.as_str()), ("X-Of-The-Sender", "kept")]);
        nats.publish(repo, &headers, body.as_bytes()).await;
        nats.publish("activity-core", &[], json!({"title": format!("good {n}")}).to_string()).await;
    }

    let mut dead = nats.dead().await;
    for (repo, _, body, code, fault) in &bad {
        let message = dead.next().await;
        assert_eq!(header(&message, "Issue-Core-Code"), *code, "{body}");
        assert_eq!(message.subject.as_str(), format!("{}.dead.{repo}", nats.tasks_prefix()));
        assert_eq!(header(&message, "Issue-Core-Subject"), nats.create_subject(repo));
        assert_eq!(header(&message, "Issue-Core-Deliveries"), "1");
        assert_eq!(header(&message, "X-Of-The-Sender"), "kept");
        assert!(!header(&message, "Issue-Core-Detail").is_empty());
        assert_eq!(message.payload, body.as_bytes());
        assert!(message.headers.as_ref().unwrap().get("Reply-To").is_none());
        if let Some((pointer, word)) = fault {
            let errors: Value = serde_json::from_str(header(&message, "Issue-Core-Errors")).unwrap();
            assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&json!(pointer), &json!(word)), "{body}");
        }
        let (answer, _) = answers.next().await;
        assert_eq!(answer["code"], *code, "{answer}");
    }
    nats.until_settled().await;
    assert_eq!(db.count("issues").await, 1 + i64::try_from(bad.len()).unwrap());
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let expected = bad.len() as f64;
    assert!((metric(&server, DEAD).await - expected).abs() < 0.1);
    assert!((metric(&server, CREATED).await - expected - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn a_dead_message_that_does_not_fit_beside_its_reason_is_named_instead() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let _server = start(&db, &nats, &[]);
    let largest = nats.client.server_info().max_payload;
    let body = format!("[{}]", " ".repeat(largest - 100));
    let sequence = nats.publish("activity-core", &[], body).await;
    let message = nats.dead().await.next().await;
    assert_eq!(header(&message, "Issue-Core-Code"), "invalid");
    assert!(header(&message, "Issue-Core-Body").contains(&format!("message {sequence} of stream {}", nats.tasks_stream())));
    assert!(message.payload.is_empty());
    nats.until_settled().await;
}

#[tokio::test]
async fn while_the_dead_subject_takes_nothing_the_message_is_kept() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    let server = start(&db, &nats, &[]);
    nats.publish("activity-core", &[], json!({"title": "so that it is at work"}).to_string()).await;
    until_metric(&server, CREATED, 1.0).await;
    let stream = |subjects: Vec<String>| Config { name: nats.tasks_stream(), subjects, ..Config::default() };
    nats.jetstream.update_stream(stream(vec![format!("{}.create.>", nats.tasks_prefix())])).await.unwrap();
    nats.publish("activity-core", &[], "{").await;
    server.logged("the dead subject does not take the message").await;
    nats.publish("activity-core", &[], json!({"title": "not held up"}).to_string()).await;
    until_metric(&server, CREATED, 2.0).await;
    nats.jetstream.update_stream(stream(vec![format!("{}.>", nats.tasks_prefix())])).await.unwrap();
    assert_eq!(header(&nats.dead().await.next().await, "Issue-Core-Code"), "malformed");
    nats.until_settled().await;
}

#[tokio::test]
async fn a_message_that_was_never_finished_dies_after_its_last_attempt_without_another() {
    let db = Database::sqlite().await;
    let nats = Nats::shared().await;
    nats.make_tasks_stream().await;
    // As if the service had been killed by it twice: delivered, and neither finished nor given back.
    let config = pull::Config {
        durable_name: Some("issue-core".to_owned()),
        filter_subject: format!("{}.create.>", nats.tasks_prefix()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    let consumer: Consumer<pull::Config> = nats.jetstream.create_consumer_on_stream(config, nats.tasks_stream()).await.unwrap();
    nats.publish("activity-core", &[], json!({"title": "poison"}).to_string()).await;
    for _ in 0..2 {
        let mut batch = consumer.batch().max_messages(1).messages().await.unwrap();
        within(batch.next()).await.unwrap().unwrap().ack_with(AckKind::Nak(None)).await.unwrap();
    }
    let _server = start(&db, &nats, &[("ISSUE_CORE__NATS__MAX_DELIVER", "2")]);
    let dead = nats.dead().await.next().await;
    assert_eq!(header(&dead, "Issue-Core-Code"), "retries_exhausted");
    assert_eq!(header(&dead, "Issue-Core-Deliveries"), "3");
    assert_eq!(db.count("issues").await, 0);
}
