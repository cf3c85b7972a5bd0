//! Relations between issues, of every tracker that says it has some.

use issue_core::backend::{ErrorKind, ListAsk};
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Draft, DraftEdit, RemoteIssue, RemoteRef, RemoteRelation, TrackerKind};

use super::contract::made;
use super::{Bench, create};
use crate::support::sim::{self, At, Fault, Reply};

fn has_some(bench: &Bench) -> bool {
    !bench.terms.capabilities.relations.is_empty()
}

fn to(relation: Relation, other: &RemoteRef) -> RemoteRelation {
    RemoteRelation { relation, key: other.key.clone() }
}

/// The same, in one order.
fn sorted(mut relations: Vec<RemoteRelation>) -> Vec<RemoteRelation> {
    relations.sort_by(|a, b| (a.relation.as_str(), &a.key).cmp(&(b.relation.as_str(), &b.key)));
    relations
}

async fn fresh(bench: &Bench) -> (Draft, RemoteIssue) {
    let (_, draft, marker) = bench.full();
    let remote = made(bench, &draft, &marker).await;
    (draft, remote)
}

async fn others(bench: &Bench, count: usize) -> Vec<RemoteRef> {
    let mut others = Vec::new();
    for _ in 0..count {
        others.push(fresh(bench).await.1.at);
    }
    others
}

async fn read(bench: &Bench, at: &RemoteRef) -> Vec<RemoteRelation> {
    sorted(bench.backend.read(at).await.unwrap().unwrap().relations.expect("it tells its relations"))
}

fn with(draft: &Draft, relations: Vec<RemoteRelation>) -> Draft {
    Draft { relations, ..draft.clone() }
}

pub(super) async fn each_relation_is_put_in_read_from_both_sides_and_taken_out(bench: &Bench) {
    if !has_some(bench) {
        return;
    }
    let (plain, own) = fresh(bench).await;
    let other = others(bench, 1).await.remove(0);
    assert_eq!(own.relations.as_deref(), Some(&[][..]), "{}", bench.what);
    for relation in bench.terms.capabilities.relations {
        let related = with(&plain, vec![to(*relation, &other)]);
        for _ in 0..2 {
            bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &related }, None).await.unwrap();
            assert_eq!(read(bench, &own.at).await, related.relations, "{}", bench.what);
        }
        let back = match relation {
            Relation::Blocks => vec![to(Relation::BlockedBy, &own.at)],
            Relation::BlockedBy => vec![to(Relation::Blocks, &own.at)],
            Relation::Relates => vec![to(Relation::Relates, &own.at)],
            Relation::Duplicates | Relation::Parent => Vec::new(),
        };
        assert_eq!(read(bench, &other).await, back, "{}: {relation}, from the other side", bench.what);
        for _ in 0..2 {
            bench.backend.update(&own.at, &DraftEdit { before: &related, after: &plain }, None).await.unwrap();
            assert_eq!(read(bench, &own.at).await, [], "{}: {relation}", bench.what);
        }
        assert_eq!(read(bench, &other).await, [], "{}: {relation}", bench.what);
    }
    let listed = bench.backend.list(&bench.place, &ListAsk::default()).await.unwrap();
    assert!(listed.items.iter().all(|remote| remote.relations.is_none()), "{}: a list tells no relations", bench.what);
}

pub(super) async fn relations_follow_a_creation_and_what_people_relate_stays(bench: &Bench) {
    if !has_some(bench) {
        return;
    }
    let can = bench.terms.capabilities.relations;
    let others = others(bench, can.len() + 1).await;
    let ours: Vec<RemoteRelation> = can.iter().zip(&others).map(|(relation, other)| to(*relation, other)).collect();
    let (_, draft, marker) = bench.full();
    let draft = with(&draft, ours.clone());
    let created = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap();
    assert_eq!(created.carried.relations, [], "{}: the creating request carries none", bench.what);
    bench.backend.update(&created.at, &DraftEdit { before: &created.carried, after: &draft }, None).await.unwrap();
    assert_eq!(read(bench, &created.at).await, sorted(ours), "{}", bench.what);
    let (theirs, last) = (can[0], others.last().unwrap());
    bench.sim.person_relates(&created.at.id, theirs, &last.id, true);
    bench.backend.update(&created.at, &DraftEdit { before: &draft, after: &with(&draft, Vec::new()) }, None).await.unwrap();
    assert_eq!(read(bench, &created.at).await, [to(theirs, last)], "{}", bench.what);
    bench.sim.person_relates(&created.at.id, theirs, &last.id, false);
    assert_eq!(read(bench, &created.at).await, [], "{}", bench.what);
}

