//! Gitea's and Forgejo's deliveries. Both send each other's headers too, so the configured kind
//! decides which are read.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WebhookDelivery, hint};
use crate::domain::sync::DeliverySubjectKind;
use crate::domain::tracker::{Project, TrackerKind};

/// The events that a hook sends.
const EVENTS: &[&str] = &["issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment"];

#[derive(Debug, Deserialize)]
struct GiteaDelivery {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    is_pull: bool,
    #[serde(default)]
    issue: Option<GiteaDeliveryIssue>,
    #[serde(default)]
    comment: Option<Value>,
    #[serde(default)]
    repository: Option<GiteaDeliveryRepository>,
}

#[derive(Debug, Deserialize)]
struct GiteaDeliveryIssue {
    number: i64,
    #[serde(default)]
    pull_request: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct GiteaDeliveryRepository {
    name: String,
    owner: GiteaDeliveryOwner,
}

#[derive(Debug, Deserialize)]
struct GiteaDeliveryOwner {
    login: String,
}

pub(super) fn hear(
    kind: TrackerKind,
    delivery: &WebhookDelivery<'_>,
    secrets: &[SecretString],
) -> Result<ParsedDelivery, DeliveryRejected> {
    let brand = if kind == TrackerKind::Forgejo { "x-forgejo" } else { "x-gitea" };
    delivery.let_in_hex(&format!("{brand}-signature"), "", secrets)?;
    let told: GiteaDelivery = delivery.json()?;
    let event = delivery.event(&format!("{brand}-event"));
    let deleted = told.action.as_deref() == Some("deleted") && told.comment.is_none();
    let kind = if deleted { DeliverySubjectKind::Deleted } else { DeliverySubjectKind::Changed };
    let issue = told.issue.filter(|issue| issue.pull_request.is_none() && !told.is_pull && event.starts_with("issue"));
    let project = told.repository.map(|repo| Project { owner: repo.owner.login, repo: repo.name, project: String::new() });
    let hint = issue.and_then(|issue| hint(kind, project.unwrap_or_default(), Some(issue.number.to_string())));
    Ok(ParsedDelivery { delivery: delivery.name(&format!("{brand}-delivery")), event, hint })
}

/// A hook as the server shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct GiteaHook {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) config: ShownGiteaHook,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ShownGiteaHook {
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// A hook as we request it.
#[derive(Debug, Serialize)]
pub(super) struct WantedGiteaHook<'a> {
    r#type: &'static str,
    active: bool,
    events: &'static [&'static str],
    config: GiteaHookConfig<'a>,
}

#[derive(Debug, Serialize)]
struct GiteaHookConfig<'a> {
    url: &'a str,
    content_type: &'static str,
    http_method: &'static str,
    secret: &'a str,
}

pub(super) fn wanted<'a>(kind: TrackerKind, url: &'a str, secret: &'a SecretString) -> WantedGiteaHook<'a> {
    let config = GiteaHookConfig { url, content_type: "json", http_method: "post", secret: secret.expose_secret() };
    WantedGiteaHook { r#type: kind.as_str(), active: true, events: EVENTS, config }
}
