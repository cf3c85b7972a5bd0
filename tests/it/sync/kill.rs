//! SIGKILL in the middle of a first sync, ten times: it ends complete, and nothing is there twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{all_here, bound, settled};
use crate::backend::rig::{eventually, get};
use crate::support::database::Database;
use crate::support::sim::{self, At, Call, Fault};

crate::support::on_both_stores!(a_first_sync_that_is_killed_ten_times_ends_complete_and_nothing_is_there_twice);

async fn a_first_sync_that_is_killed_ten_times_ends_complete_and_nothing_is_there_twice(db: Database) {
    const ISSUES: usize = 120;
    let rig = bound(db, sim::ALL[2](), &[]).await;
    let sim = &rig.sims[0];
    sim.plant_many(ISSUES);
    sim.set_page_cap(Some(3));
    for round in 0..10 {
        let mut server = rig.start();
        let (killed, pid) = (Arc::new(AtomicBool::new(false)), server.pid());
        let flag = Arc::clone(&killed);
        let kill = Call(Arc::new(move || {
            flag.store(true, Ordering::SeqCst);
            assert!(std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        }));
        // In the middle of a page, a few pages further each time.
        sim.script([(At::Nth(2 + round % 5), Fault::Then(kill))]);
        eventually("it is killed", || async { killed.load(Ordering::SeqCst) }).await;
        server.wait();
        sim.script([]);
        // A hold that nobody gives back ends by itself; nobody wants to wait for that here.
        rig.db.execute("update bindings set leased_until = null").await;
        rig.db.execute("update messages set leased_until = null").await;
    }
    let server = rig.start();
    settled(&server).await;
    let all = all_here(&server).await;
    assert_eq!(all.len(), ISSUES);
    let mut titles: Vec<&str> = all.iter().map(|issue| issue["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), ISSUES, "nothing twice");
    assert_eq!(get(&server, "/messages").await["items"], serde_json::json!([]));
}
