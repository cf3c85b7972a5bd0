//! One issue in the tracker for each task, even if the tracker is slow with all that precedes the
//! creation.

use std::time::Duration;

use serde_json::json;

use super::rig::{Rig, eventually, file, task, titled, until_quiet};
use crate::support::database::Database;
use crate::support::sim::{self, At, Fault};

crate::support::on_both_stores!(slow_label_look_ups_never_make_an_issue_twice,);

/// Each call takes long, each task has labels of its own, and all of them together take several
/// leases. A worker that takes over a message must not create beside the worker that still waits
/// for its labels.
async fn slow_label_look_ups_never_make_an_issue_twice(db: Database) {
    const TASKS: usize = 4;
    let mut rig = Rig::new(db, vec![sim::ALL[0]()]).await;
    rig.set("ISSUE_CORE__WORKER__LEASE", "5s");
    rig.set("ISSUE_CORE__BACKENDS__T0__TIMEOUT", "1s");
    rig.set("ISSUE_CORE__BACKENDS__T0__DOUBT", "1s");
    let sim = &rig.sims[0];
    sim.script([(At::Every, Fault::Slow(Duration::from_millis(900)))]);
    let server = rig.start();
    for n in 0..TASKS {
        let mut body = task(&format!("Slow {n}"));
        body["labels"] = json!([format!("first-{n}"), format!("second-{n}")]);
        file(&server, &body).await;
    }
    eventually("every task arrives", || async { sim.issues().len() >= TASKS }).await;
    sim.script([]);
    until_quiet(&server).await;
    for n in 0..TASKS {
        let there = titled(sim, &format!("Slow {n}"));
        assert_eq!(there.len(), 1, "task {n} is there {} times", there.len());
        assert!(there[0].labels.contains(&format!("second-{n}")), "{there:?}");
    }
}
