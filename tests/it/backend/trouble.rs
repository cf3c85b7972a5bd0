//! What a tracker says of each failure. One that lies here makes a second issue, or loses one.

use std::time::Duration;

use issue_core::backend::{ErrorKind, ListAsk};
use issue_core::domain::tracker::DraftEdit;
use serde_json::json;

use super::{Bench, TOTAL, create};
use crate::support::sample;
use crate::support::sim::{At, Fault, Reply, SECRET};

fn status(status: u16) -> Reply {
    Reply::json(status, &json!({"message": "so it is"}))
}

pub(super) async fn a_lost_answer_to_a_creation_is_unknown_and_nothing_else_is(bench: &Bench) {
    let cases = [
        (Fault::LostAnswer, 1),
        (Fault::LostRequest, 0),
        (Fault::Truncated, 1),
        (Fault::Hangs, 0),
        (Fault::Slow(TOTAL * 2), 1),
        (Fault::Answers(status(500)), 0),
        (Fault::Answers(status(502)), 0),
        (Fault::Answers(status(504)), 0),
    ];
    for (fault, made) in cases {
        let before = bench.sim.issues().len();
        let (_, draft, marker) = bench.full();
        let since = sample::stamp().now;
        bench.sim.script([(At::Create, fault.clone())]);
        let error = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap_err();
        assert_eq!(error.trouble, ErrorKind::Unknown, "{}: {fault:?}: {error}", bench.what);
        // What was slow is done by then.
        while bench.sim.issues().len() < before + made {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let found = bench.backend.find_by_marker(&bench.place, &marker, since).await.unwrap();
        assert_eq!(found.is_some(), made == 1, "{}: {fault:?}", bench.what);
    }
    for (answer, trouble) in [
        (status(422), ErrorKind::Fail),
        (status(403), ErrorKind::Denied),
        (status(401), ErrorKind::Paused),
        (status(503).with("retry-after", "3"), ErrorKind::Retry { after: Some(Duration::from_secs(3)) }),
    ] {
        let (_, draft, marker) = bench.full();
        bench.sim.script([(At::Create, Fault::Answers(answer.clone()))]);
        let error = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap_err();
        assert_eq!(error.trouble, trouble, "{}: {answer:?}: {error}", bench.what);
    }
}

/// Whichever request of a creation is lost: an issue is there, or it is not, and the error says which, or that it cannot say.
pub(super) async fn every_request_of_a_creation_may_fail_and_the_error_is_true(bench: &Bench) {
    for nth in 0..50 {
        let (_, mut draft, marker) = bench.full();
        // Something that must be made first, each time.
        draft.labels.push(format!("fresh-{nth}"));
        let before = bench.sim.issues().len();
        bench.sim.script([(At::Nth(nth), Fault::LostAnswer)]);
        let asked = bench.sim.asked();
        match create(&*bench.backend, &bench.place, &draft, &marker).await {
            Ok(_) => {
                assert!(bench.sim.asked() - asked <= nth, "{}: request {nth} was lost, and nobody minds", bench.what);
                return;
            }
            Err(error) if error.trouble == ErrorKind::Unknown => {
                assert_eq!(bench.sim.issues().len(), before + 1, "{}: {error}", bench.what);
            }
            Err(error) => {
                assert_eq!(bench.sim.issues().len(), before, "{}: {error}", bench.what);
                assert!(matches!(error.trouble, ErrorKind::Retry { .. }), "{}: {error}", bench.what);
            }
        }
    }
    panic!("{}: a creation takes more than fifty requests", bench.what);
}

pub(super) async fn each_refusal_means_what_it_means(bench: &Bench) {
    let (issue, draft, marker) = bench.full();
    let created = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap();
    let mut after = draft.clone();
    "other".clone_into(&mut after.title);
    let edit = DraftEdit { before: &draft, after: &after };
    for (reply, wait) in bench.sim.vendor(|vendor| vendor.limits()) {
        bench.sim.script([(At::Every, Fault::Answers(reply.clone()))]);
        let created = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap_err();
        let updated = bench.backend.update(&created_at(bench), &edit, None).await.unwrap_err();
        let read = bench.backend.read(&created_at(bench)).await.unwrap_err();
        for error in [created, updated, read] {
            let ErrorKind::Limited { after } = error.trouble else { panic!("{}: {reply:?} means {error:?}", bench.what) };
            assert!(after.abs_diff(wait) <= Duration::from_secs(2), "{}: {after:?} instead of {wait:?}", bench.what);
        }
    }
    for (reply, trouble) in
        [(status(401), ErrorKind::Paused), (status(403), ErrorKind::Denied), (status(500), ErrorKind::Retry { after: None })]
    {
        bench.sim.script([(At::Every, Fault::Answers(reply.clone()))]);
        let error = bench.backend.read(&created.at).await.unwrap_err();
        assert_eq!(error.trouble, trouble, "{}: {reply:?}: {error}", bench.what);
    }
    for fault in [Fault::LostRequest, Fault::Hangs, Fault::Truncated] {
        bench.sim.script([(At::Every, fault.clone())]);
        let error = bench.backend.read(&created.at).await.unwrap_err();
        assert!(matches!(error.trouble, ErrorKind::Retry { .. }), "{}: {fault:?}: {error}", bench.what);
    }
    _ = issue;
}

/// The address of the only issue.
fn created_at(bench: &Bench) -> issue_core::domain::tracker::RemoteRef {
    let id = bench.sim.issues()[0].id.clone();
    issue_core::domain::tracker::RemoteRef { place: bench.place.clone(), key: id.clone(), id, url: None }
}

pub(super) async fn a_broken_page_is_never_an_absence(bench: &Bench) {
    let (_, draft, marker) = bench.full();
    let since = sample::stamp().now;
    create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap();
    bench.sim.vendor(|vendor| (0..8).for_each(|n| vendor.plant(&format!("later {n}"), "x", false, sample::stamp().now)));
    let mut broke = 0;
    for nth in 0..20 {
        bench.sim.script([(At::Nth(nth), Fault::Truncated)]);
        let asked = bench.sim.asked();
        let found = bench.backend.find_by_marker(&bench.place, &marker, since).await;
        if bench.sim.asked() - asked <= nth {
            break;
        }
        broke += 1;
        assert!(!matches!(found, Ok(None)), "{}: page {nth} broke off, and nothing was found", bench.what);
    }
    assert!(broke > 0);
}

pub(super) async fn another_secret_is_used_from_the_next_call_on(bench: &Bench) {
    bench.sim.lets_in("tracker-secret-2");
    let error = bench.backend.list(&bench.place, &ListAsk::default()).await.unwrap_err();
    assert_eq!(error.trouble, ErrorKind::Paused, "{}: {error}", bench.what);
    bench.secret.replace(Some("tracker-secret-2".into()));
    bench.backend.list(&bench.place, &ListAsk::default()).await.unwrap();
}

pub(super) async fn no_error_shows_the_secret(bench: &Bench) {
    let (_, draft, marker) = bench.full();
    for fault in [Fault::LostRequest, Fault::Hangs, Fault::Answers(status(401)), Fault::Answers(status(500)), Fault::Truncated] {
        bench.sim.script([(At::Every, fault)]);
        let errors = [
            create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap_err(),
            bench.backend.list(&bench.place, &ListAsk::default()).await.unwrap_err(),
        ];
        for error in errors {
            let text = format!("{error:?} {error}");
            assert!(!text.contains(SECRET), "{}: {text}", bench.what);
        }
    }
    assert!(!format!("{:?}", bench.secret).contains(SECRET));
}
