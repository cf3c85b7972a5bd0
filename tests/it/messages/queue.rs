//! The queue in the store, on both dialects: leases, lanes, ends, and what operators do.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use issue_core::clock::Clock;
use issue_core::domain::decide::{self, Cause, NewIssue};
use issue_core::domain::issue::edit::EditIssue;
use issue_core::domain::{
    AttemptOutcome, Change, CreateIssue, Issue, IssueId, Lease, Message, MessageKind, MessageState, NewMessage, QueuePosition, TaskSpec,
};
use issue_core::store::queue::{AfterRelease, LeaseRequest, MessageFilter, MessageRelease};
use issue_core::store::{CommitOutcome, Store};
use uuid::Uuid;

use crate::support::database::Database;

crate::support::on_both_stores!(
    what_is_due_is_leased_once_and_comes_back_when_the_lease_runs_out,
    a_stale_token_ends_nothing,
    a_lane_is_leased_in_order_and_whole,
    a_lane_waits_for_its_head_and_goes_on_the_moment_it_ends,
    followers_of_a_message_that_waits_are_put_off_with_it,
    a_dead_letter_is_kept_and_lets_its_lane_go_on,
    putting_back_counts_no_attempt,
    operators_see_retry_and_discard,
    retrying_and_discarding_leave_the_rest_alone,
    a_notice_stays_the_same_after_later_changes_of_its_issue,
    the_history_is_purged_from_its_old_end,
    a_late_message_is_found_by_the_scan_from_the_beginning,
    forty_claimers_at_once_share_the_work_and_keep_every_lane_in_order,
);

const LEASE: Duration = Duration::from_secs(30);

/// A store with a clock that a test moves by hand.
struct Bench {
    store: Arc<dyn Store>,
    now: DateTime<Utc>,
}

impl Bench {
    async fn new(db: &Database) -> Self {
        Self { store: db.open().await, now: Clock::System.now() }
    }

    fn later(&mut self, by: Duration) {
        self.now += by;
    }

    async fn issue(&self) -> Issue {
        let stamp = issue_core::domain::Stamp { now: self.now, ..Clock::System.stamp() };
        let spec = TaskSpec { title: "t".to_owned().into(), ..TaskSpec::default() };
        let cause = Cause { actor: "a".to_owned(), trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()) };
        let mut issue = CreateIssue::parse(spec).unwrap().into_issue(Vec::new(), "sqlite", stamp);
        let change = decide::create(NewIssue { issue: issue.clone(), dedupe: None, route: None }, &cause, stamp);
        let outcomes = self.store.commit(&[change]).await.unwrap();
        let CommitOutcome::Inserted(number) = outcomes[0] else { panic!("{outcomes:?}") };
        issue.number = number;
        issue
    }

    /// Messages about the issue's first event, one for each target, in that order.
    async fn send(&self, issue: IssueId, targets: &[&str]) {
        let message = |target: &&str| NewMessage {
            kind: MessageKind::Publish,
            target: (*target).to_owned(),
            issue_id: issue,
            event_seq: 1,
            due_at: self.now,
            trace: None,
        };
        let change = Change { messages: targets.iter().map(message).collect(), ..Change::of(issue_core::domain::IssueWrite::None) };
        assert_eq!(self.store.commit(&[change]).await.unwrap(), [CommitOutcome::Written]);
    }

    fn wish<'a>(&self, target: &'a str, limit: u32) -> LeaseRequest<'a> {
        LeaseRequest { target, now: self.now, since: None, lease: LEASE, limit, token: Uuid::from_u128(u128::from(rand())) }
    }

    async fn claim(&self, target: &str, limit: u32) -> Vec<Lease> {
        self.store.lease_messages(&self.wish(target, limit)).await.unwrap().leases
    }

    async fn claim_ids(&self, target: &str, limit: u32) -> Vec<i64> {
        ids(&self.claim(target, limit).await)
    }

    async fn settle(&self, lease: &Lease) -> CommitOutcome {
        self.store.commit(&[Change::settling(lease.settle(Some(self.now), self.now), Vec::new())]).await.unwrap().remove(0)
    }

    async fn end(&self, lease: &Lease, then: AfterRelease) {
        self.store.release(&[MessageRelease::of(lease, self.now, then)]).await.unwrap();
    }

    async fn fail(&self, lease: &Lease, wait: Duration) {
        self.end(lease, AfterRelease::Retry { due_at: self.now + wait, started: self.now, error: "503".to_owned() }).await;
    }

    async fn die(&self, lease: &Lease) {
        self.end(lease, AfterRelease::Dead { started: self.now, error: "400".to_owned() }).await;
    }

    async fn all(&self, state: Option<MessageState>) -> Vec<Message> {
        self.store.messages(&MessageFilter { state, ..MessageFilter::default() }, 0, 100).await.unwrap()
    }
}

