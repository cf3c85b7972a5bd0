//! A tracker for the benchmark: one repository that speaks as much of GitHub's API as a sync run
//! needs, from texts made beforehand, each page after the time given in milliseconds. It does as
//! little work as possible, since it shares the cores with the measured process.
//!
//! `bench-tracker ISSUES MILLISECONDS` prints its address, then serves until it is ended. `POST
//! /edit/N` is a person's edit of issue N, `GET /traffic` counts the requests and the answers since
//! the last `GET /traffic`.

#![allow(clippy::unwrap_used, reason = "a tool that cannot go on should stop where it stands")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// GitHub's own.
const PAGE: usize = 100;

struct Issue {
    number: usize,
    title: String,
    updated: DateTime<Utc>,
    shown: String,
}

#[derive(Default)]
struct Repository {
    /// By the moment of their last change.
    issues: Vec<Issue>,
    requests: usize,
    bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let argument = |n: usize| std::env::args().nth(n).unwrap().parse::<usize>().unwrap();
    let (count, pause) = (argument(1), Duration::from_millis(argument(2) as u64));
    let start = issue_core::boot::now() - TimeDelta::seconds(i64::try_from(count).unwrap() + 3600);
    let issue =
        |n: usize| Issue::new(n + 1, format!("Flag stale SBOM in service {n}"), start + TimeDelta::seconds(i64::try_from(n).unwrap()));
    let repository = Arc::new(Mutex::new(Repository { issues: (0..count).map(issue).collect(), ..Repository::default() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let tasks = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        _ = stream.set_nodelay(true);
        tasks.spawn(serve(stream, pause, Arc::clone(&repository)));
    }
}

async fn serve(mut stream: TcpStream, pause: Duration, repository: Arc<Mutex<Repository>>) {
    let mut buffer = Vec::with_capacity(8 << 10);
    loop {
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let line = String::from_utf8_lossy(&buffer[..end]).lines().next().unwrap_or_default().to_owned();
        // None of these requests has a body.
        buffer.drain(..end);
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
        let answer = repository.lock().unwrap().answer(method, &target);
        if target.starts_with("/repos") {
            tokio::time::sleep(pause).await;
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Issue {
    fn new(number: usize, title: String, updated: DateTime<Utc>) -> Self {
        let at = updated.to_rfc3339_opts(SecondsFormat::Secs, true);
        let shown = format!(
            r#"{{"number":{number},"title":"{title}","body":"The SBOM of this service is older than ninety days.\n\nRebuild it.","state":"open","state_reason":null,"labels":[{{"name":"sbom"}},{{"name":"priority:high"}}],"assignees":[],"milestone":null,"comments":0,"created_at":"{at}","updated_at":"{at}","html_url":"https://github.example.org/acme/tools/issues/{number}","user":{{"login":"ann","id":7}}}}"#
        );
        Self { number, title, updated, shown }
    }
}

impl Repository {
    fn answer(&mut self, method: &str, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["edit", number]) => self.edit(number.parse().unwrap()),
            ("GET", ["traffic"]) => {
                let told = format!("{} requests, {} bytes", self.requests, self.bytes);
                (self.requests, self.bytes) = (0, 0);
                reply(200, "", &told)
            }
            ("GET", ["repos", _, _, "issues"]) => self.list(query),
            ("GET", ["repos", _, _, "issues", number]) => {
                let number = number.parse().ok();
                let shown = self.issues.iter().find(|issue| Some(issue.number) == number).map(|issue| issue.shown.clone());
                self.counted(shown.map_or_else(|| reply(404, "", "{}"), |shown| reply(200, "", &shown)))
            }
            ("GET", ["repos", _, _, "issues", _, "comments"]) => self.counted(reply(200, "", "[]")),
            _ => reply(404, "", "{}"),
        }
    }

    fn counted(&mut self, reply: String) -> String {
        self.requests += 1;
        self.bytes += reply.len();
        reply
    }

    fn edit(&mut self, number: usize) -> String {
        let at = self.issues.iter().position(|issue| issue.number == number).unwrap();
        let title = format!("{}, again", self.issues.remove(at).title);
        self.issues.push(Issue::new(number, title, issue_core::boot::now()));
        reply(204, "", "")
    }

    fn list(&mut self, query: &str) -> String {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let since = value("since").and_then(|text| text.replace("%3A", ":").parse::<DateTime<Utc>>().ok());
        let page: usize = value("page").and_then(|text| text.parse().ok()).unwrap_or(1);
        let first = self.issues.partition_point(|issue| since.is_some_and(|since| issue.updated < since)) + (page - 1) * PAGE;
        let some = &self.issues[first.min(self.issues.len())..(first + PAGE).min(self.issues.len())];
        let mut body = String::with_capacity(some.len() * 500);
        for issue in some {
            _ = write!(body, "{}{}", if body.is_empty() { '[' } else { ',' }, issue.shown);
        }
        body.push_str(if some.is_empty() { "[]" } else { "]" });
        let more = first + PAGE < self.issues.len();
        let link = if more { format!("link: <http://127.0.0.1/?page={}>; rel=\"next\"\r\n", page + 1) } else { String::new() };
        self.counted(reply(200, &link, &body))
    }
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
