//! GitHub's deliveries: signed with `X-Hub-Signature-256`, named by `X-GitHub-Delivery`, and their
//! hooks.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WebhookDelivery, hint};
use crate::domain::sync::DeliverySubjectKind;
use crate::domain::tracker::Project;

/// The events that a hook sends.
pub(super) const EVENTS: &[&str] = &["issues", "issue_comment"];

#[derive(Debug, Deserialize)]
struct GitHubDelivery {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    issue: Option<GitHubDeliveryIssue>,
    #[serde(default)]
    repository: Option<GitHubDeliveryRepository>,
}

#[derive(Debug, Deserialize)]
struct GitHubDeliveryIssue {
    number: i64,
    /// Of pull requests, which have the same events.
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct GitHubDeliveryRepository {
    name: String,
    owner: GitHubDeliveryOwner,
}

#[derive(Debug, Deserialize)]
struct GitHubDeliveryOwner {
    login: String,
}

pub(super) fn hear(delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
    delivery.let_in_hex("x-hub-signature-256", "sha256=", secrets)?;
    let told: GitHubDelivery = delivery.json()?;
    let event = delivery.event("x-github-event");
    let kind = match (event.as_str(), told.action.as_deref()) {
        ("issues", Some("deleted")) => Some(DeliverySubjectKind::Deleted),
        ("issues" | "issue_comment", _) => Some(DeliverySubjectKind::Changed),
        _ => None,
    };
    let issue = told.issue.filter(|issue| issue.pull_request.is_none());
    let project = told.repository.map(|repo| Project { owner: repo.owner.login, repo: repo.name, project: String::new() });
    let hint = kind.and_then(|kind| hint(kind, project.unwrap_or_default(), issue.map(|issue| issue.number.to_string())));
    Ok(ParsedDelivery { delivery: delivery.name("x-github-delivery"), event, hint })
}

/// A hook as GitHub shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct GitHubHook {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) config: ShownGitHubHook,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ShownGitHubHook {
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// A hook as we request it.
#[derive(Debug, Serialize)]
pub(super) struct WantedGitHubHook<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    active: bool,
    events: &'static [&'static str],
    config: GitHubHookConfig<'a>,
}

#[derive(Debug, Serialize)]
struct GitHubHookConfig<'a> {
    url: &'a str,
    content_type: &'static str,
    secret: &'a str,
    insecure_ssl: &'static str,
}

/// A webhook as it shall be, for an edit of one that is there.
pub(super) fn wanted<'a>(url: &'a str, secret: &'a SecretString) -> WantedGitHubHook<'a> {
    let config = GitHubHookConfig { url, content_type: "json", secret: secret.expose_secret(), insecure_ssl: "0" };
    WantedGitHubHook { name: None, active: true, events: EVENTS, config }
}

/// The same for a new webhook, which needs GitHub's kind.
pub(super) fn wanted_new<'a>(url: &'a str, secret: &'a SecretString) -> WantedGitHubHook<'a> {
    WantedGitHubHook { name: Some("web"), ..wanted(url, secret) }
}

/// One attempt to deliver.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct GitHubDeliveryAttempt {
    pub(super) id: i64,
    /// The same for every attempt at one delivery.
    pub(super) guid: String,
    pub(super) delivered_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) status_code: i64,
}

/// For every delivery without a successful attempt, its last attempt; `attempts` come newest first.
pub(super) fn failed(attempts: &[GitHubDeliveryAttempt]) -> Vec<i64> {
    let arrived = |guid: &str| attempts.iter().any(|attempt| attempt.guid == guid && (200..300).contains(&attempt.status_code));
    let mut seen = Vec::new();
    let mut failed = Vec::new();
    for attempt in attempts {
        if !seen.contains(&&attempt.guid) {
            seen.push(&attempt.guid);
            if !arrived(&attempt.guid) {
                failed.push(attempt.id);
            }
        }
    }
    failed
}