fn rand() -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the random one")]
    let low = Clock::System.stamp().id.as_u128() as u64;
    low
}

fn ids(leases: &[Lease]) -> Vec<i64> {
    leases.iter().map(|lease| lease.message.id).collect()
}

async fn what_is_due_is_leased_once_and_comes_back_when_the_lease_runs_out(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a", "b"]).await;
    let first = bench.claim("a", 10).await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].message.attempt, first[0].until), (1, bench.now + LEASE));
    assert!(bench.claim("a", 10).await.is_empty(), "leased already");
    assert_eq!(bench.claim("b", 10).await.len(), 1, "the other target is not in the way");
    bench.later(LEASE);
    let second = bench.claim("a", 10).await;
    assert_eq!((ids(&second), second[0].message.attempt), (ids(&first), 2));
    bench.now -= Duration::from_hours(1);
    assert!(bench.claim("b", 10).await.is_empty(), "not due before its time");
}

async fn a_stale_token_ends_nothing(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    let stale = bench.claim("a", 1).await.remove(0);
    bench.later(LEASE);
    let fresh = bench.claim("a", 1).await.remove(0);
    assert_eq!(bench.settle(&stale).await, CommitOutcome::ClaimLost);
    bench.die(&stale).await;
    bench.fail(&stale, Duration::ZERO).await;
    assert_eq!(bench.all(None).await[0].state(), MessageState::Pending, "untouched");
    assert_eq!(bench.settle(&fresh).await, CommitOutcome::Written);
    assert_eq!(bench.settle(&fresh).await, CommitOutcome::ClaimLost, "done is done");
    assert!(bench.all(None).await.is_empty());
    let told = bench.store.attempts_of(issue.id, 1..=1, 10).await.unwrap();
    assert_eq!(told.iter().map(|told| (told.outcome, told.attempt)).collect::<Vec<_>>(), [(AttemptOutcome::Delivered, 2)]);
}

async fn a_lane_is_leased_in_order_and_whole(db: Database) {
    let bench = Bench::new(&db).await;
    let (one, two) = (bench.issue().await, bench.issue().await);
    bench.send(one.id, &["a", "a", "a"]).await;
    bench.send(two.id, &["a", "a"]).await;
    let leases = bench.claim("a", 10).await;
    assert_eq!(leases.len(), 5);
    assert!(ids(&leases).is_sorted());
    let of = |issue: IssueId| leases.iter().filter(|lease| lease.message.issue_id == issue).count();
    assert_eq!((of(one.id), of(two.id)), (3, 2));
}

async fn a_lane_waits_for_its_head_and_goes_on_the_moment_it_ends(db: Database) {
    let bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    let head = bench.claim("a", 10).await;
    bench.send(issue.id, &["a", "a", "b"]).await;
    assert!(bench.claim("a", 10).await.is_empty(), "the head is being worked on");
    assert_eq!(bench.claim("b", 10).await.len(), 1, "another lane");
    bench.settle(&head[0]).await;
    assert_eq!(bench.claim("a", 10).await.len(), 2, "due again at once, without waiting for the lease to run out");
}

async fn followers_of_a_message_that_waits_are_put_off_with_it(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a", "a", "a"]).await;
    let leases = bench.claim("a", 10).await;
    let wait = Duration::from_mins(5);
    bench.fail(&leases[0], wait).await;
    bench.end(&leases[1], AfterRelease::PutBack).await;
    bench.end(&leases[2], AfterRelease::PutBack).await;
    assert!(bench.claim("a", 10).await.is_empty());
    let head_due = bench.now + wait;
    let waiting = bench.all(None).await;
    assert!(waiting.iter().all(|message| message.due_at == head_due), "{waiting:?}");
    bench.later(wait);
    assert_eq!(bench.claim_ids("a", 10).await, ids(&leases), "and all of them are due with it");
}

