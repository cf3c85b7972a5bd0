//! Links to trackers, writes under a lease, and budgets.

use std::time::Duration;

use chrono::TimeDelta;
use issue_core::domain::tracker::{
    BudgetWindow, CommentLink, CommentLinkWrite, CommentSlot, Draft, Link, LinkOrigin, LinkState, LinkSummary, Project, RemoteRef,
    RemoteRelation, Sighting,
};
use issue_core::domain::tracker::{Field, FieldFlips, FlipDirection};
use issue_core::domain::{Change, Hold, IssueId, IssueWrite, Kind, NewMessage, Priority, Relation, Settle, StateName};
use issue_core::store::CommitOutcome;
use issue_core::store::queue::LeaseRequest;
use uuid::Uuid;

use crate::support::database::Database;
use crate::support::sample::{self, at};

pub(super) fn place() -> Project {
    Project { owner: "acme \"q\"".to_owned(), repo: "tools".to_owned(), project: String::new() }
}

pub(super) fn link(issue: IssueId, backend: &str) -> Link {
    Link {
        issue_id: issue,
        backend: backend.to_owned(),
        position: 0,
        place: place(),
        state: LinkState::Routed,
        intended_at: None,
        remote: None,
        moved_from: None,
        base: None,
        origin: LinkOrigin::Ours,
        turns: FieldFlips::default(),
        heard: None,
        missing_at: None,
    }
}

pub(super) fn linked(issue: IssueId, backend: &str, remote: &str) -> Link {
    let draft = Draft {
        title: "Ünïcode {\"json\": null}".to_owned(),
        body: "line\r\none\u{1}".to_owned(),
        state: StateName::Blocked,
        close_reason: None,
        priority: Priority::High,
        kind: Kind::Bug,
        labels: vec!["a \"b\"".to_owned()],
        assignees: vec!["zoe".to_owned()],
        milestone: Some("v1".to_owned()),
        due_on: chrono::NaiveDate::from_ymd_opt(2028, 2, 29),
        relations: vec![RemoteRelation { relation: Relation::BlockedBy, key: "acme/tools#9".to_owned() }],
    };
    let remote = RemoteRef { place: place(), id: remote.to_owned(), key: "acme/tools#7".to_owned(), url: Some("https://x/7".to_owned()) };
    Link {
        state: LinkState::Linked,
        position: 1,
        intended_at: Some(at(3)),
        remote: Some(remote),
        base: Some(draft),
        ..link(issue, backend)
    }
}

pub(super) fn write(links: Vec<Link>) -> Change {
    Change { links, ..Change::of(IssueWrite::None) }
}

pub(super) async fn links_come_with_their_issue_and_not_with_a_repeat_of_it(db: Database) {
    let store = db.open().await;
    let (first, repeat) = (sample::plain_issue(), sample::plain_issue());
    let mut turns = FieldFlips::default();
    turns.note(Field::Title, FlipDirection::Sent, at(1));
    let origin = LinkOrigin::Theirs;
    let whole = Link { origin, turns, heard: Some("e".to_owned()), missing_at: Some(at(4)), ..linked(first.id, "a", "7") };
    let moved = Link { moved_from: Some("acme/tools#6".to_owned()), ..link(first.id, "b") };
    let filed = Change { links: vec![whole.clone(), moved.clone()], ..sample::insert(&first, Some(sample::key(1))) };
    let again = Change { links: vec![linked(repeat.id, "a", "7")], ..sample::insert(&repeat, Some(sample::key(1))) };
    let outcomes = store.commit(&[filed, again]).await.unwrap();
    assert!(matches!(outcomes[..], [CommitOutcome::Inserted(_), CommitOutcome::Duplicate { .. }]), "{outcomes:?}");
    assert_eq!(store.links(&[first.id, repeat.id]).await.unwrap(), [moved, whole]);
}

