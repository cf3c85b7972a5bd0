//! The real binary as a child process, and a client for it.

#![expect(clippy::disallowed_methods, reason = "the suite's own client, not the product's")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::watch;

pub const KEY: &str = "test-key";

/// One running service. Killed when dropped.
pub struct Server {
    child: Child,
    pub base: String,
    pub client: Client,
    /// What it printed before it was ready.
    pub banner: Vec<String>,
    log: watch::Receiver<Vec<String>>,
}

/// A command for the binary under test that sees none of our own environment.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_issue-core"));
    command.env_clear().env("ISSUE_CORE__SERVER__BIND", "127.0.0.1:0");
    command
}

pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| _ = rustls::crypto::ring::default_provider().install_default());
    Client::builder().pool_max_idle_per_host(256).build().unwrap()
}

impl Server {
    /// Starts on the database of that URL with a key set, and waits until it listens.
    pub fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[])
    }

    pub fn start_with(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = binary();
        command.arg("serve").env("DATABASE_URL", database_url).env("ISSUE_CORE_API_KEY", KEY).envs(variables.iter().copied());
        Self::spawn(command)
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        // Read to the end so that the child never blocks on a full pipe; shown when a test fails.
        let (lines, log) = watch::channel(Vec::new());
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| {
                eprintln!("{line}");
                lines.send_modify(|lines| lines.push(line));
            });
        });
        let mut banner = Vec::new();
        let mut base = None;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(Ok(line)) = lines.next() {
            base = base.or_else(|| line.split(" on ").nth(1).map(str::to_owned));
            // The last line of `serve` and of `worker`.
            let last = ["try", "tells"].iter().any(|word| line.trim_start().starts_with(word));
            banner.push(line);
            if last {
                break;
            }
        }
        let base = base.unwrap_or_else(|| panic!("the service did not start; it printed {banner:?}"));
        Self { child, base, client: client(), banner, log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn port(&self) -> u16 {
        self.base.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(KEY)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    /// Waits for a line of its log that contains the text, an earlier one too.
    pub async fn logged(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(text)).cloned();
        let wait = log.wait_for(|lines| find(lines).is_some());
        let lines = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
        let lines = lines.unwrap_or_else(|_| panic!("{text:?} was not logged")).expect("the log ended");
        find(&lines).unwrap()
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL, and wait until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The contract's ten fields, with a title and an event of one's own.
pub fn task(title: &str, event: &str) -> Value {
    json!({
        "title": title, "description": "", "target_repo": "activity-core", "priority": "high", "labels": ["sbom"],
        "due_in_days": null, "source_type": "rule", "source_id": "flag-stale-sbom",
        "triggering_event_id": event, "activity_definition_id": "0190163d-8694-739b-aea5-966c26f8ad91",
    })
}
