//! Jira's JSON, as far as it is used, and what its failures mean.
//!
//! What may be absent is an `Option`: Cloud and Data Center differ, and so do screens. Nothing is translated here.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::relations::{JiraLink, JiraLinkEnd};
use crate::backend::http::{Effect, HttpAnswer};
use crate::backend::{BackendError, ErrorKind, client};

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Issue {
    pub(super) id: String,
    pub(super) key: String,
    #[serde(default)]
    pub(super) fields: Fields,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Fields {
    pub(super) summary: Option<String>,
    /// A document on Cloud, wiki text on Data Center.
    pub(super) description: Option<Value>,
    pub(super) status: Option<Status>,
    pub(super) priority: Option<Named>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) assignee: Option<User>,
    #[serde(rename = "fixVersions")]
    pub(super) fix_versions: Option<Vec<Version>>,
    pub(super) created: Option<String>,
    pub(super) updated: Option<String>,
    /// Only in the answer for one issue, and not if links are switched off.
    #[serde(rename = "issuelinks")]
    pub(super) links: Option<Vec<JiraLink>>,
    pub(super) parent: Option<JiraLinkEnd>,
    /// The due date, whose field can be chosen, is among these.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    pub(super) name: String,
    #[serde(default, rename = "statusCategory")]
    pub(super) category: Category,
}

/// `new`, `indeterminate`, `done`, or `undefined`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Category {
    #[serde(default)]
    pub(super) key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    /// How some fields name their values.
    #[serde(default)]
    pub(super) value: Option<String>,
}

/// `accountId` on Cloud, `name` on Data Center.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    #[serde(default, rename = "accountId")]
    pub(super) account_id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default, rename = "displayName")]
    pub(super) display_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) archived: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Comment {
    pub(super) id: String,
    #[serde(default)]
    pub(super) body: Value,
    #[serde(default)]
    pub(super) author: Option<User>,
    pub(super) created: String,
    #[serde(default)]
    pub(super) updated: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Comments {
    pub(super) comments: Vec<Comment>,
    pub(super) total: usize,
}

/// A page of a search: with a token on Cloud, with a total on Data Center.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Found {
    pub(super) issues: Vec<Issue>,
    #[serde(default, rename = "nextPageToken")]
    pub(super) next_page_token: Option<String>,
    #[serde(default)]
    pub(super) total: Option<usize>,
}

/// Issues by key, straight from the database. Those that are not there are left out of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fetch<'a> {
    #[serde(rename = "issueIdsOrKeys")]
    pub(super) issues: &'a [String],
    pub(super) fields: Vec<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) key: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Transitions {
    pub(super) transitions: Vec<Transition>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Transition {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) to: Status,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, Field>,
}

/// A field of a screen.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default, rename = "hasDefaultValue")]
    pub(super) has_default: bool,
    #[serde(default)]
    pub(super) name: String,
    /// Absent if the fields are a table by id.
    #[serde(default, rename = "fieldId")]
    pub(super) id: String,
    #[serde(default, rename = "allowedValues")]
    pub(super) allowed: Option<Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct IssueTypes {
    #[serde(alias = "values", rename = "issueTypes")]
    pub(super) types: Vec<IssueType>,
    #[serde(default)]
    pub(super) total: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct IssueType {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Screen {
    #[serde(alias = "values")]
    pub(super) fields: Vec<Field>,
    #[serde(default)]
    pub(super) total: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Projects {
    pub(super) values: Vec<Project>,
    #[serde(default)]
    pub(super) total: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) archived: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Server {
    #[serde(default, rename = "baseUrl")]
    pub(super) base_url: Option<String>,
    #[serde(default, rename = "serverTitle")]
    pub(super) title: Option<String>,
}

/// An issue to be created or edited. An absent field stays unchanged in the tracker.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Write {
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) fields: Map<String, Value>,
    /// By field: what is added and what is taken out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) update: BTreeMap<&'static str, Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Move<'a> {
    pub(super) transition: Id<'a>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) fields: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Id<'a> {
    pub(super) id: &'a str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Text {
    pub(super) body: Value,
}

/// Why Jira refuses.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default, rename = "errorMessages")]
    messages: Vec<String>,
    #[serde(default)]
    errors: BTreeMap<String, Value>,
}

/// Jira's own signals before the general rule.
pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    // Jira may accept a refused credential as an anonymous user: then nothing is visible, and a
    // list is wrongly empty.
    if login_failed(answer) && !(answer.effect == Effect::Writes && answer.is_success()) {
        return Some(BackendError::new(
            ErrorKind::Paused,
            "answered as to an anonymous user (the credential was refused; check the token and options.user)",
        ));
    }
    let error = client::refusal(answer)?;
    let told = told(answer);
    let text = |told: &str| format!("answered {}: {told}", answer.status);
    Some(match (answer.status, told) {
        (429, _) => limited(answer),
        // Two moves of the same issue at once; nothing was done.
        (409, told) => BackendError::new(ErrorKind::Retry { after: answer.retry_after }, text(&told.unwrap_or_default())),
        // Screens, required fields, permissions and unknown values: an operator can fix it in Jira.
        // A text that is too long stays so.
        (400, Some(told)) if !told.contains("too long") && !told.contains("exceed") && !told.contains("must be less than") => {
            BackendError::new(ErrorKind::Denied, text(&told))
        }
        (_, Some(told)) => BackendError::new(error.trouble, text(&told)),
        (_, None) => error,
    })
}

fn login_failed(answer: &HttpAnswer) -> bool {
    let reason = answer.headers.get("x-seraph-loginreason").and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"].iter().any(|word| reason.contains(word))
}

/// Jira's own error texts, each with the field it is about.
fn told(answer: &HttpAnswer) -> Option<String> {
    const MOST: usize = 500;
    let refusal: Refusal = serde_json::from_slice(&answer.body).ok()?;
    let fields = refusal.errors.iter().map(|(field, why)| format!("{field}: {}", why.as_str().unwrap_or_default()));
    let all: Vec<String> = refusal.messages.into_iter().chain(fields).collect();
    let text: String = all.join("; ").chars().filter(|c| !c.is_control()).take(MOST).collect();
    (!text.is_empty()).then_some(text)
}

/// Too much. A limit of one issue's own is no limit of the credential.
fn limited(answer: &HttpAnswer) -> BackendError {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let reason = header("ratelimit-reason").unwrap_or_default();
    let after = answer.retry_after.or_else(|| until(header("x-ratelimit-reset")?, header("date")?));
    let told = format!("answered 429 (too much{}{reason})", if reason.is_empty() { "" } else { ": " });
    let trouble = if reason == "jira-per-issue-on-write" {
        ErrorKind::Retry { after }
    } else {
        ErrorKind::Limited { after: after.unwrap_or(Duration::from_mins(1)) }
    };
    BackendError::new(trouble, told)
}

/// By the other side's own clock.
fn until(reset: &str, now: &str) -> Option<Duration> {
    let reset = DateTime::parse_from_rfc3339(reset).or_else(|_| DateTime::parse_from_str(&reset.replace('Z', "+0000"), "%Y-%m-%dT%H:%M%z"));
    let wait = reset.ok()? - DateTime::parse_from_rfc2822(now).ok()?;
    Some(wait.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests;