pub(super) async fn a_link_comes_back_with_every_field_and_follows_its_writes(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let other = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let (first, second) = (link(issue, "b"), linked(issue, "a", "7"));
    let outcomes = store.commit(&[write(vec![second.clone(), first.clone()]), write(vec![link(other, "a")])]).await.unwrap();
    assert_eq!(outcomes, [CommitOutcome::Written, CommitOutcome::Written]);
    assert_eq!(store.links(&[issue]).await.unwrap(), [first.clone(), second.clone()], "in the order of their positions");
    assert_eq!(store.links(&[other, issue]).await.unwrap().len(), 3);
    assert_eq!(store.links(&[]).await.unwrap(), []);
    let intended = Link { state: LinkState::Intended, intended_at: Some(at(9)), ..first };
    store.commit(&[write(vec![intended.clone()])]).await.unwrap();
    assert_eq!(store.links(&[issue]).await.unwrap()[0], intended);
    // Of two writes of one call the later one counts.
    let unknown = Link { state: LinkState::Unknown, ..intended.clone() };
    store.commit(&[write(vec![intended]), write(vec![unknown.clone()])]).await.unwrap();
    assert_eq!(store.links(&[issue]).await.unwrap()[0], unknown);
}

pub(super) async fn what_is_linked_stays_linked_to_what_it_is_linked_to(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let first = linked(issue, "a", "7");
    store.commit(&[write(vec![first.clone()])]).await.unwrap();
    for late in [linked(issue, "a", "8"), link(issue, "a")] {
        store.commit(&[write(vec![late])]).await.unwrap();
        assert_eq!(store.links(&[issue]).await.unwrap(), std::slice::from_ref(&first));
    }
    let again = Link { base: None, ..first };
    store.commit(&[write(vec![again.clone()])]).await.unwrap();
    assert_eq!(store.links(&[issue]).await.unwrap(), [again]);
}

