//! The trackers out of the settings: one arm for each kind, and what is the same for all of them.
//!
//! To add a kind: its arm in [`tracker`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::BootError;
use crate::app::{AnswerWaits, App, CreationBudget, Tracker, Trackers, WebhookSetup};
use crate::backend::azure_devops::AzureDevopsBackend;
use crate::backend::gitea::GiteaBackend;
use crate::backend::github::GitHubBackend;
use crate::backend::gitlab::GitLabBackend;
use crate::backend::http::{HttpClient, HttpLimits};
use crate::backend::jira::JiraBackend;
use crate::backend::linear::LinearBackend;
use crate::backend::{Backend, BackendOptions, LineOptions, Secret, TrackerClient, Transport};
use crate::config::{BackendSettings, Settings, TransportKind, read_secret};
use crate::domain::tracker::{BackendTerms, BudgetWindow, ProjectDefaults, RouteTable, TextRules, TrackerKind};

/// A tracker, ready to be called; it does not connect yet. The error names what is wrong with its settings.
pub fn tracker(options: BackendOptions) -> Result<Arc<dyn Backend>, String> {
    Ok(match options.kind {
        TrackerKind::Gitea | TrackerKind::Forgejo => Arc::new(GiteaBackend::new(options)?),
        TrackerKind::GitHub => Arc::new(GitHubBackend::new(options)?),
        TrackerKind::GitLab => Arc::new(GitLabBackend::new(options)?),
        TrackerKind::Linear => Arc::new(LinearBackend::new(options)?),
        TrackerKind::Jira => Arc::new(JiraBackend::new(options)?),
        TrackerKind::AzureDevops => Arc::new(AzureDevopsBackend::new(options)?),
    })
}

/// All of them, with the routes. Opens no connection.
pub(super) fn trackers(settings: &Settings) -> Result<Trackers, BootError> {
    let mut list = Vec::new();
    let mut routing = RouteTable {
        rules: settings.routes.iter().map(crate::config::RouteSettings::rule).collect(),
        default: settings.routing.default.clone(),
        grounds: BTreeMap::new(),
    };
    for (name, backend) in &settings.backends {
        let built = build(name, backend, settings)?;
        let needs = built.backend.needs().to_vec();
        routing.grounds.insert(name.clone(), ProjectDefaults { template: built.template.clone(), needs });
        list.push(built);
    }
    Ok(Trackers::new(list, routing))
}

fn build(name: &str, settings: &BackendSettings, all: &Settings) -> Result<Tracker, BootError> {
    // One TLS implementation for the whole process, whichever entrance it has; a second installation is the same one.
    _ = rustls::crypto::ring::default_provider().install_default();
    let limits = HttpLimits {
        connect: settings.timeout,
        read: settings.timeout,
        total: settings.timeout,
        body: 16 << 20,
        idle: all.worker.concurrency as usize,
    };
    let secret = Secret::new(settings.token.clone());
    let line = LineOptions {
        http: HttpClient::new(limits)?,
        base: settings.base_url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned(),
        transport: transport(settings),
        secret: secret.clone(),
        now: crate::clock::system_now,
    };
    let options = BackendOptions {
        name: name.to_owned(),
        kind: settings.kind,
        line: TrackerClient::new(line),
        names: settings.names(),
        users: settings.users(),
        options: settings.options.clone(),
        page_size: settings.page_size,
        webhook_user: settings.webhook_user.clone(),
    };
    let backend = tracker(options).map_err(|reason| BootError::Backend { name: name.to_owned(), reason })?;
    let capabilities = backend.capabilities().clone();
    let limit = [settings.body_limit, capabilities.body_limit].into_iter().flatten().min();
    let text = TextRules {
        markup: capabilities.markup,
        allow_mentions: settings.allow_mentions,
        allow_references: settings.allow_references,
        limit,
    };
    let windows = settings.budget.clone().unwrap_or_else(|| capabilities.budget.to_vec());
    Ok(Tracker {
        name: name.to_owned(),
        budget: (!windows.is_empty()).then(|| CreationBudget { name: purse(name, settings, all), windows: guarded(windows) }),
        terms: BackendTerms { capabilities, names: settings.names(), users: settings.users(), text },
        backend,
        secret,
        webhook: webhook(name, settings, all),
        timeout: settings.timeout,
        doubt: settings.doubt,
        template: settings.template(),
        estimate: Mutex::default(),
    })
}

