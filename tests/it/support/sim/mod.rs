//! Trackers to be tested against: a server that speaks a vendor's API from state of its own, with a script of faults.
//!
//! Here is the server, the script and the proxy; what a vendor is, is its file's ([`Vendor`]). Requests under `/proxy` are taken as
//! the Nango proxy takes them: its own credential, two headers, and none of the vendor's. To add one: its file, its line in [`ALL`].

mod azure_devops;
mod bonds;
mod chance;
mod gitea;
mod github;
mod gitlab;
mod hooks;
mod jira;
mod linear;
mod person;
mod wire;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::{Project, TrackerKind};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

pub(crate) use chance::Chance;
pub(crate) use github::{APP, app as github_app};
pub(crate) use hooks::{Hook, Hooks};
pub(crate) use person::{SimComment, SimEdit, Traffic};
pub(crate) use wire::{Reply, Request};

/// Every tracker there is: the suite, the crash matrix and the mappings run over these.
pub(crate) const ALL: &[fn() -> Box<dyn Vendor>] = &[
    gitea::gitea,
    gitea::forgejo,
    github::github,
    gitlab::paid,
    gitlab::free,
    jira::cloud,
    jira::data_center,
    linear::linear,
    azure_devops::azure_devops,
];

/// Whether this run is about that kind of tracker: `ONLY_TRACKER=linear tests/run backend::cases` leaves out all others.
#[expect(clippy::disallowed_methods, reason = "a knob of the suite, not a setting of the product")]
pub(crate) fn is_chosen(kind: TrackerKind) -> bool {
    let only = std::env::var("ONLY_TRACKER").ok().filter(|only| !only.is_empty());
    only.is_none_or(|only| kind == only.parse().unwrap_or_else(|_| panic!("ONLY_TRACKER={only}: there is no such kind of tracker")))
}

/// What a simulator must be able to do.
pub(crate) trait Vendor: Send + 'static {
    fn kind(&self) -> TrackerKind;

    /// The project of the suite's issues; it exists from the start, and so does a second project,
    /// one page further in every list.
    fn place(&self) -> Project;

    /// `[backends.NAME.options]` for it.
    fn options(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The credential a direct request shows, as the vendor reads it; `None` where it shows none.
    fn credential(&self, request: &Request) -> Option<String>;

    /// Headers by which the vendor knows a caller: none of them may come through the proxy (`authorization` apart, which is its own).
    fn own_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Answers one request as the vendor would, and changes what it changes. The credential was checked before.
    fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Reply;

    /// Whether the request makes an issue. Asked before [`Self::answer`].
    fn creates_issue(&self, request: &Request) -> bool;

    /// Whether the request changes anything.
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    /// How this vendor says that it is too much, each with the wait that is to be read from it.
    fn limits(&self) -> Vec<(Reply, Duration)>;

    /// Everything in [`Self::place`], pull requests left out, oldest first.
    fn issues(&self) -> Vec<SimIssue>;

    /// A person creates an issue, or a pull request if the vendor has them.
    fn plant(&mut self, title: &str, body: &str, pull_request: bool, now: DateTime<Utc>);

    /// A person adds a label to an issue and, if the vendor has users, an assignee.
    fn meddle(&mut self, id: &str, label: &str, person: &str);

    /// A person changes an issue.
    fn person_edits(&mut self, id: &str, edit: &SimEdit, now: DateTime<Utc>);

    /// A person writes a comment; answers the comment's id.
    fn person_comments(&mut self, id: &str, author: &str, text: &str, now: DateTime<Utc>) -> String;

    /// A person edits or deletes a comment.
    fn person_edits_comment(&mut self, id: &str, comment: &str, text: Option<&str>, now: DateTime<Utc>);

    /// See [`Sim::person_relates`]. Called only for a vendor whose capabilities have the relation.
    fn person_relates(&mut self, _id: &str, _relation: Relation, _other: &str, _there: bool, _now: DateTime<Utc>) {}

    /// The issue is deleted.
    fn removes(&mut self, id: &str);

    /// See [`Sim::moves`].
    fn moves(&mut self, id: &str, now: DateTime<Utc>) -> (Project, String);

    /// See [`Sim::forbid`].
    fn forbid(&mut self, id: &str) -> bool;

    /// Whether its answers have names by which they can be asked for again.
    fn has_etags(&self) -> bool {
        false
    }

    /// Whether the request lists what changed, from something that may be behind. What has to be consistent is none.
    fn may_be_late(&self, _request: &Request) -> bool {
        false
    }

    /// The same, as it is now.
    fn copy(&self) -> Box<dyn Vendor>;

    /// The people there are: names that may be assigned.
    fn people(&self) -> &'static [&'static str];

    /// The description of its API that every clone has: files of ours in `tests/fixtures`, or with an `@` one of a vendor's package.
    fn facts(&self) -> &'static [&'static str];

    /// The vendor's description of its API in [`super::vendors::specs`]: a file of `OpenAPI` or Swagger.
    fn description(&self) -> Option<&'static str>;

    /// What the vendor's description leaves out: paths, and queries with a question mark before them.
    fn undescribed(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether that description covers the request; the vendor's comment says why it leaves some
    /// out.
    fn is_described(&self, _request: &Request) -> bool {
        true
    }
}

