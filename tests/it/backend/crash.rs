//! The crash matrix: wherever it breaks, there is one issue for each task, and each comment once.
//!
//! Generic over the simulators: the points are the requests of a push, found by counting them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::rig::{Rig, file, task, titled, until_quiet};
use crate::support::database::Database;
use crate::support::server::Server;
use crate::support::sim::{self, At, Call, Fault, Sim};

/// A task's life as far as a tracker sees it.
async fn live(server: &Server, title: &str) {
    let issue = file(server, &task(title)).await;
    server.post(&format!("{issue}/comments"), &json!({"body": format!("said of {title}")})).send().await.unwrap();
    let edit = json!({"description": format!("edited {title}"), "priority": "low"});
    server.request(Method::PATCH, &issue).json(&edit).send().await.unwrap();
}

fn assert_once(sim: &Sim, title: &str, what: &str) {
    let there = titled(sim, title);
    assert_eq!(there.len(), 1, "{what}: {title} is there {} times", there.len());
    let said = there[0].comments.iter().filter(|comment| comment.text.contains("said of")).count();
    assert_eq!(said, 1, "{what}: {:?}", there[0].comments);
    assert!(there[0].body.contains(&format!("edited {title}")), "{what}: {}", there[0].body);
}

#[tokio::test]
async fn an_answer_lost_at_any_point_makes_nothing_twice_and_loses_nothing() {
    for vendor in sim::ALL {
        let rig = Rig::new(Database::sqlite().await, vec![vendor()]).await;
        let (server, sim) = (rig.start(), &rig.sims[0]);
        let kind = sim.vendor(|vendor| vendor.kind());
        for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::Truncated] {
            for nth in 0..60 {
                let title = format!("{fault:?} {nth}");
                sim.script([(At::Nth(nth), fault.clone())]);
                let asked = sim.asked();
                live(&server, &title).await;
                until_quiet(&server).await;
                assert_once(sim, &title, kind.as_str());
                if sim.asked() - asked <= nth {
                    break;
                }
                assert!(nth < 59, "{kind}: one life takes more than sixty requests");
            }
        }
    }
}

#[tokio::test]
async fn a_moody_tracker_holds_everything_once() {
    for vendor in sim::ALL {
        for seed in 1..=2 {
            // A fresh one each time: a search in long lists of many pages, each of which may fail,
            // takes too long.
            let rig = Rig::new(Database::sqlite().await, vec![vendor()]).await;
            let (server, sim) = (rig.start(), &rig.sims[0]);
            let kind = sim.vendor(|vendor| vendor.kind());
            sim.moody(Some(seed));
            let titles: Vec<String> = (0..10).map(|n| format!("seed {seed} task {n}")).collect();
            futures_util::future::join_all(titles.iter().map(|title| live(&server, title))).await;
            until_quiet(&server).await;
            sim.moody(None);
            for title in &titles {
                assert_once(sim, title, &format!("{kind}, seed {seed}"));
            }
        }
    }
}

/// SIGKILL the moment the tracker has done what it was asked, before it answers; then a new process on the same store.
#[tokio::test]
async fn a_process_killed_at_any_point_makes_nothing_twice_and_loses_nothing() {
    const AT_ONCE: usize = 6;
    for vendor in sim::ALL {
        let (mut reached, mut tried) = (0, 0);
        // One life takes a request more or less than another one: there are no more points when none of some in a row is reached.
        loop {
            let points = (tried..tried + AT_ONCE).map(|nth| killed_at(vendor, nth));
            let of_these = futures_util::future::join_all(points).await.into_iter().filter(|reached| *reached).count();
            if of_these == 0 {
                break;
            }
            (reached, tried) = (reached + of_these, tried + AT_ONCE);
            assert!(tried < 60, "one life takes more than sixty requests");
        }
        assert!(reached >= 2, "only {reached} points were reached: at least the creation and the comment are requests");
    }
}

/// Whether the point exists.
async fn killed_at(vendor: &fn() -> Box<dyn sim::Vendor>, nth: usize) -> bool {
    let rig = Rig::new(Database::sqlite().await, vec![vendor()]).await;
    let mut server = rig.start();
    let sim = &rig.sims[0];
    let (killed, pid) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), server.pid());
    let kill = {
        let killed = Arc::clone(&killed);
        Call(Arc::new(move || {
            killed.store(true, std::sync::atomic::Ordering::SeqCst);
            assert!(std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        }))
    };
    let title = format!("killed at {nth}");
    // Everything is accepted before the first request, so that nothing is lost with a post that was never answered.
    sim.script([(At::Every, Fault::LostRequest)]);
    live(&server, &title).await;
    sim.script([(At::Nth(nth), Fault::Then(kill))]);
    let quiet = until_quiet_or(&server, || killed.load(std::sync::atomic::Ordering::SeqCst)).await;
    if !quiet {
        server.wait();
        server = rig.start();
        until_quiet(&server).await;
    }
    assert_once(sim, &title, &format!("killed at request {nth}"));
    !quiet
}

/// Until no message waits (`true`), or something else has happened.
async fn until_quiet_or(server: &Server, other: impl Fn() -> bool) -> bool {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        assert!(std::time::Instant::now() < deadline, "neither quiet nor killed in a minute");
        if other() {
            return false;
        }
        if let Ok(answer) = server.get("/messages").send().await
            && let Ok(page) = answer.json::<serde_json::Value>().await
            && page["items"].as_array().is_some_and(Vec::is_empty)
        {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
