//! The promise under SIGKILL: for any death of a process and any outage of the hub, every fact
//! reaches it once, in order, none lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::state_hub::{assert_in_order, with_hub};
use crate::support::database::Database;
use crate::support::hub::{Hub, Mood};
use crate::support::server::{KEY, Server, binary, client, task};

const ISSUES: usize = 800;
/// Creations, edits of every second one, closings.
const REQUESTS: usize = ISSUES * 2 + ISSUES / 2;
const CONNECTIONS: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_killed_at_random_send_the_hub_every_fact_once_and_in_order() {
    crate::support::database::run(crate::support::database::Dialect::Postgres, |db| survive(db, 3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_killed_at_random_sends_the_hub_every_fact_once_and_in_order() {
    crate::support::database::run(crate::support::database::Dialect::Sqlite, |db| survive(db, 1)).await;
}

/// A living process has to answer a request; as the real callers do, a failure is answered by a
/// retry.
struct Caller {
    client: Client,
    bases: Vec<String>,
    turn: usize,
}

impl Caller {
    async fn ask(&mut self, method: Method, path: &str, body: &Value) -> Value {
        loop {
            self.turn += 1;
            let url = format!("{}{path}", self.bases[self.turn % self.bases.len()]);
            let sent = self.client.request(method.clone(), url).bearer_auth(KEY).json(body).send().await;
            let Ok(answer) = sent else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let status = answer.status();
            assert!(status.is_success() || status.is_server_error(), "{path}: {status} {}", answer.text().await.unwrap());
            if status.is_success()
                && let Ok(body) = answer.json().await
            {
                return body;
            }
        }
    }

    async fn live_through(&mut self, n: usize, answered: &Progress) {
        let created = self.ask(Method::POST, "/issues/", &task(&format!("task {n}"), "run-1")).await;
        answered.one();
        let path = format!("/issues/{}", created["issue_id"].as_str().unwrap());
        if n.is_multiple_of(2) {
            self.ask(Method::PATCH, &path, &json!({"title": format!("task {n}, better")})).await;
            answered.one();
        }
        self.ask(Method::POST, &format!("{path}/close"), &json!({})).await;
        answered.one();
    }
}

#[derive(Default)]
struct Progress {
    answered: AtomicUsize,
    changed: Notify,
}

impl Progress {
    fn one(&self) {
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
    }

    async fn reach(&self, count: usize) {
        while self.answered.load(Ordering::SeqCst) < count {
            self.changed.notified().await;
        }
    }
}

async fn survive(db: Database, replicas: usize) {
    let hub = Hub::start().await;
    let start = |port: u16| {
        let mut command = binary();
        // Short leases, so that what a dead process held is free again soon.
        let variables = with_hub(&hub, &[("ISSUE_CORE__WORKER__LEASE", "5s"), ("ISSUE_CORE__STATE_HUB__TIMEOUT", "2s")]);
        command.arg("serve").env("DATABASE_URL", db.url()).env("ISSUE_CORE_API_KEY", KEY).envs(variables);
        command.env("ISSUE_CORE__SERVER__BIND", format!("127.0.0.1:{port}"));
        Server::spawn(command)
    };
    let mut servers: Vec<Server> = (0..replicas).map(|_| start(0)).collect();
    let bases: Vec<String> = servers.iter().map(|server| server.base.clone()).collect();
    let (progress, next) = (Arc::new(Progress::default()), Arc::new(AtomicUsize::new(0)));
    let tasks = TaskTracker::new();
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|turn| {
            let (bases, progress, next) = (bases.clone(), progress.clone(), next.clone());
            tasks.spawn(async move {
                let mut caller = Caller { client: client(), bases, turn };
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= ISSUES {
                        return;
                    }
                    caller.live_through(n, &progress).await;
                }
            })
        })
        .collect();

    // A kill every so often, of another one each time, in every mood of the hub.
    let moods = [Mood::Well, Mood::Refusing(503, None), Mood::Moody, Mood::Hanging, Mood::HangingUp, Mood::Moody, Mood::Well];
    for (round, mood) in moods.into_iter().enumerate() {
        progress.reach(REQUESTS * (round + 1) / (moods.len() + 1)).await;
        hub.mood(mood);
        // No two runs kill at the same point.
        let victim = hub.calls() % replicas;
        let port = servers[victim].port();
        servers[victim].kill();
        servers[victim] = start(port);
    }
    for caller in callers {
        caller.await.unwrap();
    }
    hub.mood(Mood::Well);

    let owed = db.number("select count(*) from events where kind in ('created', 'closed')").await;
    assert_eq!(owed, i64::try_from(2 * ISSUES).unwrap());
    hub.until_told(2 * ISSUES).await;
    while db.count("messages").await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = hub.told();
    let keys: HashSet<&str> = told.iter().map(|told| told.key.as_str()).collect();
    assert_eq!((keys.len(), told.len()), (2 * ISSUES, 2 * ISSUES), "none lost, none invented");
    assert_in_order(&told);
    assert_eq!(hub.faults(), [""; 0]);
    assert_eq!(db.number("select count(*) from deliveries where outcome = 'dead'").await, 0);
    let status = servers[0].get("/readyz").send().await.unwrap().status();
    assert_eq!(status, StatusCode::OK);
}
