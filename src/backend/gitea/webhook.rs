//! Gitea's and Forgejo's deliveries. Both send each other's headers too, so the configured kind says which are looked at.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::hook::{Delivery, Heard, Unheard, hint};
use crate::domain::sync::HintKind;
use crate::domain::tracker::{Place, TrackerKind};

/// What a hook is told of.
const EVENTS: &[&str] = &["issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment"];

#[derive(Debug, Deserialize)]
struct Told {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    is_pull: bool,
    #[serde(default)]
    issue: Option<Issue>,
    #[serde(default)]
    comment: Option<Value>,
    #[serde(default)]
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Issue {
    number: i64,
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    name: String,
    owner: Owner,
}

#[derive(Debug, Deserialize)]
struct Owner {
    login: String,
}

pub(super) fn hear(kind: TrackerKind, delivery: &Delivery<'_>, secrets: &[SecretString]) -> Result<Heard, Unheard> {
    let brand = if kind == TrackerKind::Forgejo { "x-forgejo" } else { "x-gitea" };
    delivery.let_in_hex(&format!("{brand}-signature"), "", secrets)?;
    let told: Told = delivery.json()?;
    let event = delivery.event(&format!("{brand}-event"));
    let deleted = told.action.as_deref() == Some("deleted") && told.comment.is_none();
    let kind = if deleted { HintKind::Deleted } else { HintKind::Changed };
    let issue = told.issue.filter(|issue| issue.pull_request.is_none() && !told.is_pull && event.starts_with("issue"));
    let place = told.repository.map(|repo| Place { owner: repo.owner.login, repo: repo.name, project: String::new() });
    let hint = issue.and_then(|issue| hint(kind, place.unwrap_or_default(), Some(issue.number.to_string())));
    Ok(Heard { delivery: delivery.name(&format!("{brand}-delivery")), event, hint })
}

/// A hook as the server shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Hook {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) config: Shown,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// A hook as it is to be.
#[derive(Debug, Serialize)]
pub(super) struct Wanted<'a> {
    r#type: &'static str,
    active: bool,
    events: &'static [&'static str],
    config: Config<'a>,
}

#[derive(Debug, Serialize)]
struct Config<'a> {
    url: &'a str,
    content_type: &'static str,
    http_method: &'static str,
    secret: &'a str,
}

pub(super) fn wanted<'a>(kind: TrackerKind, url: &'a str, secret: &'a SecretString) -> Wanted<'a> {
    let config = Config { url, content_type: "json", http_method: "post", secret: secret.expose_secret() };
    Wanted { r#type: kind.as_str(), active: true, events: EVENTS, config }
}
