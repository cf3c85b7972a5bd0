//! GitLab's JSON, as far as it is used, and what its failures mean.
//!
//! What may be absent is an `Option`: servers are of many ages and editions. Nothing is translated here.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::backend::http::HttpAnswer;
use crate::backend::{BackendError, ErrorKind, client};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Issue {
    pub(super) iid: i64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) assignees: Vec<User>,
    #[serde(default)]
    pub(super) milestone: Option<Milestone>,
    #[serde(default)]
    pub(super) due_date: Option<NaiveDate>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) web_url: Option<String>,
    #[serde(default)]
    pub(super) references: Option<References>,
    /// The number, among all issues there are, of what it was moved to.
    #[serde(default)]
    pub(super) moved_to_id: Option<i64>,
    /// Without those that GitLab wrote itself.
    #[serde(default)]
    pub(super) user_notes_count: Option<u32>,
}

/// `acme/platform/tools#12`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct References {
    pub(super) full: String,
}

/// A GraphQL query, for what only administrators can read in the REST API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Question {
    query: &'static str,
    variables: BTreeMap<&'static str, String>,
}

impl Question {
    /// Where an issue is, by its number among all.
    pub(super) fn whereabouts(number: i64) -> Self {
        let variables = [("id", format!("gid://gitlab/Issue/{number}"))].into();
        Self { query: "query($id: IssueID!) { issue(id: $id) { reference(full: true) } }", variables }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Told {
    pub(super) data: Option<Whereabouts>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Whereabouts {
    pub(super) issue: Option<Referenced>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Referenced {
    pub(super) reference: String,
}

/// What is needed of an issue that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Made {
    pub(super) iid: i64,
    #[serde(default)]
    pub(super) web_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) username: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Milestone {
    pub(super) id: i64,
    pub(super) title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Note {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) author: Option<User>,
    /// Written by GitLab itself: "closed", "assigned to".
    #[serde(default)]
    pub(super) system: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Project {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) path_with_namespace: Option<String>,
    #[serde(default)]
    pub(super) web_url: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<Namespace>,
    #[serde(default)]
    pub(super) archived: Option<bool>,
    #[serde(default)]
    pub(super) issues_enabled: Option<bool>,
    #[serde(default)]
    pub(super) permissions: Option<Permissions>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Namespace {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) full_path: String,
    #[serde(default)]
    pub(super) web_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) project_access: Option<Access>,
    #[serde(default)]
    pub(super) group_access: Option<Access>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Access {
    #[serde(default)]
    pub(super) access_level: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CreateIssue<'a> {
    pub(super) title: &'a str,
    pub(super) description: String,
    /// Separated by commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) labels: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assignee_ids: Vec<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<NaiveDate>,
}

/// An absent field stays unchanged in the tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct EditIssue<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// `close` or `reopen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_event: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) add_labels: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) remove_labels: String,
    /// All of them: it replaces. 0 alone means no assignee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignee_ids: Option<Vec<i64>>,
    /// 0 takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone_id: Option<i64>,
    /// An empty text takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NewMilestone<'a> {
    pub(super) title: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Text {
    pub(super) body: String,
}

/// GitLab says 429, with a wait or with the moment when the count begins anew.
pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    if answer.status == 429 && answer.retry_after.is_none() {
        let header = |name: &str| answer.headers.get(name)?.to_str().ok();
        let reset = || until(header("ratelimit-reset")?.parse().ok()?, header("date")?);
        let after = reset().unwrap_or(Duration::from_mins(1));
        return Some(BackendError::new(ErrorKind::Limited { after }, format!("answered 429: {}", answer.excerpt())));
    }
    client::refusal(answer)
}

/// Both moments are by the same clock, which is not ours.
fn until(second: i64, date: &str) -> Option<Duration> {
    let now = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    Some((DateTime::from_timestamp(second, 0)? - now).to_std().unwrap_or_default().max(Duration::from_secs(1)))
}

/// Whether it exists already: another client created it in between.
pub(super) fn is_there_already(answer: &HttpAnswer) -> bool {
    let says = |words: &str| String::from_utf8_lossy(&answer.body).contains(words);
    [400, 409].contains(&answer.status) && (says("already been taken") || says("already being used"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::Effect;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        HttpAnswer { status, headers, body: body.as_bytes().to_vec(), effect: Effect::Writes, ..HttpAnswer::default() }
    }

    #[test]
    fn a_limit_is_a_wait_a_moment_or_a_minute() {
        let trouble = |answer: &HttpAnswer| refusal(answer).unwrap().trouble;
        let limited = |seconds| ErrorKind::Limited { after: Duration::from_secs(seconds) };
        assert_eq!(trouble(&HttpAnswer { retry_after: Some(Duration::from_secs(7)), ..answer(429, &[], "Retry later") }), limited(7));
        let headers = [("ratelimit-reset", "1795233690"), ("date", "Sat, 21 Nov 2026 04:00:00 GMT")];
        assert_eq!(trouble(&answer(429, &headers, "")), limited(90));
        assert_eq!(
            trouble(&answer(429, &[], r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#)),
            limited(60)
        );
        assert_eq!(trouble(&answer(403, &[], r#"{"error":"insufficient_scope"}"#)), ErrorKind::Denied);
        assert_eq!(trouble(&answer(400, &[], r#"{"message":{"title":["can't be blank"]}}"#)), ErrorKind::Fail);
        assert!(refusal(&answer(201, &[], "")).is_none());
    }

    #[test]
    fn a_milestone_that_another_client_made_is_there_already() {
        assert!(is_there_already(&answer(
            400,
            &[],
            r#"{"message":{"title":["already being used for another group or project milestone."]}}"#
        )));
        assert!(!is_there_already(&answer(400, &[], r#"{"message":{"title":["can't be blank"]}}"#)));
    }
}
