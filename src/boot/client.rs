//! The API as the command line speaks it: to a server over HTTP, or to the same routes over a store opened in this process.
//!
//! Both ways give the very same answers, because there is one implementation of them. The embedded
//! API admits this process alone: the routes are guarded by a key that is made at the start and
//! never leaves it, so that the history knows the actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::task::TaskTracker;

use super::options::http_options;
use super::{BootError, DatabaseUrl, assemble, tells};
use crate::app::{App, Caller, Keyring, Scope, ValidKeys};
use crate::backend::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use crate::backend::http::{HttpClient, HttpLimits, HttpRequest};
use crate::clock::Clock;
use crate::config::Settings;
use crate::http::{self, LocalRoutes, RequestLimits};
use crate::store::{Store, StoreError};

/// One request.
#[derive(Debug, Clone)]
pub struct ApiRequest<'a> {
    pub method: &'a str,
    /// With its query.
    pub path: String,
    pub headers: Vec<(&'a str, String)>,
    /// A JSON document.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct ApiReply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// The server that answers: remote, or embedded in this process.
pub enum ApiClient {
    Remote(RemoteServer),
    Embedded(EmbeddedServer),
}

/// A server.
pub struct RemoteServer {
    base: String,
    key: Option<SecretString>,
    http: HttpClient,
}

/// The store, opened here.
pub struct EmbeddedServer {
    local: LocalRoutes,
    key: String,
    app: Arc<App>,
    tasks: TaskTracker,
    /// Changes here write messages, for the workers of another process.
    tells: bool,
    wrote: AtomicBool,
}

impl ApiClient {
    /// Nothing is sent yet.
    pub fn remote(base: &str, key: Option<SecretString>) -> Result<Self, BootError> {
        // One TLS implementation for the whole process; a second installation is the same one.
        _ = rustls::crypto::ring::default_provider().install_default();
        let minute = Duration::from_mins(1);
        let limits = HttpLimits { connect: Duration::from_secs(5), read: minute, total: 5 * minute, body: 256 << 20, idle: 4 };
        Ok(Self::Remote(RemoteServer { base: base.trim_end_matches('/').to_owned(), key, http: HttpClient::new(limits)? }))
    }

    /// Opens the store of the settings. The caller is that user, with every scope.
    pub async fn embedded(settings: &Settings, user: &str) -> Result<Self, BootError> {
        let store = open(settings).await?;
        let tasks = TaskTracker::new();
        let mut app = assemble(settings, store, Vec::new(), &tasks)?;
        app.commits = app.commits.announcing(tells(settings));
        let key = Clock::System.stamp().id.to_string();
        let mut keys = ValidKeys::default();
        keys.add(&key.as_str().into(), Caller::new(user, Scope::ALL));
        app.keyring = Keyring::guarded_by(keys);
        let app = Arc::new(app);
        let mut options = http_options(settings);
        // No other client waits for this process, and no network is in between.
        let patient = |terms: RequestLimits| RequestLimits { timeout: Duration::from_mins(10), ..terms };
        (options.ordinary, options.batch, options.compress_above) = (patient(options.ordinary), patient(options.batch), u64::MAX);
        let local = LocalRoutes::new(http::router(&app, &options));
        Ok(Self::Embedded(EmbeddedServer { local, key, app, tasks, tells: tells(settings), wrote: AtomicBool::new(false) }))
    }

    /// Sends one request. A refusal is an answer too; only having none is an error, which says why.
    pub async fn send(&self, ask: ApiRequest<'_>) -> Result<ApiReply, String> {
        match self {
            Self::Remote(remote) => remote.send(ask).await,
            Self::Embedded(embedded) => embedded.send(ask).await,
        }
    }

    /// The server, as text for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Remote(remote) => remote.base.clone(),
            Self::Embedded(embedded) => format!("the embedded store ({})", embedded.app.store.name()),
        }
    }

    /// Lets go of everything.
    pub async fn close(self) {
        if let Self::Embedded(EmbeddedServer { local, app, tasks, tells, wrote, .. }) = self {
            let store = app.store.clone();
            if tells && wrote.into_inner() {
                // Only an optimisation: the workers also poll, a little later.
                _ = store.notify_processes().await;
            }
            drop((local, app));
            tasks.close();
            tasks.wait().await;
            store.close().await;
        }
    }
}

impl RemoteServer {
    async fn send(&self, ask: ApiRequest<'_>) -> Result<ApiReply, String> {
        let mut headers = HeaderMap::new();
        let secret = self.key.as_ref().map(|key| format!("Bearer {}", key.expose_secret()));
        let json = ask.body.as_ref().map(|_| "application/json".to_owned());
        let own = [(AUTHORIZATION.as_str(), secret), ("content-type", json)];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in own.chain(ask.headers) {
            let value = HeaderValue::try_from(value).map_err(|_| format!("the {name} header would hold what no header may"))?;
            headers.insert(name.parse::<HeaderName>().map_err(|error| error.to_string())?, value);
        }
        let url = format!("{}{}", self.base, ask.path);
        let method = ask.method.parse().map_err(|_| format!("{:?} is not a method", ask.method))?;
        let request = HttpRequest { method, url, query: Vec::new(), headers, body: ask.body };
        let answer = self.http.send(request).await.map_err(|error| error.to_string())?;
        Ok(ApiReply { status: answer.status, body: answer.body })
    }
}

impl EmbeddedServer {
    async fn send(&self, mut ask: ApiRequest<'_>) -> Result<ApiReply, String> {
        if ask.method != "GET" {
            self.wrote.store(true, Ordering::Relaxed);
        }
        ask.headers.push((AUTHORIZATION.as_str(), format!("Bearer {}", self.key)));
        if ask.body.is_some() {
            ask.headers.push(("content-type", "application/json".to_owned()));
        }
        let (status, body) = self.local.send(ask.method, &ask.path, &ask.headers, ask.body).await?;
        Ok(ApiReply { status, body })
    }
}

/// Opens it unchanged if its schema is up to date: a migration takes the writer's lock, and a
/// reader need not wait for that.
async fn open(settings: &Settings) -> Result<Arc<dyn Store>, BootError> {
    let place = DatabaseUrl::of(&settings.database);
    let store = place.open(false).await?;
    match store.check().await {
        Err(StoreError::SchemaTooOld { .. }) if settings.database.migrate_on_start => {
            store.close().await;
            Ok(place.open(true).await?)
        }
        checked => checked.map(|()| store).map_err(BootError::from),
    }
}