/// An issue in the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SimIssue {
    pub id: String,
    pub title: String,
    pub body: String,
    pub closed: bool,
    /// Our word for it, where the vendor has a field of its own.
    pub priority: Option<&'static str>,
    /// Every label by name.
    pub labels: Vec<String>,
    pub people: Vec<String>,
    pub milestone: Option<String>,
    pub due: Option<String>,
    /// Oldest first.
    pub comments: Vec<SimComment>,
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is done, and the connection ends without an answer.
    LostAnswer,
    /// It is not done, and the connection ends without an answer.
    LostRequest,
    /// It is done, and the answer breaks off in its middle.
    Truncated,
    /// It is not done; this is the answer.
    Answers(Reply),
    /// It is done after a while.
    Slow(Duration),
    /// It is not done, and there is never an answer.
    Hangs,
    /// It is done, and before the answer this is called: for killing the client.
    Then(Call),
    /// It is done and recorded, the test is informed, and there is never an answer: for killing the
    /// process that waits for it.
    Held(Hold),
}

/// How a test waits for the request that is held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hold(Arc<Notify>);

impl Hold {
    /// Returns once a request is held, also where that was before the call.
    pub(crate) async fn reached(&self) {
        self.0.notified().await;
    }
}

#[derive(Clone)]
pub(crate) struct Call(pub Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The one of that number, counted from 0 since the script was written.
    Nth(usize),
    /// Of the requests that list what changed, the one of that number, counted from 0 since the script was written.
    Page(usize),
    /// The next one that makes an issue.
    Create,
    /// Every one, until the script is written anew.
    Every,
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub request: Request,
    pub at: DateTime<Utc>,
    pub creates: bool,
}

struct Core {
    vendor: Box<dyn Vendor>,
    secret: String,
    script: Vec<(At, Fault)>,
    since_script: usize,
    pages_since_script: usize,
    chance: Option<Chance>,
    skew: TimeDelta,
    recorded: Vec<Recorded>,
    faults: Vec<String>,
    hooks: Hooks,
    cap: Option<usize>,
    late: usize,
    /// As it was before each of the last requests, where lists are late.
    past: VecDeque<Box<dyn Vendor>>,
    traffic: Traffic,
}

/// One simulated tracker. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Sim {
    pub url: String,
    core: Arc<Mutex<Core>>,
    seen: Arc<AtomicUsize>,
}

pub(crate) const SECRET: &str = "tracker-secret-1";
pub(crate) const CONNECTION: (&str, &str) = ("connection-7", "provider-7");