pub(super) async fn another_parent_takes_the_place_of_the_first(bench: &Bench) {
    if !bench.terms.capabilities.relations.contains(&Relation::Parent) {
        return;
    }
    let (plain, own) = fresh(bench).await;
    let others = others(bench, 3).await;
    let child = |parent: usize| with(&plain, vec![to(Relation::Parent, &others[parent])]);
    bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &child(0) }, None).await.unwrap();
    bench.backend.update(&own.at, &DraftEdit { before: &child(0), after: &child(1) }, None).await.unwrap();
    assert_eq!(read(bench, &own.at).await, child(1).relations, "{}", bench.what);
    // A person chose another parent meanwhile: only a choice of ours removes it.
    bench.sim.person_relates(&own.at.id, Relation::Parent, &others[2].id, true);
    bench.backend.update(&own.at, &DraftEdit { before: &child(1), after: &plain }, None).await.unwrap();
    assert_eq!(read(bench, &own.at).await, child(2).relations, "{}", bench.what);
    bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &child(0) }, None).await.unwrap();
    assert_eq!(read(bench, &own.at).await, child(0).relations, "{}", bench.what);
}

pub(super) async fn what_cannot_be_related_holds_up_nothing(bench: &Bench) {
    if !has_some(bench) {
        return;
    }
    let (plain, own) = fresh(bench).await;
    let other = others(bench, 1).await.remove(0);
    for relation in bench.terms.capabilities.relations {
        let mut wanted = with(&plain, Vec::new());
        wanted.title = format!("not held up by {relation}");
        // Nowhere, no name of anything, and itself.
        let bad = [format!("{}99999", other.key), "nonsense".to_owned(), String::new(), own.at.key.clone()];
        wanted.relations = bad.into_iter().map(|key| RemoteRelation { relation: *relation, key }).collect();
        wanted.relations.push(to(*relation, &other));
        bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &wanted }, None).await.unwrap();
        let now = bench.backend.read(&own.at).await.unwrap().unwrap();
        assert_eq!(now.title, wanted.title, "{}", bench.what);
        assert_eq!(now.relations, Some(vec![to(*relation, &other)]), "{}", bench.what);
        let gone = with(&wanted, Vec::new());
        bench.backend.update(&own.at, &DraftEdit { before: &wanted, after: &gone }, None).await.unwrap();
        assert_eq!(read(bench, &own.at).await, [], "{}", bench.what);
    }
    // The absence of the issue itself is reported as for any other field.
    bench.sim.removes(&own.at.id);
    let related = with(&plain, vec![to(bench.terms.capabilities.relations[0], &other)]);
    let renamed = Draft { title: "too late".to_owned(), ..plain.clone() };
    let mut told = Vec::new();
    for after in [&related, &renamed] {
        let done = bench.backend.update(&own.at, &DraftEdit { before: &plain, after }, None).await;
        told.push(done.map_err(|error| error.trouble));
    }
    assert_eq!(told[0], told[1], "{}", bench.what);
}

pub(super) async fn many_relations_are_all_read_and_cost_no_more_than_one(bench: &Bench) {
    if !has_some(bench) {
        return;
    }
    let relation = bench.terms.capabilities.relations[0];
    let (plain, own) = fresh(bench).await;
    let others = others(bench, 7).await;
    let one = with(&plain, vec![to(relation, &others[0])]);
    bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &one }, None).await.unwrap();
    bench.sim.set_page_cap(Some(100));
    let cost = async || {
        let before = bench.sim.asked();
        bench.backend.read(&own.at).await.unwrap();
        bench.sim.asked() - before
    };
    let of_one = cost().await;
    bench.sim.set_page_cap(None);
    let many = with(&plain, others.iter().map(|other| to(relation, other)).collect());
    bench.backend.update(&own.at, &DraftEdit { before: &one, after: &many }, None).await.unwrap();
    assert_eq!(read(bench, &own.at).await, sorted(many.relations.clone()), "{}: in short pages", bench.what);
    bench.sim.set_page_cap(Some(100));
    assert_eq!(cost().await, of_one, "{}", bench.what);
    assert_eq!(read(bench, &own.at).await, sorted(many.relations), "{}: in a long page", bench.what);
    assert!(of_one <= 3, "{}: {of_one} requests to read one issue", bench.what);
}

