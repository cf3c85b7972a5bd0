//! SIGKILL in the middle of a first sync, ten times: each next process resumes at the page the one before waited for. In the end the sync
//! is complete, and no issue exists twice.
//!
//! The simulator holds the answer to a page, so the process is killed at that page on any machine,
//! even a busy one.

use super::{all_here, bound, settled};
use crate::backend::rig::{eventually, get};
use crate::support::database::Database;
use crate::support::sim::{self, At, Fault, Hold, Sim, Vendor};

crate::support::on_both_stores!(a_first_sync_that_is_killed_ten_times_resumes_at_its_page_and_nothing_is_there_twice);

const ISSUES: usize = 120;

/// A page begins with the last issue of the page before it, so each further page shows two new ones.
const PER_PAGE: usize = 3;

/// The answered pages of one process.
const ANSWERED: usize = 2;

async fn a_first_sync_that_is_killed_ten_times_resumes_at_its_page_and_nothing_is_there_twice(db: Database) {
    let vendor = sim::ALL[2]();
    let mut rig = bound(db, sim::ALL[2](), &[]).await;
    // Long enough that the process neither gives up on the last page nor loses its lease.
    rig.set("ISSUE_CORE__BACKENDS__T0__TIMEOUT", "10m");
    rig.set("ISSUE_CORE__WORKER__LEASE", "1h");
    let sim = &rig.sims[0];
    sim.plant_many(ISSUES);
    sim.set_page_cap(Some(PER_PAGE));
    let mut pages = Vec::new();
    for round in 1..=10 {
        let hold = Hold::default();
        sim.script([(At::Page(ANSWERED), Fault::Held(hold.clone()))]);
        let mut server = rig.start();
        hold.reached().await;
        // The last issue of a page is written together with the cursor: when it is here, the cursor stands behind it.
        let shown = 1 + round * ANSWERED * (PER_PAGE - 1);
        eventually("every answered page is written", || async { all_here(&server).await.len() == shown }).await;
        server.kill();
        pages.extend(listed(sim, &*vendor).split_off(pages.len()));
        let (asked, last) = (round * (ANSWERED + 1), pages.len() - 1);
        assert_eq!(pages.len(), asked, "one process asks for {ANSWERED} pages and the held one: {pages:?}");
        if round > 1 {
            assert_eq!(pages[last - ANSWERED], pages[last - ANSWERED - 1], "the process resumes at the page that was held");
        }
        // The killed process released nothing; without this the next one waits for the end of the leases.
        rig.db.execute("update bindings set leased_until = null").await;
        rig.db.execute("update messages set leased_until = null").await;
    }
    sim.script([]);
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

/// Every page that was asked for so far, by its query.
fn listed(sim: &Sim, vendor: &dyn Vendor) -> Vec<Vec<(String, String)>> {
    sim.recorded().into_iter().filter(|one| vendor.may_be_late(&one.request)).map(|one| one.request.query).collect()
}