impl Sim {
    #[expect(clippy::unused_async, reason = "it is started where there is a runtime, as everything else that listens")]
    pub(crate) async fn start(vendor: Box<dyn Vendor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let core = Core {
            vendor,
            secret: SECRET.to_owned(),
            script: Vec::new(),
            since_script: 0,
            pages_since_script: 0,
            chance: None,
            skew: TimeDelta::zero(),
            recorded: Vec::new(),
            faults: Vec::new(),
            hooks: Hooks::default(),
            cap: None,
            late: 0,
            past: VecDeque::new(),
            traffic: Traffic::default(),
        };
        let sim = Self { url, core: Arc::new(Mutex::new(core)), seen: Arc::default() };
        let (accepting, tasks) = (sim.clone(), TaskTracker::new());
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                _ = stream.set_nodelay(true);
                let sim = accepting.clone();
                tasks.spawn(async move { sim.serve(stream).await });
            }
        });
        sim
    }

    fn core<T>(&self, work: impl FnOnce(&mut Core) -> T) -> T {
        work(&mut self.core.lock().unwrap())
    }

    pub(crate) fn vendor<T>(&self, work: impl FnOnce(&mut dyn Vendor) -> T) -> T {
        self.core(|core| work(&mut *core.vendor))
    }

    /// From now on exactly this goes wrong.
    pub(crate) fn script(&self, script: impl IntoIterator<Item = (At, Fault)>) {
        self.core(|core| {
            core.script = script.into_iter().collect();
            core.since_script = 0;
            core.pages_since_script = 0;
        });
    }

    /// From now on something goes wrong now and then, the same for the same seed; `None` ends it.
    pub(crate) fn moody(&self, seed: Option<u64>) {
        self.core(|core| core.chance = seed.map(Chance::new));
    }

    /// How far its clock is ahead of ours.
    pub(crate) fn skew(&self, skew: TimeDelta) {
        self.core(|core| core.skew = skew);
    }

    /// The credential it lets in from now on.
    pub(crate) fn lets_in(&self, secret: &str) {
        self.core(|core| secret.clone_into(&mut core.secret));
    }

    pub(crate) fn issues(&self) -> Vec<SimIssue> {
        self.core(|core| core.vendor.issues())
    }

    /// Every request so far.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.core(|core| core.recorded.clone())
    }

    /// The webhooks there are, and what their deliveries came to.
    pub(crate) fn hooks<T>(&self, work: impl FnOnce(&mut Hooks) -> T) -> T {
        self.core(|core| work(&mut core.hooks))
    }

    /// What was wrong with how it was called.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.core(|core| core.faults.clone())
    }

    /// How often it was asked at all.
    pub(crate) fn asked(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = tokio::io::BufReader::new(stream);
        while let Some(request) = wire::read(&mut stream).await {
            let fault = self.core(|core| core.fault(&request));
            self.seen.fetch_add(1, Ordering::SeqCst);
            // No client waits for it any more, and its sender relies on that it comes to nothing
            // after so long: on a busy machine it may have lain here for that long.
            if is_left(stream.get_ref()) {
                return;
            }
            let reply = match fault {
                None => self.core(|core| core.take(&request)),
                Some(Fault::LostRequest) => return,
                Some(Fault::Hangs) => std::future::pending().await,
                Some(Fault::LostAnswer) => {
                    self.core(|core| core.take(&request));
                    return;
                }
                Some(Fault::Truncated) => {
                    let reply = self.core(|core| core.take(&request));
                    wire::write_half(&mut stream, &reply).await;
                    return;
                }
                Some(Fault::Answers(reply)) => reply,
                Some(Fault::Slow(pause)) => {
                    tokio::time::sleep(pause).await;
                    self.core(|core| core.take(&request))
                }
                Some(Fault::Then(Call(call))) => {
                    let reply = self.core(|core| core.take(&request));
                    call();
                    reply
                }
                Some(Fault::Held(Hold(held))) => {
                    self.core(|core| core.take(&request));
                    held.notify_one();
                    std::future::pending().await
                }
            };
            if !wire::write(&mut stream, &reply).await {
                return;
            }
        }
    }
}