pub(super) async fn a_request_that_is_lost_leaves_nothing_undone_and_nothing_doubled(bench: &Bench) {
    if !has_some(bench) {
        return;
    }
    let can = bench.terms.capabilities.relations;
    let others = others(bench, 2 * can.len()).await;
    let (plain, own) = fresh(bench).await;
    let all =
        |from: usize| -> Vec<RemoteRelation> { can.iter().zip(&others[from..]).map(|(relation, other)| to(*relation, other)).collect() };
    let states = [with(&plain, all(0)), Draft { title: "turned".to_owned(), ..with(&plain, all(can.len())) }];
    bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &states[0] }, None).await.unwrap();
    let mut at = 0;
    for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::Truncated] {
        for nth in 0..60 {
            let edit = DraftEdit { before: &states[at], after: &states[1 - at] };
            let asked = bench.sim.asked();
            bench.sim.script([(At::Nth(nth), fault.clone())]);
            let first = bench.backend.update(&own.at, &edit, None).await;
            let reached = bench.sim.asked() - asked > nth;
            if let Err(error) = first {
                let may_pass = matches!(error.trouble, ErrorKind::Unknown | ErrorKind::Retry { .. });
                assert!(may_pass, "{}: {fault:?} {nth}: {error:?}", bench.what);
            }
            bench.sim.script([]);
            bench.backend.update(&own.at, &edit, None).await.unwrap();
            let now = bench.backend.read(&own.at).await.unwrap().unwrap();
            assert_eq!(now.title, edit.after.title, "{}: {fault:?} {nth}", bench.what);
            assert_eq!(read(bench, &own.at).await, sorted(edit.after.relations.clone()), "{}: {fault:?} {nth}", bench.what);
            at = 1 - at;
            if !reached {
                break;
            }
            assert!(nth < 59, "{}: one update takes more than sixty requests", bench.what);
        }
    }
}

pub(super) async fn a_concurrent_write_is_reported_before_any_relation_is_sent(bench: &Bench) {
    if !has_some(bench) || !bench.terms.capabilities.optimistic_lock {
        return;
    }
    let relation = bench.terms.capabilities.relations[0];
    let (plain, own) = fresh(bench).await;
    let others = others(bench, 2).await;
    let related = with(&plain, vec![to(relation, &others[0])]);
    bench.sim.person_relates(&own.at.id, relation, &others[1].id, true);
    let edit = DraftEdit { before: &plain, after: &related };
    let stale = bench.backend.update(&own.at, &edit, own.version.as_deref()).await;
    assert_eq!(stale.unwrap_err().trouble, ErrorKind::Stale, "{}", bench.what);
    assert_eq!(read(bench, &own.at).await, [to(relation, &others[1])], "{}", bench.what);
    let version = bench.backend.read(&own.at).await.unwrap().unwrap().version;
    bench.backend.update(&own.at, &edit, version.as_deref()).await.unwrap();
    assert_eq!(read(bench, &own.at).await.len(), 2, "{}", bench.what);
}

/// An Enterprise server that is older than dependencies.
#[tokio::test]
async fn a_server_without_dependencies_returns_no_relations_and_takes_everything_else() {
    let absent = || Fault::Answers(Reply::json(404, &serde_json::json!({"message": "Not Found"})));
    for vendor in sim::ALL.iter().filter(|vendor| vendor().kind() == TrackerKind::GitHub) {
        let bench = Bench::new(vendor(), false).await;
        let (plain, own) = fresh(&bench).await;
        let other = others(&bench, 1).await.remove(0);
        bench.sim.script([(At::Nth(1), absent())]);
        assert_eq!(bench.backend.read(&own.at).await.unwrap().unwrap().relations, None);
        let relations = vec![to(Relation::Blocks, &other), to(Relation::BlockedBy, &other), to(Relation::Parent, &other)];
        let wanted = Draft { title: "all the same".to_owned(), relations, ..plain.clone() };
        // The title, the issue, and then what is not there.
        bench.sim.script([(At::Nth(2), absent())]);
        bench.backend.update(&own.at, &DraftEdit { before: &plain, after: &wanted }, None).await.unwrap();
        let now = bench.backend.read(&own.at).await.unwrap().unwrap();
        assert_eq!((now.title.as_str(), now.relations), ("all the same", Some(vec![to(Relation::Parent, &other)])));
    }
}
