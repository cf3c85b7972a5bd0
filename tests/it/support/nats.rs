//! NATS for a test: names of its own on the server that `tests/run` starts, or a server of its own that can be stopped.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, DeliverPolicy, pull};
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context, Message};
use async_nats::{Client, ConnectOptions, HeaderMap, Subscriber};
use futures_util::StreamExt as _;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One test's corner of a NATS: its own subjects and streams.
pub(crate) struct Nats {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
}

impl Nats {
    /// On the server of the whole run.
    #[expect(clippy::disallowed_methods, reason = "the suite is told its servers by tests/run")]
    pub(crate) async fn shared() -> Self {
        Self::at(&std::env::var("TEST_NATS_URL").expect("TEST_NATS_URL is not set: start the suite through tests/run")).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        Self::with(url, ConnectOptions::new()).await
    }

    /// On a server that wants a login; the service finds the same one in the URL.
    pub(crate) async fn at_as(server: &NatsServer, user: &str) -> Self {
        Self::with(&server.url_as(user), ConnectOptions::with_user_and_password(user.to_owned(), user.to_owned())).await
    }

    async fn with(url: &str, options: ConnectOptions) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let options = options.retry_on_initial_connect().reconnect_delay_callback(|_| Duration::from_millis(50));
        let client = options.connect(url.to_owned()).await.unwrap();
        Self { url: url.to_owned(), name, jetstream: jetstream::new(client.clone()), client }
    }

    /// What the service needs to know to live in this corner.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let set = |name: &str, value: String| (format!("ISSUE_CORE__NATS__{name}"), value);
        vec![
            ("NATS_URL".to_owned(), self.url.clone()),
            set("TASKS_STREAM", self.tasks_stream()),
            set("TASKS_PREFIX", self.tasks_prefix()),
            set("EVENTS_STREAM", self.events_stream()),
            set("EVENTS_PREFIX", self.events_prefix()),
            set("ACK_WAIT", "2s".to_owned()),
            set("RETRY_DELAY", "50ms".to_owned()),
            set("RETRY_DELAY_MAX", "200ms".to_owned()),
            // What a killed process held is free again soon.
            ("ISSUE_CORE__WORKER__LEASE".to_owned(), "10s".to_owned()),
            set("TIMEOUT", "2s".to_owned()),
        ]
    }

    pub(crate) fn tasks_stream(&self) -> String {
        format!("TASKS_{}", self.name)
    }

    pub(crate) fn tasks_prefix(&self) -> String {
        format!("{}.act.tasks", self.name)
    }

    pub(crate) fn events_stream(&self) -> String {
        format!("EVENTS_{}", self.name)
    }

    pub(crate) fn events_prefix(&self) -> String {
        format!("{}.org.issuecore", self.name)
    }

    pub(crate) fn create_subject(&self, repo: &str) -> String {
        format!("{}.create.{repo}", self.tasks_prefix())
    }

    /// The stream of tasks as an operator would make it, so that a test may publish before the service is there.
    pub(crate) async fn make_tasks_stream(&self) {
        self.make_stream(self.tasks_stream(), vec![format!("{}.>", self.tasks_prefix())]).await;
    }

    pub(crate) async fn make_stream(&self, name: String, subjects: Vec<String>) {
        self.jetstream.create_stream(Config { name, subjects, ..Config::default() }).await.unwrap();
    }

    /// Publishes a task and waits until the stream has it.
    pub(crate) async fn publish(&self, repo: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> u64 {
        let subject = self.create_subject(repo);
        let sent = self.jetstream.publish_with_headers(subject, to_headers(headers), body.into().into()).await.unwrap();
        sent.await.unwrap().sequence
    }

    /// An inbox to be answered in.
    pub(crate) async fn inbox(&self) -> (String, Answers) {
        let inbox = self.client.new_inbox();
        let subscriber = self.client.subscribe(inbox.clone()).await.unwrap();
        self.client.flush().await.unwrap();
        (inbox, Answers(subscriber))
    }

    /// Every message of a stream under a subject, oldest first, as they come.
    pub(crate) async fn read(&self, stream: &str, subject: &str) -> Reader {
        let config = pull::Config { filter_subject: subject.to_owned(), deliver_policy: DeliverPolicy::All, ..pull::Config::default() };
        let consumer: Consumer<pull::Config> = within(self.jetstream.create_consumer_on_stream(config, stream)).await.unwrap();
        Reader(consumer.messages().await.unwrap())
    }

    /// Every event published so far and to come.
    pub(crate) async fn events(&self) -> Reader {
        self.read(&self.events_stream(), &format!("{}.>", self.events_prefix())).await
    }

    /// How many events the stream holds.
    pub(crate) async fn told(&self) -> u64 {
        self.jetstream.get_stream(self.events_stream()).await.unwrap().cached_info().state.messages
    }

    /// The dead, oldest first, as they come.
    pub(crate) async fn dead(&self) -> Reader {
        self.read(&self.tasks_stream(), &format!("{}.dead.>", self.tasks_prefix())).await
    }

    /// Messages of the service's consumer that are not settled yet.
    pub(crate) async fn unsettled(&self) -> u64 {
        let consumer: Consumer<pull::Config> = self.jetstream.get_consumer_from_stream("issue-core", self.tasks_stream()).await.unwrap();
        let info = consumer.cached_info();
        info.num_pending + info.num_ack_pending as u64
    }

    /// Waits until the service's consumer has nothing left.
    pub(crate) async fn until_settled(&self) {
        within(async {
            while self.unsettled().await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

/// What comes into an inbox.
pub(crate) struct Answers(Subscriber);

impl Answers {
    pub(crate) async fn next(&mut self) -> (Value, Option<HeaderMap>) {
        let message = within(self.0.next()).await.unwrap();
        (serde_json::from_slice(&message.payload).unwrap(), message.headers)
    }
}

/// What is in a stream.
pub(crate) struct Reader(pull::Stream);

impl Reader {
    pub(crate) async fn next(&mut self) -> Message {
        let message = within(self.0.next()).await.unwrap().unwrap();
        message.ack().await.unwrap();
        message
    }
}

pub(crate) fn to_headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, *value);
    }
    headers
}

pub(crate) fn header<'a>(message: &'a Message, name: &str) -> &'a str {
    message.headers.as_ref().and_then(|headers| headers.get(name)).unwrap_or_else(|| panic!("no header {name}")).as_str()
}

/// The work's result, if it comes within the patience of a test.
pub(crate) async fn within<T>(work: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it did not happen in time")
}

/// A NATS server of one test, which may stop it and start it again with everything it kept.
pub(crate) struct NatsServer {
    directory: TempDir,
    port: u16,
    child: Option<Child>,
}

impl NatsServer {
    /// Its port is known; it does not run yet. `configuration` is added to the file it starts with.
    pub(crate) fn prepare(configuration: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = TempDir::new().unwrap();
        let store = directory.path().join("store");
        let file = format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n{configuration}\n", store.display());
        std::fs::write(directory.path().join("nats.conf"), file).unwrap();
        Self { directory, port, child: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn url_as(&self, user: &str) -> String {
        format!("nats://{user}:{user}@127.0.0.1:{}", self.port)
    }

    pub(crate) fn start(&mut self) {
        let mut command = Command::new("nats-server");
        command.arg("--config").arg(self.directory.path().join("nats.conf"));
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    /// SIGTERM, and wait until it is gone.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        child.wait().unwrap();
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}
