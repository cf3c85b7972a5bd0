//! Jira's deliveries, of Cloud and Data Center: signed with `X-Hub-Signature`, named by `X-Atlassian-Webhook-Identifier` where there is
//! such a thing.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WebhookDelivery, hint, word};
use crate::domain::sync::DeliverySubjectKind;
use crate::domain::tracker::Project;

/// The events that a hook sends.
pub(super) const EVENTS: &[&str] =
    &["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JiraDelivery {
    webhook_event: String,
    #[serde(default)]
    issue: Option<JiraDeliveryIssue>,
    #[serde(default)]
    comment: Option<JiraDeliveryComment>,
}

#[derive(Debug, Deserialize)]
struct JiraDeliveryIssue {
    id: String,
    #[serde(default)]
    key: String,
}

/// Data Center sends a comment without its issue. The issue is in the comment's address.
#[derive(Debug, Deserialize)]
struct JiraDeliveryComment {
    #[serde(default, rename = "self")]
    address: String,
}

pub(super) fn hear(delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
    delivery.let_in_hex("x-hub-signature", "sha256=", secrets)?;
    let told: JiraDelivery = delivery.json()?;
    let kind = match told.webhook_event.as_str() {
        "jira:issue_deleted" => Some(DeliverySubjectKind::Deleted),
        event if event.starts_with("jira:issue_") || event.starts_with("comment_") => Some(DeliverySubjectKind::Changed),
        _ => None,
    };
    let project = told.issue.as_ref().and_then(|issue| issue.key.rsplit_once('-')).map(|(project, _)| project.to_owned());
    let id = told.issue.map(|issue| issue.id).or_else(|| issue_of(&told.comment?.address));
    let place = Project { owner: String::new(), repo: String::new(), project: project.unwrap_or_default() };
    let delivery = delivery.name("x-atlassian-webhook-identifier");
    Ok(ParsedDelivery { delivery, event: word(&told.webhook_event), hint: kind.and_then(|kind| hint(kind, place, id)) })
}

/// `…/rest/api/2/issue/10013/comment/10082`
fn issue_of(address: &str) -> Option<String> {
    let id = address.split_once("/issue/")?.1.split('/').next()?;
    (!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())).then(|| id.to_owned())
}

/// A hook as Jira shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct JiraHook {
    #[serde(default, rename = "self")]
    address: String,
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    filters: JiraHookFilters,
}

impl JiraHook {
    pub(super) fn id(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn filter(&self) -> &str {
        &self.filters.issues
    }
}

/// The projects whose events are sent, in Jira's query language.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct JiraHookFilters {
    #[serde(default, rename = "issue-related-events-section")]
    issues: String,
}

/// A hook as we request it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WantedJiraHook<'a> {
    name: &'static str,
    url: &'a str,
    events: &'static [&'static str],
    filters: JiraHookFilters,
    exclude_body: bool,
    enabled: bool,
    secret: &'a str,
}

pub(super) fn wanted<'a>(url: &'a str, secret: &'a SecretString, filter: String) -> WantedJiraHook<'a> {
    let filters = JiraHookFilters { issues: filter };
    WantedJiraHook { name: "issue-core", url, events: EVENTS, filters, exclude_body: false, enabled: true, secret: secret.expose_secret() }
}

/// That project, and those that an earlier run has named: a site has one hook for all of them.
pub(super) fn filter(there: Option<&str>, project: &str) -> String {
    let named = there.and_then(|text| text.strip_prefix("project in (")?.strip_suffix(')'));
    let quoted = format!("\"{}\"", project.replace(['"', '\\'], ""));
    let mut projects: Vec<&str> = named.into_iter().flat_map(|list| list.split(", ")).collect();
    if !projects.contains(&quoted.as_str()) {
        projects.push(&quoted);
    }
    format!("project in ({})", projects.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_project_is_added_once() {
        let one = filter(None, "OPS");
        assert_eq!(one, "project in (\"OPS\")");
        assert_eq!(filter(Some(&one), "OPS"), one);
        assert_eq!(filter(Some(&one), "DEV"), "project in (\"OPS\", \"DEV\")");
        assert_eq!(filter(Some("status = Done"), "DEV"), "project in (\"DEV\")");
    }

    #[test]
    fn the_issue_of_a_comment_stands_in_its_address() {
        assert_eq!(issue_of("http://jira/rest/api/2/issue/10013/comment/10082").as_deref(), Some("10013"));
        for other in ["", "http://jira/issue/", "http://jira/issue/OPS-1/comment/2", "/issue/é"] {
            assert_eq!(issue_of(other), None, "{other}");
        }
    }
}
