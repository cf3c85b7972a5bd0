//! A strict stand-in for State Hub: checks every field, remembers idempotency keys, and misbehaves on demand.
//!
//! Spoken by hand over TCP, so that it can also hang, or hang up after it has read everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// How it answers from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Takes it, after that long.
    Slow(Duration),
    /// Takes nothing, and answers this, with `Retry-After` if there is one.
    Refusing(u16, Option<u64>),
    /// Takes nothing, and never answers.
    Hanging,
    /// Takes it, and hangs up without an answer.
    HangingUp,
    /// By turns: well, 503, taken without an answer.
    Moody,
}

/// One progress event as it arrived first.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub key: String,
    pub body: Value,
    pub headers: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct State {
    told: Vec<Told>,
    by_key: HashMap<String, usize>,
    repeats: usize,
    faults: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub url: String,
    state: Arc<Mutex<State>>,
    mood: watch::Sender<Mood>,
    calls: watch::Sender<usize>,
    told: watch::Sender<usize>,
}

const OURS: &[&str] = &[
    "issue_created",
    "issue_started",
    "issue_blocked",
    "issue_unblocked",
    "issue_closed",
    "issue_reopened",
    "issue_review_pending",
    "issue_review_decided",
    "issue_sync_conflict",
    "issue_sync_conflict",
];
const SECRET_LOOKING: &[&str] =
    &["authorization", "cookie", "password", "secret", "api_key", "access_token", "refresh_token", "private_key", "credential"];

impl Hub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mood, calls, told) = (watch::Sender::new(Mood::Well), watch::Sender::new(0), watch::Sender::new(0));
        let hub = Self { url, state: Arc::default(), mood, calls, told };
        let tasks = TaskTracker::new();
        let accepting = hub.clone();
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                _ = stream.set_nodelay(true);
                let hub = accepting.clone();
                tasks.spawn(async move { hub.serve(stream).await });
            }
        });
        hub
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How often it was called at all.
    pub(crate) fn calls(&self) -> usize {
        *self.calls.borrow()
    }

    /// What it received, in the order of arrival, each key once.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.state.lock().unwrap().told.clone()
    }

    /// How often it received a known key again.
    pub(crate) fn repeats(&self) -> usize {
        self.state.lock().unwrap().repeats
    }

    /// What was wrong with the requests that it received.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.state.lock().unwrap().faults.clone()
    }

    /// Until it has received so many events.
    pub(crate) async fn until_told(&self, count: usize) {
        let waiting = async { self.told.subscribe().wait_for(|told| *told >= count).await.map(drop).unwrap() };
        let in_time = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        assert!(in_time.is_ok(), "{} of {count} told after a minute", self.told().len());
    }

    pub(crate) async fn until_called(&self, count: usize) {
        let waiting = async { self.calls.subscribe().wait_for(|calls| *calls >= count).await.map(drop).unwrap() };
        tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("not called in a minute");
    }

    /// As if it knew this key already, with another body.
    pub(crate) fn knows(&self, key: &str) {
        let mut state = self.state.lock().unwrap();
        let at = state.told.len();
        state.told.push(Told { key: key.to_owned(), body: Value::Null, headers: HashMap::new() });
        state.by_key.insert(key.to_owned(), at);
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((line, headers, body)) = read(&mut stream).await {
            let mut call = 0;
            self.calls.send_modify(|calls| {
                *calls += 1;
                call = *calls;
            });
            let mood = *self.mood.borrow();
            let answer = match mood {
                Mood::Well => self.take(&line, headers, &body),
                Mood::Slow(pause) => {
                    tokio::time::sleep(pause).await;
                    self.take(&line, headers, &body)
                }
                Mood::Refusing(status, wait) => (status, wait.map_or_else(String::new, |wait| format!("retry-after: {wait}\r\n"))),
                Mood::Hanging => std::future::pending().await,
                Mood::HangingUp => {
                    self.take(&line, headers, &body);
                    return;
                }
                Mood::Moody => match call % 3 {
                    0 => (503, String::new()),
                    1 => {
                        self.take(&line, headers, &body);
                        return;
                    }
                    _ => self.take(&line, headers, &body),
                },
            };
            let (status, extra) = answer;
            let text = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{extra}content-length: 2\r\n\r\n{{}}");
            if stream.get_mut().write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn take(&self, line: &str, headers: HashMap<String, String>, body: &[u8]) -> (u16, String) {
        let mut state = self.state.lock().unwrap();
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let faults = faults(line, &headers, &value, body.len());
        if !faults.is_empty() {
            state.faults.extend(faults);
            return (422, String::new());
        }
        let key = headers["idempotency-key"].clone();
        if let Some(at) = state.by_key.get(&key).copied() {
            state.repeats += 1;
            return (if state.told[at].body == value { 201 } else { 409 }, String::new());
        }
        let at = state.told.len();
        state.by_key.insert(key.clone(), at);
        state.told.push(Told { key, body: value, headers });
        self.told.send_replace(at + 1);
        (201, String::new())
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, HashMap<String, String>, Vec<u8>)> {
    let mut first = String::new();
    let mut headers = HashMap::new();
    if stream.read_line(&mut first).await.ok()? == 0 {
        return None;
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((first.trim_end().to_owned(), headers, body))
}

/// Everything that the contract fixes.
fn faults(line: &str, headers: &HashMap<String, String>, body: &Value, length: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    check(line == "POST /progress/ HTTP/1.1", format!("request line {line:?}"));
    check(headers.get("content-type").is_some_and(|kind| kind == "application/json"), "not declared as JSON".to_owned());
    check(headers.get("idempotency-key").is_some_and(|key| (1..=255).contains(&key.len())), "no idempotency key".to_owned());
    check(length <= 64 << 10, format!("{length} bytes are too many"));
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    check(!text("summary").trim().is_empty() && !text("summary").contains('\n'), format!("summary {}", body["summary"]));
    check(OURS.contains(&text("event_type")), format!("event_type {}", body["event_type"]));
    check(!text("author").is_empty(), "no author".to_owned());
    check(body["detail"].is_object(), "no detail".to_owned());
    for (name, value) in body.as_object().into_iter().flatten() {
        let id = value.as_str().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok());
        match name.as_str() {
            "summary" | "event_type" | "author" | "detail" => {}
            "topic_id" | "workstream_id" => check(id, format!("{name} {value}")),
            _ => check(false, format!("a field {name}")),
        }
    }
    for name in body["detail"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()) {
        check(!SECRET_LOOKING.iter().any(|secret| name.contains(secret)), format!("detail.{name} looks like a secret"));
    }
    faults
}
