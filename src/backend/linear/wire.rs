//! Linear's JSON, as far as it is used, and what its failures mean: most come in a list of errors,
//! with any status.
//!
//! Nothing is translated here.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::query::GraphqlOperation;
use crate::backend::http::{Effect, HttpAnswer};
use crate::backend::{BackendError, ErrorKind, client};

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question<V> {
    operation_name: &'static str,
    query: &'static str,
    variables: V,
}

impl<V> Question<V> {
    pub(super) const fn new(operation: &GraphqlOperation, variables: V) -> Self {
        Self { operation_name: operation.name, query: operation.text, variables }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: T,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Nodes<T> {
    pub(super) nodes: Vec<T>,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) nodes: Vec<T>,
    pub(super) page_info: PageInfo,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    #[serde(default)]
    pub(super) end_cursor: Option<String>,
}

impl PageInfo {
    /// `Err`: there is more, and no word for how to get it.
    pub(super) fn next(self) -> Result<Option<String>, BackendError> {
        match (self.has_next_page, self.end_cursor) {
            (false, _) => Ok(None),
            (true, Some(cursor)) => Ok(Some(cursor)),
            (true, None) => Err(BackendError::unreadable("a page", "it has a next one and no cursor")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Issue {
    pub(super) id: String,
    pub(super) identifier: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) priority: f64,
    #[serde(default)]
    pub(super) due_date: Option<NaiveDate>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) trashed: Option<bool>,
    pub(super) state: State,
    #[serde(default)]
    pub(super) assignee: Option<User>,
    pub(super) labels: Nodes<Label>,
    /// The comment that was changed last: an issue does not change with its comments.
    #[serde(default)]
    pub(super) comments: Nodes<Changed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct State {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) position: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: String,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) active: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Label {
    pub(super) id: String,
    pub(super) name: String,
    /// Holds labels, and cannot be put on an issue.
    #[serde(default)]
    pub(super) is_group: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) retired_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Organisation {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comment {
    pub(super) id: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    pub(super) url: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) user: Option<User>,
    /// The author, if it is an integration and no user of the workspace.
    #[serde(default)]
    pub(super) bot_actor: Option<Bot>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Bot {
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) identifier: String,
    #[serde(default)]
    pub(super) url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Ground {
    pub(super) team: Team,
    #[serde(default)]
    pub(super) assignee: Option<User>,
    pub(super) labels: Nodes<Label>,
}

/// Under which name each answer comes.
macro_rules! named {
    ($($name:ident { $field:ident: $inner:ty }),+ $(,)?) => {
        $(#[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name {
            pub(super) $field: $inner,
        })+
    };
}

named!(
    Teams { teams: Nodes<Team> },
    States { workflow_states: Nodes<State> },
    Labels { issue_labels: Nodes<Label> },
    LabelCreate { issue_label_create: LabelMade },
    LabelMade { issue_label: Label },
    Users { users: Nodes<User> },
    IssueCreate { issue_create: IssueMade },
    IssueMade { issue: Made },
    OneIssue { issue: Issue },
    OneGround { issue: Ground },
    Issues { issues: Page<Issue> },
    CommentCreate { comment_create: CommentMade },
    CommentMade { comment: Comment },
    OneComment { comment: Comment },
    Comments { issue: CommentsOf },
    CommentsOf { comments: Page<Comment> },
    Viewer { viewer: User },
    OneOrganisation { organization: Organisation },
);

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct TeamsOf {
    pub(super) organization: Organisation,
    pub(super) teams: Page<Team>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateIssue<'a> {
    pub(super) id: String,
    pub(super) team_id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) priority: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignee_id: Option<String>,
    /// Absent: what the team begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<NaiveDate>,
}

/// An absent field stays unchanged in the tracker; `null` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EditIssue<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) added_label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) removed_label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignee_id: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateComment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) issue_id: &'a str,
    pub(super) body: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    errors: Vec<Error>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Error {
    message: String,
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Extensions {
    code: String,
    #[serde(rename = "type")]
    kind: String,
    user_presentable_message: String,
}

fn errors(answer: &HttpAnswer) -> Vec<Error> {
    serde_json::from_slice::<Refused>(&answer.body).unwrap_or_default().errors
}

/// The data, or what is wrong.
pub(super) fn data<T: DeserializeOwned>(answer: &HttpAnswer, what: &str) -> Result<T, BackendError> {
    if let Some(error) = refusal(answer) {
        return Err(error);
    }
    client::read_json::<Answer<T>>(answer, what).map(|answer| answer.data)
}

pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    let Some(error) = errors(answer).into_iter().next() else { return client::refusal(answer) };
    let said =
        if error.extensions.user_presentable_message.is_empty() { &error.message } else { &error.extensions.user_presentable_message };
    let short: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    Some(BackendError::new(trouble(&error, answer), format!("answered {} {}: {short}", answer.status, error.extensions.code)))
}

/// By the code, or by the type, which older answers have: "authentication error".
fn trouble(error: &Error, answer: &HttpAnswer) -> ErrorKind {
    let word = if error.extensions.code.is_empty() { &error.extensions.kind } else { &error.extensions.code };
    match word.to_uppercase().replace(' ', "_").as_str() {
        "RATELIMITED" => ErrorKind::Limited { after: wait(answer) },
        "AUTHENTICATION_ERROR" => ErrorKind::Paused,
        "FORBIDDEN" | "FEATURE_NOT_ACCESSIBLE" | "USAGE_LIMIT_EXCEEDED" => ErrorKind::Denied,
        "LOCK_TIMEOUT" => ErrorKind::Retry { after: None },
        "INTERNAL_SERVER_ERROR" | "INTERNAL_ERROR" | "NETWORK_ERROR" if answer.effect == Effect::Writes => ErrorKind::Unknown,
        "INTERNAL_SERVER_ERROR" | "INTERNAL_ERROR" | "NETWORK_ERROR" => ErrorKind::Retry { after: answer.retry_after },
        _ if is_missing(error) => ErrorKind::Denied,
        _ => client::refusal(answer).map_or(ErrorKind::Fail, |error| error.trouble),
    }
}

fn is_missing(error: &Error) -> bool {
    error.message.contains("Entity not found") || error.message.contains("Could not find")
}

/// Whether what was asked for is not there.
pub(super) fn is_gone(answer: &HttpAnswer) -> bool {
    errors(answer).first().is_some_and(is_missing)
}

/// Whether something with our id is there already: an earlier request, or one still on its way, did it.
pub(super) fn is_taken(answer: &HttpAnswer) -> bool {
    errors(answer).first().is_some_and(|error| {
        let said = format!("{} {}", error.message, error.extensions.user_presentable_message).to_lowercase();
        said.contains("already exists") || said.contains("conflict on insert")
    })
}

/// Whether a label of the name exists already: another client created it in between.
pub(super) fn is_duplicate(answer: &HttpAnswer) -> bool {
    is_taken(answer) || errors(answer).first().is_some_and(|error| error.message.to_lowercase().contains("duplicate label"))
}

/// Until the spent count begins anew. Linear gives milliseconds.
fn wait(answer: &HttpAnswer) -> Duration {
    let header = |name: String| answer.headers.get(name.as_str())?.to_str().ok();
    let now = header("date".to_owned()).and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let until = |kind: &&str| {
        let spent = header(format!("x-ratelimit-{kind}-remaining"))? == "0";
        let reset = DateTime::from_timestamp_millis(header(format!("x-ratelimit-{kind}-reset"))?.parse().ok()?)?;
        (reset - now?.to_utc()).to_std().ok().filter(|_| spent)
    };
    let told = ["requests", "complexity", "endpoint-requests"].iter().filter_map(until).max();
    answer.retry_after.or(told).unwrap_or(Duration::from_mins(1)).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], code: &str, message: &str) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let body = serde_json::json!({"errors": [{"message": message, "extensions": {"code": code, "type": "x"}}]});
        HttpAnswer { status, headers, body: body.to_string().into_bytes(), effect: Effect::Writes, ..HttpAnswer::default() }
    }

    #[test]
    fn the_code_of_an_error_gives_its_meaning_for_any_status() {
        let trouble = |status, code, message| refusal(&answer(status, &[], code, message)).unwrap().trouble;
        assert_eq!(trouble(400, "RATELIMITED", "Rate limit exceeded"), ErrorKind::Limited { after: Duration::from_mins(1) });
        assert_eq!(trouble(400, "AUTHENTICATION_ERROR", "Authentication required"), ErrorKind::Paused);
        assert_eq!(trouble(200, "FORBIDDEN", "no"), ErrorKind::Denied);
        assert_eq!(trouble(400, "INPUT_ERROR", "Entity not found: Team"), ErrorKind::Denied);
        assert_eq!(trouble(400, "INPUT_ERROR", "Argument Validation Error"), ErrorKind::Fail);
        assert_eq!(trouble(200, "INPUT_ERROR", "Argument Validation Error"), ErrorKind::Fail);
        assert_eq!(trouble(200, "INTERNAL_SERVER_ERROR", "oops"), ErrorKind::Unknown);
        assert_eq!(trouble(502, "", "bad gateway"), ErrorKind::Unknown);
        assert_eq!(trouble(401, "", "no"), ErrorKind::Paused);
        let read = refusal(&HttpAnswer { effect: Effect::Reads, ..answer(200, &[], "INTERNAL_SERVER_ERROR", "oops") }).unwrap();
        assert_eq!(read.trouble, ErrorKind::Retry { after: None });
        assert!(is_taken(&answer(400, &[], "INPUT_ERROR", "conflict on insert of Issue: entity with id … already exists")));
    }

    #[test]
    fn a_limit_lasts_until_the_spent_count_begins_anew() {
        let headers = [
            ("date", "Sat, 21 Nov 2026 04:00:00 GMT"),
            ("x-ratelimit-requests-remaining", "12"),
            ("x-ratelimit-requests-reset", "1795236000000"),
            ("x-ratelimit-complexity-remaining", "0"),
            ("x-ratelimit-complexity-reset", "1795233690000"),
        ];
        assert_eq!(wait(&answer(400, &headers, "RATELIMITED", "")), Duration::from_secs(90));
    }
}
