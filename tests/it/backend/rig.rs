//! The real binary with simulated trackers behind it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::server::{KEY, Server, binary};
use crate::support::sim::{SECRET, Sim, SimIssue, Vendor};

/// Settings of one service: trackers named `t0`, `t1`, … in the order given, everything quick.
pub(crate) struct Rig {
    pub db: Database,
    pub sims: Vec<Sim>,
    variables: Vec<(String, String)>,
}

impl Rig {
    /// Every task goes to all of them; the first is the one that is reported.
    pub(crate) async fn new(db: Database, vendors: Vec<Box<dyn Vendor>>) -> Self {
        let quick = [
            ("RETRY_BASE", "20ms"),
            ("RETRY_MAX", "100ms"),
            ("BREAKER_PAUSE", "30ms"),
            ("BREAKER_PAUSE_MAX", "100ms"),
            ("POLL", "50ms"),
            ("LEASE", "5s"),
        ];
        let mut variables: Vec<_> =
            quick.iter().map(|(name, value)| (format!("ISSUE_CORE__WORKER__{name}"), (*value).to_owned())).collect();
        // What must fit into the short lease.
        variables.extend(["STATE_HUB", "NATS"].map(|section| (format!("ISSUE_CORE__{section}__TIMEOUT"), "1s".to_owned())));
        let mut sims = Vec::new();
        let names: Vec<String> = (0..vendors.len()).map(|n| format!("t{n}")).collect();
        for (name, vendor) in names.iter().zip(vendors) {
            let (kind, project) = (vendor.kind(), vendor.place());
            let options: serde_json::Map<_, _> =
                vendor.options().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            let sim = Sim::start(vendor).await;
            let fields = [
                ("KIND", kind.as_str().to_owned()),
                ("BASE_URL", sim.url.clone()),
                ("TOKEN", SECRET.to_owned()),
                ("OWNER", project.owner),
                ("REPO", project.repo),
                ("PROJECT", project.project),
                ("OPTIONS", Value::Object(options).to_string()),
                ("TIMEOUT", "1s".to_owned()),
                ("DOUBT", "300ms".to_owned()),
                ("BUDGET", String::new()),
            ];
            let upper = name.to_uppercase();
            variables.extend(fields.into_iter().map(|(field, value)| (format!("ISSUE_CORE__BACKENDS__{upper}__{field}"), value)));
            sims.push(sim);
        }
        variables.push(("ISSUE_CORE__ROUTING__DEFAULT".to_owned(), names.join(",")));
        Self { db, sims, variables }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// All of them but the database and the key.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, arguments: &[&str]) -> Server {
        let mut command = binary();
        command.arg("serve").args(arguments).env("DATABASE_URL", self.db.url()).env("ISSUE_CORE_API_KEY", KEY);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Server::spawn(command)
    }
}

/// A task that every tracker can carry whole, with its title as its key.
pub(crate) fn task(title: &str) -> Value {
    json!({"title": title, "description": "why and how", "target_repo": "activity-core", "labels": ["sbom"], "priority": "high",
        "triggering_event_id": "e1"})
}

/// Files it and answers its path.
pub(crate) async fn file(server: &Server, body: &Value) -> String {
    let answer = server.post("/issues/", body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    format!("/issues/{}", answer.json::<Value>().await.unwrap()["issue_id"].as_str().unwrap())
}

pub(crate) async fn get(server: &Server, path: &str) -> Value {
    server.get(path).send().await.unwrap().json().await.unwrap()
}

/// Asks again until it holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within 40 seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Until no message waits.
pub(crate) async fn until_quiet(server: &Server) {
    eventually("the queue is empty", || async { get(server, "/messages").await["items"].as_array().is_some_and(Vec::is_empty) }).await;
}

/// The issues there with that title.
pub(crate) fn titled(sim: &Sim, title: &str) -> Vec<SimIssue> {
    sim.issues().into_iter().filter(|issue| issue.title == title).collect()
}