/// Beside the tests: a test that waits for a process to start or to end must not keep a tracker from answering.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

/// Whether the other end has closed.
fn is_left(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]).now_or_never(), Some(Ok(0) | Err(_)))
}

impl Core {
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let direct = request.direct();
        let (creates, lists) = (self.vendor.creates_issue(&direct), self.vendor.may_be_late(&direct));
        let (nth, page) = (self.since_script, self.pages_since_script);
        self.since_script += 1;
        self.pages_since_script += usize::from(lists);
        let meant = |at: &At| match at {
            At::Nth(n) => *n == nth,
            At::Page(n) => lists && *n == page,
            At::Create => creates,
            At::Every => true,
        };
        if let Some(found) = self.script.iter().position(|(at, _)| meant(at)) {
            let repeats = matches!(self.script[found].0, At::Every);
            return Some(if repeats { self.script[found].1.clone() } else { self.script.remove(found).1 });
        }
        self.chance.as_mut()?.fault()
    }

    fn now(&self) -> DateTime<Utc> {
        super::sample::stamp().now + self.skew
    }

    fn take(&mut self, request: &Request) -> Reply {
        let now = self.now();
        let mut direct = request.direct();
        direct.cap = self.cap;
        let creates = self.vendor.creates_issue(&direct);
        let mut reply = match self.refused(request) {
            Some(reply) => reply,
            None => match self.hooks.answer(self.vendor.kind(), &direct) {
                Some(reply) => reply,
                None => self.answered(&direct, now),
            },
        };
        // The proxy follows by itself.
        if request.is_proxied()
            && let Some(to) = reply.leads_to()
        {
            reply = self.answered(&Request { path: to, ..direct.clone() }, now);
        }
        if !reply.headers.iter().any(|(name, _)| *name == "date") {
            reply = reply.with("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        self.traffic.requests += 1;
        self.traffic.bytes += reply.body.len();
        self.recorded.push(Recorded { request: direct, at: now, creates: creates && reply.status < 300 });
        reply
    }

    fn answered(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        if self.late > 0 {
            self.past.push_back(self.vendor.copy());
            while self.past.len() > self.late {
                self.past.pop_front();
            }
        }
        let mut reply = self.vendor.answer(request, now);
        if self.late > 0 && self.vendor.may_be_late(request) {
            reply = self.past[0].answer(request, now);
        }
        if !self.vendor.has_etags() || request.method != "GET" || reply.status != 200 {
            return reply;
        }
        let mut hasher = DefaultHasher::new();
        reply.body.hash(&mut hasher);
        let etag = format!("W/\"{:x}\"", hasher.finish());
        let known = request.header("if-none-match") == Some(&etag);
        if known { Reply::empty(304).with("etag", etag) } else { reply.with("etag", etag) }
    }

    /// The client's credential, directly or through the proxy.
    fn refused(&mut self, request: &Request) -> Option<Reply> {
        let bearer = request.header("authorization").and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned);
        let shown = if request.is_proxied() {
            for header in self.vendor.own_headers() {
                if request.header(header).is_some() {
                    self.faults.push(format!("{header} was sent through the proxy"));
                }
            }
            let connection =
                (request.header("connection-id").unwrap_or_default(), request.header("provider-config-key").unwrap_or_default());
            if connection != CONNECTION {
                self.faults.push(format!("the proxy was asked for the connection {connection:?}"));
                return Some(Reply::json(400, &serde_json::json!({"error": "unknown connection"})));
            }
            bearer
        } else {
            self.vendor.credential(request)
        };
        (shown.as_deref() != Some(&self.secret)).then(|| Reply::json(401, &serde_json::json!({"message": "Unauthorized"})))
    }
}
