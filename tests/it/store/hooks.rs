//! Deliveries of trackers: kept once, followed once, forgotten in time.

use futures_util::future::join_all;
use issue_core::domain::sync::{DeliveriesDone, DeliverySubject, DeliverySubjectKind, NewDelivery};
use issue_core::domain::{Change, IssueWrite};
use issue_core::store::CommitOutcome;

use super::links;
use crate::support::database::Database;
use crate::support::sample::at;

pub(super) fn hook(delivery: &str, second: i64) -> NewDelivery {
    NewDelivery {
        backend: "gitea".to_owned(),
        delivery: delivery.to_owned(),
        event: "issues".to_owned(),
        received_at: at(second),
        body: vec![0, 255, b'{'],
        hint: Some(DeliverySubject { kind: DeliverySubjectKind::Changed, place: links::place(), remote_id: "7".to_owned() }),
    }
}

pub(super) async fn a_delivery_that_comes_many_times_is_kept_once(db: Database) {
    let stores = [db.open().await, db.open().await];
    let one = hook("one", 1);
    let kept = join_all((0..8).map(|n| stores[n % 2].keep_delivery(&one))).await;
    assert_eq!(kept.into_iter().filter(|kept| *kept.as_ref().unwrap()).count(), 1);
    assert!(stores[0].keep_delivery(&NewDelivery { backend: "other".to_owned(), ..one.clone() }).await.unwrap(), "another tracker's");
    assert_eq!(db.count("hooks").await, 2);
    let waiting = stores[1].kept_deliveries("gitea", 9).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0].backend, waiting[0].received_at, &waiting[0].hint), (&one.backend, at(1), one.hint.as_ref().unwrap()));
}

pub(super) async fn what_hints_at_something_waits_in_order_until_it_is_followed_and_everything_is_forgotten_in_time(db: Database) {
    let store = db.open().await;
    let ping = NewDelivery { hint: None, ..hook("ping", 0) };
    for kept in [hook("one", 3), ping, hook("two", 2), hook("three", 1)] {
        assert!(store.keep_delivery(&kept).await.unwrap());
    }
    let waiting = store.kept_deliveries("gitea", 9).await.unwrap();
    let moments: Vec<_> = waiting.iter().map(|hook| hook.received_at).collect();
    assert_eq!(moments, [at(3), at(2), at(1)], "as they came");
    assert_eq!(store.kept_deliveries("gitea", 2).await.unwrap(), waiting[..2]);
    assert_eq!(store.kept_deliveries("other", 2).await.unwrap(), []);
    let ids = vec![waiting[1].id, waiting[0].id, 12345];
    let done = Change { hooks_done: Some(DeliveriesDone { ids, at: at(9) }), ..Change::of(IssueWrite::None) };
    assert_eq!(store.commit(&[done.clone(), done]).await.unwrap(), [CommitOutcome::Written, CommitOutcome::Written]);
    assert_eq!(store.kept_deliveries("gitea", 9).await.unwrap(), waiting[2..]);
    assert!(!store.keep_delivery(&hook("one", 3)).await.unwrap(), "it is still known");
    assert_eq!(store.purge_kept_deliveries(at(3), 2).await.unwrap(), 2);
    assert_eq!(store.purge_kept_deliveries(at(3), 2).await.unwrap(), 1);
    assert_eq!(store.purge_kept_deliveries(at(3), 2).await.unwrap(), 0);
    assert_eq!(db.count("hooks").await, 1);
}
