//! Upgrades and restarts that no client notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::balancer::Balancer;
use crate::support::database::{Dialect, run, run_empty};
use crate::support::nats::within;
use crate::support::server::{KEY, Server, client, task};
use crate::support::start;

const PROCESSES: usize = 3;
const CALLERS: usize = 16;
/// Each caller files a task so often, as a steady load does.
const PERIOD: Duration = Duration::from_millis(10);
/// How long a process serves after its signal to end. Several times what the balancer needs to
/// notice.
const DRAIN: (&str, &str) = ("ISSUE_CORE__SERVER__DRAIN_DELAY", "500ms");

/// What the callers have seen.
#[derive(Default)]
struct Seen {
    filed: AtomicUsize,
    failed: std::sync::Mutex<Vec<String>>,
    enough: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_processes_restart_one_after_the_other_under_steady_load_and_no_request_fails() {
    run(Dialect::Postgres, |db| async move {
        let balancer = Balancer::start().await;
        let begin = || {
            let server = Server::start_with(&db.url(), &[DRAIN]);
            balancer.add(server.port());
            server
        };
        let servers: Vec<Server> = (0..PROCESSES).map(|_| begin()).collect();
        balancer.until_ready(PROCESSES).await;
        let seen = Arc::new(Seen::default());
        let callers: Vec<_> = (0..CALLERS).map(|n| start(call(n, format!("http://{}", balancer.address), seen.clone()))).collect();

        let mut replaced = Vec::new();
        for mut old in servers {
            // Others are at work meanwhile, and it was itself.
            let before = seen.filed.load(Ordering::SeqCst);
            within(async {
                while seen.filed.load(Ordering::SeqCst) < before + 10 * CALLERS {
                    tokio::time::sleep(PERIOD).await;
                }
            })
            .await;
            let port = old.port();
            old.signal("TERM");
            let (old, ended) = tokio::task::spawn_blocking(move || {
                let ended = old.wait();
                (old, ended)
            })
            .await
            .unwrap();
            assert!(ended.success(), "it did not end in order: {:?}", old.log());
            assert!(balancer.remove(port) > 0, "it was never given a connection");
            replaced.push(begin());
            balancer.until_ready(PROCESSES).await;
        }
        seen.enough.store(true, Ordering::SeqCst);
        for caller in callers {
            caller.await.unwrap();
        }
        assert!(seen.failed.lock().unwrap().is_empty(), "{:?}", seen.failed.lock().unwrap());
        let filed = seen.filed.load(Ordering::SeqCst);
        assert_eq!(db.count("issues").await, i64::try_from(filed).unwrap(), "each task that was answered is there, once");
    })
    .await;
}

/// Files tasks of its own until it is enough.
async fn call(caller: usize, base: String, seen: Arc<Seen>) {
    let client = client();
    let mut pace = tokio::time::interval(PERIOD);
    for n in 0.. {
        pace.tick().await;
        if seen.enough.load(Ordering::SeqCst) {
            return;
        }
        let sent =
            client.post(format!("{base}/issues/")).bearer_auth(KEY).json(&task(&format!("task {n}"), &format!("caller {caller}"))).send();
        let failure = match sent.await {
            Ok(answer) if answer.status() == StatusCode::CREATED => {
                seen.filed.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            Ok(answer) => format!("{}: {}", answer.status(), answer.text().await.unwrap_or_default()),
            Err(error) => format!("{error:?}"),
        };
        seen.failed.lock().unwrap().push(failure);
    }
}

#[tokio::test]
async fn a_process_that_comes_before_the_migration_waits_for_it_and_says_so() {
    run_empty(Dialect::Postgres, |db| async move {
        db.migrate_to(2).await;
        let server = Server::start_with(&db.url(), &[("ISSUE_CORE__DATABASE__MIGRATE_ON_START", "false")]);
        let get = |path: &str| server.client.get(format!("{}{path}", server.base)).send();
        assert_eq!(get("/livez").await.unwrap().status(), StatusCode::OK);
        let unready: Value = get("/readyz").await.unwrap().json().await.unwrap();
        assert_eq!(unready["code"], "not_ready");
        assert!(unready["detail"].as_str().unwrap().contains("issue-core migrate"), "{unready}");
        let numbers = get("/metrics").await.unwrap().text().await.unwrap();
        let pending = numbers.lines().find_map(|line| line.strip_prefix("issue_core_migrations_pending ")).unwrap();
        assert!(pending.parse::<u32>().unwrap() > 0, "{pending}");
        let refused = server.post("/issues/", &task("t", "e")).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "nothing is taken in on a schema that lacks something");

        db.migrate().await.unwrap();
        within(async {
            while get("/readyz").await.unwrap().status() != StatusCode::OK {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(server.post("/issues/", &task("t", "e")).send().await.unwrap().status(), StatusCode::CREATED);
        assert!(get("/metrics").await.unwrap().text().await.unwrap().contains("issue_core_migrations_pending 0\n"));
    })
    .await;
}

/// The migration of the next version has run, and the old pods are there still; or an operator goes
/// back to them.
#[tokio::test]
async fn a_process_works_on_and_starts_on_a_newer_schema_that_only_adds() {
    run(Dialect::Postgres, |db| async move {
        let running = Server::start(&db.url());
        db.execute(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             select 99, 'something more', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
        let started = Server::start(&db.url());
        for (server, event) in [(running, "running"), (started, "started")] {
            let ready = server.client.get(format!("{}/readyz", server.base)).send().await.unwrap();
            assert_eq!(ready.status(), StatusCode::OK, "{event}");
            assert_eq!(server.post("/issues/", &task("t", event)).send().await.unwrap().status(), StatusCode::CREATED);
        }
    })
    .await;
}