async fn a_dead_letter_is_kept_and_lets_its_lane_go_on(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    let head = bench.claim("a", 10).await;
    bench.send(issue.id, &["a"]).await;
    assert!(bench.claim("a", 10).await.is_empty());
    bench.die(&head[0]).await;
    let next = bench.claim("a", 10).await;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0].message.id, head[0].message.id);
    bench.later(Duration::from_hours(1000));
    assert!(!bench.claim_ids("a", 10).await.contains(&head[0].message.id), "never again by itself");
    let dead = bench.all(Some(MessageState::Dead)).await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].last_error.as_deref(), dead[0].attempt), (Some("400"), 1));
    assert_eq!(bench.all(Some(MessageState::Pending)).await.len(), 1, "what waits for an issue is not what is dead");
}

async fn putting_back_counts_no_attempt(db: Database) {
    let bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    for _ in 0..3 {
        let lease = bench.claim("a", 10).await.remove(0);
        assert_eq!(lease.message.attempt, 1);
        bench.end(&lease, AfterRelease::PutBack).await;
    }
    assert!(bench.store.attempts_of(issue.id, 1..=1, 10).await.unwrap().is_empty());
}

async fn operators_see_retry_and_discard(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["dead", "retrying", "pending"]).await;
    bench.die(&bench.claim("dead", 1).await[0]).await;
    bench.fail(&bench.claim("retrying", 1).await[0], Duration::from_hours(1)).await;
    for state in [MessageState::Dead, MessageState::Retrying, MessageState::Pending] {
        let found = bench.all(Some(state)).await;
        assert_eq!(found.iter().map(|message| message.target.as_str()).collect::<Vec<_>>(), [state.as_str()]);
        let by_target = MessageFilter { target: Some(state.to_string()), ..MessageFilter::default() };
        assert_eq!(bench.store.messages(&by_target, 0, 10).await.unwrap(), found);
        assert_eq!(bench.store.message(found[0].id).await.unwrap(), Some(found[0].clone()));
        assert!(bench.store.messages(&by_target, found[0].id, 10).await.unwrap().is_empty(), "the next page");
    }
    let dispatches = MessageFilter { kind: Some(MessageKind::Dispatch), ..MessageFilter::default() };
    assert!(bench.store.messages(&dispatches, 0, 10).await.unwrap().is_empty());
    let mut backlog = bench.store.queue_depths().await.unwrap();
    backlog.sort_by(|a, b| a.target.cmp(&b.target));
    assert_eq!(
        backlog.iter().map(|part| (part.target.as_str(), part.state.as_str(), part.depth)).collect::<Vec<_>>(),
        [("dead", "dead", 1), ("pending", "pending", 1), ("retrying", "retrying", 1)]
    );

    bench.later(Duration::from_secs(1));
    let ids: Vec<i64> = bench.all(None).await.iter().map(|message| message.id).collect();
    assert_eq!(bench.store.retry(&ids[..2], bench.now).await.unwrap(), 2);
    for target in ["dead", "retrying"] {
        let lease = bench.claim(target, 1).await.remove(0);
        assert_eq!((lease.message.attempt, lease.message.state()), (1, MessageState::Pending), "as if it had never been tried");
    }
    assert!(bench.store.discard(ids[0], "discarded by ops: no longer needed", bench.now).await.unwrap());
    assert!(!bench.store.discard(ids[0], "again", bench.now).await.unwrap());
    let told = bench.store.attempts_of(issue.id, 1..=1, 10).await.unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.outcome, last.error.as_deref()), (AttemptOutcome::Discarded, Some("discarded by ops: no longer needed")));
    assert_eq!(bench.store.attempts_of(issue.id, 1..=1, 1).await.unwrap(), told[told.len() - 1..], "the newest");
    assert!(bench.store.attempts_of(issue.id, 2..=9, 10).await.unwrap().is_empty());
}

