//! A reader that holds a transaction open keeps every deleted message from being cleaned away. Delivery must not care.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use issue_core::clock::Clock;
use issue_core::domain::{Change, IssueId, IssueWrite, MessageKind, NewMessage, QueuePosition};
use issue_core::store::Store;
use issue_core::store::queue::LeaseRequest;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::state_hub::with_hub;
use crate::support::database::{self, Database, Dialect};
use crate::support::hub::Hub;
use crate::support::server::{Server, task};

/// Sees the database as it is now until it is dropped.
async fn reader(db: &Database) -> PgConnection {
    let mut connection = PgConnection::connect_with(&db.connect_options()).await.unwrap();
    for statement in ["begin isolation level repeatable read", "select count(*) from messages"] {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    connection
}

fn wish<'a>(now: DateTime<Utc>, since: Option<QueuePosition>) -> LeaseRequest<'a> {
    LeaseRequest { target: "a", now, since, lease: Duration::from_mins(1), limit: 1000, token: Clock::System.stamp().id }
}

async fn claim_time(store: &dyn Store, since: Option<QueuePosition>) -> Duration {
    let mut times = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        assert!(store.lease_messages(&wish(Clock::System.now(), since)).await.unwrap().leases.is_empty());
        times.push(began.elapsed());
    }
    times.sort();
    times[4]
}

#[tokio::test]
async fn a_claim_from_the_mark_steps_over_nothing_that_was_done_even_if_all_was_due_at_one_moment() {
    database::run(Dialect::Postgres, |db| async move {
        let store = db.open().await;
        let due_at = Clock::System.now();
        let message = |_| NewMessage {
            kind: MessageKind::Publish,
            target: "a".to_owned(),
            issue_id: IssueId(Clock::System.stamp().id),
            event_seq: 1,
            due_at,
            trace: None,
        };
        let messages = (0..20_000).map(message).collect();
        let change = Change { messages, ..Change::of(IssueWrite::None) };
        store.commit(&[change]).await.unwrap();
        let _reader = reader(&db).await;
        let mut mark = QueuePosition::BEGINNING;
        loop {
            let now = Clock::System.now();
            let leases = store.lease_messages(&wish(now, None)).await.unwrap().leases;
            if leases.is_empty() {
                break;
            }
            let last = leases.iter().map(|lease| QueuePosition { due_at: lease.message.due_at, id: lease.message.id }).max();
            mark = mark.max(last.unwrap());
            let settled: Vec<_> = leases.iter().map(|lease| Change::settling(lease.settle(None, now), Vec::new())).collect();
            store.commit(&settled).await.unwrap();
        }
        assert_eq!(db.count("messages").await, 0);
        let from_the_mark = claim_time(&*store, Some(mark)).await;
        let from_the_beginning = claim_time(&*store, None).await;
        assert!(from_the_mark * 3 < from_the_beginning, "{from_the_mark:?} from the mark, {from_the_beginning:?} from the beginning");
    })
    .await;
}

#[tokio::test]
async fn everything_is_published_while_a_reader_holds_its_transaction_open() {
    database::run(Dialect::Postgres, |db| async move {
        let hub = Hub::start().await;
        let _reader = reader(&db).await;
        let server = Server::start_with(&db.url(), &with_hub(&hub, &[]));
        for round in 0..10 {
            let posts = (0..50).map(|n| {
                let request = server.post("/issues/", &task(&format!("task {round} {n}"), "e"));
                async move { assert_eq!(request.send().await.unwrap().status(), 201) }
            });
            futures_util::future::join_all(posts).await;
            hub.until_told((round + 1) * 50).await;
        }
    })
    .await;
}