pub(super) async fn links_of_comments_are_written_and_deleted(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let (subject, other) = (sample::id(), sample::id());
    let tie = |subject: Uuid, part, state| CommentLink {
        issue_id: issue,
        backend: "a".to_owned(),
        slot: CommentSlot { subject, part },
        state,
        intended_at: Some(at(1)),
        remote_id: (state == LinkState::Linked).then(|| "77".to_owned()),
        pushed: Some("digest".to_owned()),
        base: (part == 1).then(|| "bare \"text\"".to_owned()),
        origin: if part == 1 { LinkOrigin::Theirs } else { LinkOrigin::Ours },
    };
    let (one, two, three) = (tie(subject, 1, LinkState::Linked), tie(subject, 2, LinkState::Intended), tie(other, 1, LinkState::Unknown));
    let set = |link: &CommentLink| CommentLinkWrite::Set(link.clone());
    let change = Change { comment_links: [&two, &three, &one].map(set).into(), ..Change::of(IssueWrite::None) };
    store.commit(&[change]).await.unwrap();
    assert_eq!(store.comment_links(issue, "a", &[subject]).await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(store.comment_links(issue, "b", &[subject]).await.unwrap(), []);
    let edited = CommentLink { state: LinkState::Linked, remote_id: Some("78".to_owned()), pushed: None, ..two };
    let gone = CommentLinkWrite::Remove { issue_id: issue, backend: "a".to_owned(), slot: one.slot };
    let change = Change { comment_links: vec![gone, set(&edited)], ..Change::of(IssueWrite::None) };
    store.commit(&[change]).await.unwrap();
    assert_eq!(store.comment_links(issue, "a", &[subject, other]).await.unwrap(), [edited, three]);
}

pub(super) async fn deleting_an_issue_deletes_its_links(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let slot = CommentSlot { subject: issue.id.0, part: 2 };
    let link = CommentLink {
        issue_id: issue.id,
        backend: "a".to_owned(),
        slot,
        state: LinkState::Linked,
        intended_at: None,
        remote_id: None,
        pushed: None,
        base: None,
        origin: LinkOrigin::Ours,
    };
    let mut change = write(vec![linked(issue.id, "a", "7")]);
    change.comment_links.push(CommentLinkWrite::Set(link));
    store.commit(&[change]).await.unwrap();
    store.commit(&[sample::delete(&issue)]).await.unwrap();
    assert_eq!((db.count("links").await, db.count("comment_links").await), (0, 0));
}

pub(super) async fn under_a_claim_much_may_be_written_and_nothing_once_it_is_lost(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let message = Change { messages: vec![sample::message(&issue, "a")], ..Change::of(IssueWrite::None) };
    store.commit(&[message]).await.unwrap();
    let token = Uuid::from_u128(1);
    let wish = LeaseRequest { target: "a", now: at(5), since: None, lease: Duration::from_mins(1), limit: 1, token };
    let id = store.lease_messages(&wish).await.unwrap().leases[0].message.id;
    let held = |token, link| Change { held: Some(Hold { message_id: id, token }), ..write(vec![link]) };
    let settle = Change { settles: Some(Settle { message_id: id, token, started: None, at: at(6) }), ..Change::of(IssueWrite::None) };
    let (first, second) = (link(issue.id, "a"), Link { state: LinkState::Intended, ..link(issue.id, "a") });
    let outcomes = store.commit(&[held(token, first), held(token, second.clone()), settle.clone()]).await.unwrap();
    assert_eq!(outcomes, [CommitOutcome::Written, CommitOutcome::Written, CommitOutcome::Written]);
    assert_eq!(store.links(&[issue.id]).await.unwrap(), std::slice::from_ref(&second));
    let late = Link { state: LinkState::Unknown, ..second.clone() };
    for change in [held(token, late.clone()), held(Uuid::from_u128(2), late), settle] {
        assert_eq!(store.commit(&[change]).await.unwrap(), [CommitOutcome::ClaimLost]);
    }
    assert_eq!(store.links(&[issue.id]).await.unwrap(), [second]);
}

pub(super) async fn a_budget_is_kept_in_every_window_for_all_callers(db: Database) {
    let store = db.open().await;
    let window = |writes, seconds| BudgetWindow { writes, length: Duration::from_secs(seconds) };
    let windows = [window(3, 10), window(5, 100)];
    for n in 0..3 {
        assert_eq!(store.spend_budget("b", &windows, at(n)).await.unwrap(), None);
    }
    assert_eq!(store.spend_budget("b", &windows, at(3)).await.unwrap(), Some(at(10)), "the first of three is ten seconds old by then");
    assert_eq!(store.spend_budget("other", &windows, at(3)).await.unwrap(), None, "another purse");
    assert_eq!(store.spend_budget("b", &windows, at(10)).await.unwrap(), None);
    assert_eq!(store.spend_budget("b", &windows, at(11)).await.unwrap(), None);
    assert_eq!(store.spend_budget("b", &windows, at(20)).await.unwrap(), Some(at(100)), "five in a hundred seconds");
    assert_eq!((store.budget_spent("b", at(0)).await.unwrap(), store.budget_spent("b", at(9)).await.unwrap()), (4, 2));
    let together = futures_util::future::join_all((0..20).map(|_| store.spend_budget("crowd", &windows, at(0)))).await;
    assert_eq!(together.iter().filter(|taken| matches!(taken, Ok(None))).count(), 3);
    // What is older than every window is forgotten.
    assert_eq!(store.spend_budget("b", &windows, at(0) + TimeDelta::hours(2)).await.unwrap(), None);
    assert_eq!(store.budget_spent("b", at(-1)).await.unwrap(), 1);
}

pub(super) async fn what_waits_for_a_target_is_counted_up_to_a_bound(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    let messages = (0..5).map(|_| sample::message(&issue, "a")).collect();
    store.commit(&[Change { messages, ..Change::of(IssueWrite::None) }]).await.unwrap();
    assert_eq!(
        (
            store.count_waiting("a", 10).await.unwrap(),
            store.count_waiting("a", 3).await.unwrap(),
            store.count_waiting("b", 3).await.unwrap()
        ),
        (5, 3, 0)
    );
}

pub(super) async fn a_link_changes_its_remote_issue_only_with_the_id_it_moved_from(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let first = linked(issue, "a", "7");
    let gone = Link { state: LinkState::Gone, ..first.clone() };
    let back = Link { origin: LinkOrigin::Theirs, ..first.clone() };
    let write_one = async |link: &Link| {
        store.commit(&[write(vec![link.clone()])]).await.unwrap();
        store.links(&[issue]).await.unwrap().remove(0)
    };
    for link in [&first, &gone, &back, &gone] {
        assert_eq!(write_one(link).await, *link);
    }
    let moved = |from: &str, to| Link { moved_from: Some(from.to_owned()), ..linked(issue, "a", to) };
    for stray in [linked(issue, "a", "8"), moved("6", "8"), link(issue, "a")] {
        assert_eq!(write_one(&stray).await, gone);
    }
    let moved = moved("7", "8");
    assert_eq!(write_one(&moved).await, moved);
    assert_eq!(write_one(&first).await, moved, "a late word from before");
}

pub(super) async fn what_lists_say_changes_only_what_they_know(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let mut turns = FieldFlips::default();
    turns.note(Field::Title, FlipDirection::Sent, at(1));
    let tie = Link { heard: Some("1".to_owned()), missing_at: Some(at(2)), turns, ..linked(issue, "a", "7") };
    store.commit(&[write(vec![tie.clone()])]).await.unwrap();
    assert_eq!(store.links(&[issue]).await.unwrap(), std::slice::from_ref(&tie), "as it begins");
    let heard = |heard: Option<&str>, missing_at| Sighting {
        issue_id: issue,
        backend: "a".to_owned(),
        heard: heard.map(str::to_owned),
        missing_at,
    };
    let say = async |words: Vec<Sighting>| {
        let words = words.into_iter().map(|heard| Change { heard: vec![heard], ..Change::of(IssueWrite::None) });
        store.commit(&words.collect::<Vec<_>>()).await.unwrap();
        let link = store.links(&[issue]).await.unwrap().remove(0);
        assert_eq!(Link { heard: tie.heard.clone(), missing_at: tie.missing_at, ..link.clone() }, tie);
        (link.heard, link.missing_at)
    };
    let told = |text: &str| Some(text.to_owned());
    assert_eq!(say(vec![heard(Some("5"), None)]).await, (told("5"), None));
    assert_eq!(say(vec![heard(None, Some(at(6)))]).await, (told("5"), Some(at(6))));
    assert_eq!(say(vec![heard(Some("8"), Some(at(7))), heard(None, None)]).await, (told("8"), None), "two of one call");
    // The holder of the lane does not know it, and does not write it.
    store.commit(&[write(vec![Link { base: None, turns: FieldFlips::default(), ..tie.clone() }])]).await.unwrap();
    let after = Link { base: None, turns: FieldFlips::default(), heard: Some("8".to_owned()), missing_at: None, ..tie };
    assert_eq!(store.links(&[issue]).await.unwrap(), [after]);
}

pub(super) async fn links_are_found_from_the_other_side(db: Database) {
    let store = db.open().await;
    let elsewhere = Project { project: "p".to_owned(), ..place() };
    let mut ids = Vec::new();
    for n in 0..7 {
        let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
        let tie = linked(issue, if n == 6 { "b" } else { "a" }, &n.to_string());
        let tie = match n {
            4 => Link { state: LinkState::Gone, ..tie },
            5 => Link { place: elsewhere.clone(), ..tie },
            _ => tie,
        };
        store.commit(&[write(vec![tie])]).await.unwrap();
        ids.push(issue);
    }
    let asked: Vec<String> = ["1", "4", "5", "6", "99"].map(str::to_owned).into();
    let issues = |links: Vec<Link>| links.into_iter().map(|link| link.issue_id).collect::<Vec<_>>();
    let mut found = issues(store.links_to("a", &place(), &asked).await.unwrap());
    found.sort();
    assert_eq!(found, [ids[1], ids[4]], "gone ones too, and nothing from another place or tracker");
    assert_eq!(issues(store.links_to("a", &elsewhere, &asked).await.unwrap()), [ids[5]]);
    assert_eq!(store.links_to("a", &place(), &[]).await.unwrap(), []);

    let first = issues(store.links_of_place("a", &place(), None, 3).await.unwrap());
    assert_eq!(first, ids[..3]);
    assert_eq!(issues(store.links_of_place("a", &place(), Some(first[2]), 3).await.unwrap()), [ids[3]]);
    assert_eq!(store.count_links("a", &place(), 9).await.unwrap(), 4);
    assert_eq!(store.count_links("a", &place(), 2).await.unwrap(), 2);
    assert_eq!(store.count_links("c", &place(), 2).await.unwrap(), 0);
}

pub(super) async fn every_link_of_an_issues_comments_is_listed(db: Database) {
    let store = db.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await.id;
    let (one, two) = (sample::id(), sample::id());
    let link = |subject: Uuid, part, backend: &str| CommentLink {
        issue_id: issue,
        backend: backend.to_owned(),
        slot: CommentSlot { subject, part },
        state: LinkState::Linked,
        intended_at: None,
        remote_id: Some("r".to_owned()),
        pushed: None,
        base: Some("base".to_owned()),
        origin: LinkOrigin::Theirs,
    };
    let links = [link(two, 1, "a"), link(one, 2, "a"), link(one, 1, "a"), link(one, 1, "b")];
    let comment_links = links.iter().cloned().map(CommentLinkWrite::Set).collect();
    store.commit(&[Change { comment_links, ..Change::of(IssueWrite::None) }]).await.unwrap();
    assert_eq!(store.comment_links_of(issue, "a").await.unwrap(), [links[2].clone(), links[1].clone(), links[0].clone()]);
}

pub(super) async fn an_issue_counts_as_requested_while_an_unleased_message_waits(db: Database) {
    let store = db.open().await;
    let mut issues = Vec::new();
    for _ in 0..3 {
        issues.push(sample::stored(&*store, sample::plain_issue(), None).await);
    }
    let ids: Vec<IssueId> = issues.iter().map(|issue| issue.id).collect();
    let ask = |n: usize, target| Change { messages: vec![NewMessage::agree(issues[n].id, target, at(1))], ..Change::of(IssueWrite::None) };
    // One about an event of our own says nothing of the other side.
    let event = Change { messages: vec![sample::message(&issues[2], "c")], ..Change::of(IssueWrite::None) };
    store.commit(&[event]).await.unwrap();
    assert_eq!(store.queued_pushes("c", &ids).await.unwrap(), []);
    store.commit(&[ask(0, "a"), ask(0, "a"), ask(1, "b")]).await.unwrap();
    assert_eq!(store.queued_pushes("a", &ids).await.unwrap(), [ids[0]]);
    assert_eq!(store.queued_pushes("a", &[]).await.unwrap(), []);
    let wish = LeaseRequest { target: "a", now: at(5), since: None, lease: Duration::from_mins(1), limit: 9, token: Uuid::from_u128(1) };
    assert_eq!(store.lease_messages(&wish).await.unwrap().leases.len(), 2);
    assert_eq!(store.queued_pushes("a", &ids).await.unwrap(), [], "whoever has it may have read already");
    store.commit(&[ask(0, "a")]).await.unwrap();
    assert_eq!(store.queued_pushes("a", &ids).await.unwrap(), [ids[0]]);
}

pub(super) async fn links_are_read_by_issue_and_by_name_without_their_bases(db: Database) {
    let store = db.open().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(sample::stored(&*store, sample::plain_issue(), None).await.id);
    }
    let named = |issue, backend: &str, key: &str| {
        let link = linked(issue, backend, key);
        let remote = link.remote.clone().map(|at| RemoteRef { key: key.to_owned(), ..at });
        Link { remote, ..link }
    };
    let gone = Link { state: LinkState::Gone, ..named(ids[1], "a", "x#1") };
    store.commit(&[write(vec![named(ids[0], "a", "x#1"), link(ids[0], "b"), gone, named(ids[2], "b", "x#1")])]).await.unwrap();
    let tie = |issue_id, backend: &str, state, key: Option<&str>| LinkSummary {
        issue_id,
        backend: backend.to_owned(),
        state,
        key: key.map(str::to_owned),
    };
    let sorted = |mut links: Vec<LinkSummary>| {
        links.sort_by(|one, two| (one.issue_id, &one.backend).cmp(&(two.issue_id, &two.backend)));
        links
    };
    let (first, second) = (tie(ids[0], "a", LinkState::Linked, Some("x#1")), tie(ids[1], "a", LinkState::Gone, Some("x#1")));
    let of_two = sorted(store.link_summaries(&ids[..2]).await.unwrap());
    assert_eq!(of_two, [first.clone(), tie(ids[0], "b", LinkState::Routed, None), second.clone()]);
    assert_eq!(store.link_summaries(&[]).await.unwrap(), []);
    let keys = ["x#1", "x#2"].map(str::to_owned);
    assert_eq!(sorted(store.link_summaries_by_key("a", &keys).await.unwrap()), [first, second]);
    assert_eq!(store.link_summaries_by_key("a", &keys[1..]).await.unwrap(), []);
    assert_eq!(store.link_summaries_by_key("c", &keys).await.unwrap(), []);
}