fn webhook(name: &str, settings: &BackendSettings, all: &Settings) -> WebhookSetup {
    let url = all.webhooks.public_url.as_deref().map(|url| format!("{}/webhooks/{name}", url.trim_end_matches('/')));
    let secret = Secret::new(settings.webhook_secret.clone());
    WebhookSetup { secret, previous: Secret::new(settings.webhook_secret_previous.clone()), url }
}

fn transport(settings: &BackendSettings) -> Transport {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match settings.transport {
        TransportKind::Direct => Transport::Direct,
        TransportKind::Nango => Transport::Nango {
            base: text(&settings.nango_url).trim_end_matches('/').to_owned(),
            connection_id: text(&settings.nango_connection_id),
            provider_config_key: text(&settings.nango_provider_config_key),
        },
    }
}

/// Backends with the same address and the same secret share a budget, under the name of the first
/// of them.
fn purse(name: &str, settings: &BackendSettings, all: &Settings) -> String {
    let of = |backend: &BackendSettings| {
        let token = backend.token.as_ref().map(|token| token.expose_secret().to_owned());
        (backend.base_url.clone(), backend.nango_url.clone(), backend.nango_connection_id.clone(), token)
    };
    let first = all.backends.iter().find(|(_, other)| of(other) == of(settings));
    first.map_or(name, |(first, _)| first).to_owned()
}

/// What leaves here in one order may arrive in another: a little longer than the vendor's own windows.
fn guarded(windows: Vec<BudgetWindow>) -> Vec<BudgetWindow> {
    let margin = |window: &BudgetWindow| (window.length / 50).min(std::time::Duration::from_secs(2));
    windows.into_iter().map(|window| BudgetWindow { length: window.length + margin(&window), ..window }).collect()
}

pub(super) fn waits(settings: &Settings) -> AnswerWaits {
    // Time is left for the answer itself.
    AnswerWaits { usual: settings.http.wait, most: settings.server.request_timeout.mul_f32(0.9) }
}

/// The backend's name, the secret's file, and the cell that holds the secret.
type Followed = (String, PathBuf, Secret);

/// Follows the files that secrets lie in until `stop`.
pub(super) fn watch(settings: &Settings, app: &Arc<App>, tasks: &TaskTracker, stop: &CancellationToken) {
    let files = |(name, backend): (&String, &BackendSettings)| {
        let Some(tracker) = app.trackers.get(name) else { return Vec::new() };
        let pairs = [(&backend.token_file, &tracker.secret), (&backend.webhook_secret_file, &tracker.webhook.secret)];
        pairs.into_iter().filter_map(|(file, secret)| Some((name.clone(), file.clone()?, secret.clone()))).collect()
    };
    let files: Vec<Followed> = settings.backends.iter().flat_map(files).collect();
    if files.is_empty() {
        return;
    }
    let mut ticks = interval(settings.auth.reload_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (app, stop) = (Arc::downgrade(app), stop.clone());
    tasks.spawn(async move {
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(app) = app.upgrade() else { return };
            reload(&app, &files).await;
        }
    });
}

async fn reload(app: &App, files: &[Followed]) {
    for (name, file, secret) in files {
        let path = file.clone();
        // A file may lie on a disk that hangs.
        let read = tokio::task::spawn_blocking(move || read_secret(&path)).await.unwrap_or_else(|error| Err(error.to_string()));
        match read {
            Ok(text) => {
                if secret.replace(Some(text)) {
                    tracing::info!(backend.name = name, "the credential was read again");
                    app.wake.ring(name);
                }
            }
            Err(reason) => {
                tracing::error!(backend.name = name, %reason, "the credential's file cannot be used; the credential stays as it was");
            }
        }
    }
}
