//! GitLab's deliveries, in both of its ways: the secret itself in `X-Gitlab-Token`, or signed as Standard Webhooks have it, with a key
//! that begins with `whsec_`. Such a key is never taken as a token, since then it would have travelled.

use chrono::DateTime;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WINDOW, WebhookDelivery, hint, word};
use crate::backend::signature::{SIGNING, is_secret, is_signed_standard};
use crate::domain::sync::{DeliverySubject, DeliverySubjectKind};
use crate::domain::tracker::Project;

#[derive(Debug, Deserialize)]
struct GitLabDelivery {
    object_kind: String,
    #[serde(default)]
    object_attributes: GitLabDeliveryAttributes,
    #[serde(default)]
    issue: Option<GitLabDeliveryIssue>,
    #[serde(default)]
    project: Option<GitLabDeliveryProject>,
}

#[derive(Debug, Default, Deserialize)]
struct GitLabDeliveryAttributes {
    #[serde(default)]
    iid: Option<i64>,
    #[serde(default)]
    noteable_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GitLabDeliveryIssue {
    iid: i64,
}

#[derive(Debug, Deserialize)]
struct GitLabDeliveryProject {
    path_with_namespace: String,
}

pub(super) fn hear(delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
    let named = verified(delivery, secrets)?;
    let told: GitLabDelivery = delivery.json()?;
    let event = word(&told.object_kind);
    Ok(ParsedDelivery { delivery: delivery.name(named), event, hint: about(told) })
}

/// The header that names the delivery.
fn verified(delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<&'static str, DeliveryRejected> {
    if let Some(shown) = delivery.header("webhook-signature") {
        let signed = delivery.header("webhook-id").zip(delivery.header("webhook-timestamp"));
        if let Some((_, time)) = signed.filter(|signed| is_signed_standard(secrets, *signed, delivery.body, shown)) {
            let moment = time.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            return delivery.fresh(moment, WINDOW).map(|()| "webhook-id");
        }
    }
    let tokens: Vec<SecretString> = secrets.iter().filter(|secret| !secret.expose_secret().starts_with(SIGNING)).cloned().collect();
    delivery.let_in("x-gitlab-token", |shown| is_secret(&tokens, shown)).map(|()| "idempotency-key")
}

fn about(told: GitLabDelivery) -> Option<DeliverySubject> {
    let iid = match told.object_kind.as_str() {
        "issue" => told.object_attributes.iid,
        "note" if told.object_attributes.noteable_type.as_deref() == Some("Issue") => told.issue.map(|issue| issue.iid),
        _ => None,
    };
    let path = told.project.map(|project| project.path_with_namespace).unwrap_or_default();
    let (owner, repo) = path.rsplit_once('/').unwrap_or_default();
    let place = Project { owner: owner.to_owned(), repo: repo.to_owned(), project: String::new() };
    hint(DeliverySubjectKind::Changed, place, iid.map(|iid| iid.to_string()))
}

/// A hook as GitLab shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct GitLabHook {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// A hook as we request it.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in GitLab")]
pub(super) struct WantedGitLabHook<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_token: Option<&'a str>,
    issues_events: bool,
    confidential_issues_events: bool,
    note_events: bool,
    confidential_note_events: bool,
    push_events: bool,
    enable_ssl_verification: bool,
}

pub(super) fn wanted<'a>(url: &'a str, secret: &'a SecretString) -> WantedGitLabHook<'a> {
    let secret = secret.expose_secret();
    let signs = secret.starts_with(SIGNING);
    WantedGitLabHook {
        url,
        token: (!signs).then_some(secret),
        signing_token: signs.then_some(secret),
        issues_events: true,
        confidential_issues_events: true,
        note_events: true,
        confidential_note_events: true,
        push_events: false,
        enable_ssl_verification: true,
    }
}
