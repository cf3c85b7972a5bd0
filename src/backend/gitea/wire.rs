//! Gitea's and Forgejo's JSON, as far as it is used, and what their failures mean.
//!
//! What may be absent is an `Option`: versions differ. Nothing is translated here.

use serde::{Deserialize, Serialize};

use crate::backend::http::HttpAnswer;
use crate::backend::{BackendError, ErrorKind, client};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Issue {
    pub(super) number: i64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) labels: Option<Vec<Label>>,
    #[serde(default)]
    pub(super) assignees: Option<Vec<User>>,
    #[serde(default)]
    pub(super) milestone: Option<Milestone>,
    #[serde(default)]
    pub(super) due_date: Option<String>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default)]
    pub(super) comments: Option<u32>,
    #[serde(default)]
    pub(super) repository: Option<Whereabouts>,
    /// Only of pull requests.
    #[serde(default)]
    pub(super) pull_request: Option<serde_json::Value>,
    /// Where the server has it (Gitea from 1.26 on): counts the editions of the text.
    #[serde(default)]
    pub(super) content_version: Option<i64>,
}

/// The repository of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Whereabouts {
    pub(super) owner: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Label {
    pub(super) id: i64,
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) id: i64,
    pub(super) login: String,
    #[serde(default)]
    pub(super) html_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Milestone {
    pub(super) id: i64,
    pub(super) title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Comment {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    #[serde(default)]
    pub(super) html_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Repository {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) owner: User,
    #[serde(default)]
    pub(super) full_name: Option<String>,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default)]
    pub(super) archived: Option<bool>,
    #[serde(default)]
    pub(super) has_issues: Option<bool>,
    #[serde(default)]
    pub(super) permissions: Option<Permission>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Permission {
    #[serde(default)]
    pub(super) push: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CreateIssue<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    pub(super) closed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) assignees: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<String>,
}

/// An absent field stays unchanged in the tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct EditIssue<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<&'static str>,
    /// All of them: it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignees: Option<Vec<String>>,
    /// 0 takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unset_due_date: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_version: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Labels {
    pub(super) labels: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NewLabel<'a> {
    pub(super) name: &'a str,
    pub(super) color: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NewMilestone<'a> {
    pub(super) title: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Text<'a> {
    pub(super) body: &'a str,
}

/// Gitea has no limit signals of its own; an archived repository answers 423, which the general rule knows.
pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    client::refusal(answer)
}

/// The same for a write that requires an edition.
pub(super) fn refusal_of_edition(answer: &HttpAnswer) -> Option<BackendError> {
    match answer.status {
        409 | 412 => Some(BackendError::new(ErrorKind::Stale, "another client wrote there in between")),
        _ => refusal(answer),
    }
}

/// How many there are in all, if the server returns it.
pub(super) fn total(answer: &HttpAnswer) -> Option<usize> {
    answer.headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}