async fn retrying_and_discarding_leave_the_rest_alone(db: Database) {
    let bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    let lease = bench.claim("a", 1).await.remove(0);
    bench.send(issue.id, &["a"]).await;
    assert!(bench.claim("a", 10).await.is_empty());
    assert_eq!(bench.store.retry(&[lease.message.id], bench.now).await.unwrap(), 0, "somebody is at work on it");
    assert!(bench.store.discard(lease.message.id, "why not", bench.now).await.unwrap());
    assert_eq!(bench.settle(&lease).await, CommitOutcome::ClaimLost);
    assert_eq!(bench.claim("a", 10).await.len(), 1, "the next of the lane is due at once");
}

async fn a_notice_stays_the_same_after_later_changes_of_its_issue(db: Database) {
    let bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    let asked = [(issue.id, 1), (IssueId(Uuid::from_u128(7)), 1), (issue.id, 1)];
    let before = bench.store.notices(&asked).await.unwrap();
    assert_eq!((before[0].clone(), before[1].clone()), (before[2].clone(), None));
    assert_eq!(before[0].as_ref().unwrap().number, issue.number);
    let edit = EditIssue { title: Some("another".to_owned()), ..EditIssue::default() };
    let cause = Cause { actor: "b".to_owned(), trace: None };
    let change = decide::edit(&issue, edit, &cause, Clock::System.stamp()).unwrap().unwrap();
    assert_eq!(bench.store.commit(&[change]).await.unwrap(), [CommitOutcome::Written]);
    assert_eq!(bench.store.notices(&asked).await.unwrap(), before);
}

async fn the_history_is_purged_from_its_old_end(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    for _ in 0..3 {
        bench.send(issue.id, &["a"]).await;
        let lease = bench.claim("a", 1).await.remove(0);
        bench.settle(&lease).await;
        bench.later(Duration::from_hours(1));
    }
    let before = bench.now - Duration::from_mins(90);
    assert_eq!(bench.store.purge_attempts(before, 1).await.unwrap(), 1);
    assert_eq!(bench.store.purge_attempts(before, 10).await.unwrap(), 1);
    assert_eq!(bench.store.purge_attempts(before, 10).await.unwrap(), 0);
    assert_eq!(bench.store.attempts_of(issue.id, 1..=1, 10).await.unwrap().len(), 1);
}

async fn a_late_message_is_found_by_the_scan_from_the_beginning(db: Database) {
    let mut bench = Bench::new(&db).await;
    let issue = bench.issue().await;
    bench.send(issue.id, &["a"]).await;
    bench.later(Duration::from_secs(2));
    let since = LeaseRequest { since: Some(QueuePosition::before_all(bench.now - Duration::from_secs(1))), ..bench.wish("a", 10) };
    assert!(bench.store.lease_messages(&since).await.unwrap().leases.is_empty());
    assert_eq!(bench.claim("a", 10).await.len(), 1);
}

/// Few lanes and many claimers: the holder of a message of a lane holds all messages before it.
async fn forty_claimers_at_once_share_the_work_and_keep_every_lane_in_order(db: Database) {
    let bench = Arc::new(Bench::new(&db).await);
    let mut lanes = Vec::new();
    for _ in 0..8 {
        let issue = bench.issue().await;
        bench.send(issue.id, &["a"; 12]).await;
        lanes.push(issue.id);
    }
    let done = Arc::new(tokio::sync::Mutex::new(Vec::<(IssueId, i64)>::new()));
    let hand = |n: u32| {
        let (bench, done) = (bench.clone(), done.clone());
        async move {
            let mut idle = 0;
            while idle < 2000 && done.lock().await.len() < 96 {
                let leases = bench.claim("a", 1 + n % 7).await;
                idle = if leases.is_empty() { idle + 1 } else { 0 };
                for lease in leases {
                    // Published first, then recorded: the order that counts.
                    done.lock().await.push((lease.message.issue_id, lease.message.id));
                    assert_eq!(bench.settle(&lease).await, CommitOutcome::Written);
                }
            }
        }
    };
    futures_util::future::join_all((0..40).map(hand)).await;
    let done = done.lock().await;
    assert_eq!(done.len(), 96, "none lost, none twice");
    for lane in lanes {
        let of_lane: Vec<i64> = done.iter().filter(|(issue, _)| *issue == lane).map(|(_, id)| *id).collect();
        assert!(of_lane.is_sorted(), "{of_lane:?}");
    }
}
