//! Records: whole issues out of one store and into another.

use futures_util::future::join_all;
use issue_core::domain::export::record::{ExportLine, ImportOutcome, IssueRecord};
use issue_core::domain::{Comment, CommentId, Dedupe, Fingerprint, Issue, IssueNumber, IssueRef};
use issue_core::store::Store;

use crate::support::database::Database;
use crate::support::sample::{self, at};

/// The fullest record there is, under that number, with an event for each version and comments.
fn full(number: i64) -> IssueRecord {
    let issue = Issue { number: IssueNumber(number), version: 3, ..sample::full_issue() };
    let event = |seq| sample::event(&issue, seq);
    let comment = |n: i64| {
        let body = format!("remark {n} on {number}");
        Comment {
            id: CommentId(sample::id()),
            issue_id: issue.id,
            author: "zoe".to_owned(),
            body,
            created_at: at(n),
            edited_at: Some(at(9)),
        }
    };
    let key = sample::key(u32::try_from(number).unwrap());
    let dedupe = Some(Dedupe { key, fingerprint: Some(Fingerprint([7; 32])) });
    IssueRecord { events: (1..=3).map(event).collect(), comments: vec![comment(1), comment(2)], dedupe, issue }
}

async fn all(store: &dyn Store) -> Vec<IssueRecord> {
    store.records(None, 1000).await.unwrap()
}

pub(super) async fn records_come_back_as_they_were_taken_in_and_once(database: Database) {
    let store = database.open().await;
    let records = [
        full(7),
        full(40),
        IssueRecord {
            issue: Issue { number: IssueNumber(5), version: 0, ..sample::plain_issue() },
            dedupe: None,
            events: Vec::new(),
            comments: Vec::new(),
        },
    ];
    assert_eq!(store.import_records(&records, false).await.unwrap(), [ImportOutcome::Written; 3]);
    assert_eq!(all(&*store).await, []);
    assert_eq!(store.import_records(&records, true).await.unwrap(), [ImportOutcome::Written; 3]);
    let [seven, forty, five] = records.clone();
    assert_eq!(all(&*store).await, [five, seven.clone(), forty.clone()]);
    assert_eq!(store.records(Some(IssueNumber(5)), 1).await.unwrap(), std::slice::from_ref(&seven));
    assert_eq!(store.import_records(&records, true).await.unwrap(), [ImportOutcome::Present; 3]);
    let filed = store.filed_under(&[sample::key(7)]).await.unwrap().remove(0).unwrap();
    assert_eq!((filed.issue, filed.fingerprint), (seven.issue.clone(), Some(Fingerprint([7; 32]))));
    let text = serde_json::to_string(&ExportLine::from(forty.clone())).unwrap();
    assert_eq!(serde_json::from_str::<ExportLine>(&text).unwrap().read().unwrap(), forty, "a line says everything");
    let next = sample::stored(&*store, sample::plain_issue(), None).await;
    assert_eq!(next.number, IssueNumber(41), "the next number is a new one");
}

pub(super) async fn what_belongs_to_another_issue_is_not_taken(database: Database) {
    let store = database.open().await;
    store.import_records(&[full(1)], true).await.unwrap();
    let here = all(&*store).await.remove(0);
    let same_number = full(1);
    let mut same_key = full(2);
    same_key.dedupe = here.dedupe;
    let mut same_comment = full(3);
    same_comment.comments[0].id = here.comments[0].id;
    let mut newer = here.clone();
    newer.issue.version = 4;
    let twice = full(4);
    let offered = [same_number, same_key, same_comment, newer, twice.clone(), twice, full(4)];
    let number = ImportOutcome::Clashes { over: "number" };
    let expected = [
        ImportOutcome::Clashes { over: "number" },
        ImportOutcome::Clashes { over: "dedupe" },
        ImportOutcome::Clashes { over: "comments" },
        ImportOutcome::Differs { version: 3 },
        ImportOutcome::Written,
        ImportOutcome::Present,
        number,
    ];
    assert_eq!(store.import_records(&offered, true).await.unwrap(), expected);
    assert_eq!(all(&*store).await.len(), 2);
}

pub(super) async fn taking_in_and_filing_at_once_give_no_number_twice(database: Database) {
    let store = database.open().await;
    let filing = join_all((0..40).map(|_| {
        let store = &store;
        async move { sample::stored(&**store, sample::plain_issue(), None).await }
    }));
    let taking = join_all((0..10).map(|n| {
        let store = &store;
        async move { store.import_records(&[full(1000 + n)], true).await.unwrap() }
    }));
    let (filed, taken) = tokio::join!(filing, taking);
    assert!(taken.iter().all(|taken| taken.len() == 1));
    let refs: Vec<IssueRef> = filed.iter().map(|issue| IssueRef::Number(issue.number)).collect();
    let found = store.issues(&refs).await.unwrap();
    assert!(found.into_iter().map(Option::unwrap).eq(filed), "each number is the issue it was given to");
}
