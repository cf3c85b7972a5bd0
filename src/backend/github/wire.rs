//! GitHub's JSON, as far as it is used, and what its failures mean.
//!
//! What may be absent is an `Option`: Enterprise servers are of many ages. Nothing is translated here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::backend::http::HttpAnswer;
use crate::backend::{BackendError, ErrorKind, client};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Issue {
    /// Among all issues there are.
    #[serde(default)]
    pub(super) id: Option<i64>,
    pub(super) number: i64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) state_reason: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) assignees: Option<Vec<User>>,
    #[serde(default)]
    pub(super) milestone: Option<Milestone>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default)]
    pub(super) comments: Option<u32>,
    /// `https://api.github.com/repos/acme/tools`
    #[serde(default)]
    pub(super) repository_url: Option<String>,
    /// `https://api.github.com/repos/acme/tools/issues/12`
    #[serde(default)]
    pub(super) parent_issue_url: Option<String>,
    /// Only of pull requests.
    #[serde(default)]
    pub(super) pull_request: Option<serde_json::Value>,
}

/// What is needed of an issue that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Made {
    pub(super) number: i64,
    #[serde(default)]
    pub(super) html_url: Option<String>,
}

/// Old answers hold the name alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Label {
    Name(String),
    Whole {
        #[serde(default)]
        name: Option<String>,
    },
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
    pub(super) number: i64,
    pub(super) title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Comment {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
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

/// The repositories of an app's installation come in a wrapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Repositories {
    Plain(Vec<Repository>),
    Wrapped { repositories: Vec<Repository> },
}

/// An app, as it sees itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Itself {
    pub(super) slug: String,
}

/// A token of an installation.
#[derive(Clone, Deserialize)]
pub(super) struct Token {
    pub(super) token: secrecy::SecretString,
    pub(super) expires_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CreateIssue<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) assignees: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone: Option<i64>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_reason: Option<&'static str>,
    /// `null` takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) milestone: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Labels<'a> {
    pub(super) labels: &'a [String],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Assignees<'a> {
    pub(super) assignees: &'a [String],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NewMilestone<'a> {
    pub(super) title: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Text<'a> {
    pub(super) body: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    message: String,
    errors: Vec<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    field: Option<String>,
    code: Option<String>,
}

/// What GitHub asks for where it says no time: "wait at least one minute".
const A_WHILE: Duration = Duration::from_mins(1);

pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    if let Some(after) = limit(answer) {
        return Some(BackendError::new(ErrorKind::Limited { after }, format!("answered {}: {}", answer.status, answer.excerpt())));
    }
    if answer.status == 422 && refused(answer).errors.iter().any(|part| part.field.as_deref() == Some("assignees")) {
        let message = format!(
            "an assignee cannot be assigned there: correct the backend's users, or give them access to the repository (answered 422: {})",
            answer.excerpt()
        );
        return Some(BackendError::new(ErrorKind::Denied, message));
    }
    client::refusal(answer)
}

/// Whether it exists already: another client created it in between.
pub(super) fn is_there_already(answer: &HttpAnswer) -> bool {
    answer.status == 422 && refused(answer).errors.iter().any(|part| part.code.as_deref() == Some("already_exists"))
}

fn refused(answer: &HttpAnswer) -> Refused {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Both of its limits come as 403 or 429: the primary one with nothing remaining and the moment
/// when there is again, the secondary one with a wait, or with text only. Too much content at once
/// is a 422.
fn limit(answer: &HttpAnswer) -> Option<Duration> {
    let says = |words: &str| String::from_utf8_lossy(&answer.body).to_lowercase().contains(words);
    match answer.status {
        422 => says("was submitted too quickly").then_some(A_WHILE),
        403 | 429 => {
            let header = |name: &str| answer.headers.get(name)?.to_str().ok();
            let spent = header("x-ratelimit-remaining") == Some("0");
            let reset = || until(header("x-ratelimit-reset")?.parse().ok()?, header("date")?);
            let worded = || answer.status == 429 || says("rate limit") || says("abuse detection");
            answer.retry_after.or_else(|| spent.then(|| reset().unwrap_or(A_WHILE))).or_else(|| worded().then_some(A_WHILE))
        }
        _ => None,
    }
}

/// Both moments are by the same clock, which is not ours.
fn until(second: i64, date: &str) -> Option<Duration> {
    let now = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    Some((DateTime::from_timestamp(second, 0)? - now).to_std().unwrap_or_default().max(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::Effect;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        HttpAnswer { status, headers, body: body.as_bytes().to_vec(), effect: Effect::Writes, ..HttpAnswer::default() }
    }

    fn trouble(answer: &HttpAnswer) -> ErrorKind {
        refusal(answer).unwrap().trouble
    }

    #[test]
    fn limits_and_refusals_are_distinguished_although_both_are_403() {
        let secondary = r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#;
        let date = ("date", "Sat, 21 Nov 2026 04:00:00 GMT");
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795233690"), date];
        let limited = |seconds| ErrorKind::Limited { after: Duration::from_secs(seconds) };
        assert_eq!(trouble(&answer(403, &spent, r#"{"message": "API rate limit exceeded for user ID 1."}"#)), limited(90));
        assert_eq!(trouble(&answer(429, &spent, "")), limited(90));
        assert_eq!(trouble(&answer(403, &[("x-ratelimit-remaining", "41"), date], secondary)), limited(60));
        assert_eq!(trouble(&HttpAnswer { retry_after: Some(Duration::from_secs(7)), ..answer(403, &[], secondary) }), limited(7));
        assert_eq!(trouble(&answer(403, &[], r#"{"message": "You have triggered an abuse detection mechanism."}"#)), limited(60));
        assert_eq!(
            trouble(&answer(422, &[], r#"{"message": "Validation Failed", "errors": [{"message": "was submitted too quickly"}]}"#)),
            limited(60)
        );
        assert_eq!(
            trouble(&answer(403, &[("x-ratelimit-remaining", "41")], r#"{"message": "Resource not accessible by integration"}"#)),
            ErrorKind::Denied
        );
        assert_eq!(trouble(&answer(403, &[], r#"{"message": "Repository was archived so is read-only."}"#)), ErrorKind::Denied);
        assert_eq!(trouble(&answer(401, &[], r#"{"message": "Bad credentials"}"#)), ErrorKind::Paused);
        assert_eq!(
            trouble(&answer(
                422,
                &[],
                r#"{"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]}"#
            )),
            ErrorKind::Fail
        );
        assert_eq!(
            trouble(&answer(
                422,
                &[],
                r#"{"message": "Validation Failed", "errors": [{"value": "eve", "resource": "Issue", "field": "assignees", "code": "invalid"}]}"#
            )),
            ErrorKind::Denied
        );
    }

    #[test]
    fn a_milestone_that_another_client_made_is_there_already() {
        let body = r#"{"message": "Validation Failed", "errors": [{"resource": "Milestone", "code": "already_exists", "field": "title"}]}"#;
        assert!(is_there_already(&answer(422, &[], body)) && !is_there_already(&answer(422, &[], "{}")));
    }
}
