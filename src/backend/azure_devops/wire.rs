//! The JSON of Azure DevOps, as far as it is used, and what its failures mean.
//!
//! What may be absent is an `Option`: work item types differ. Nothing is translated here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::backend::http::HttpAnswer;
use crate::backend::{BackendError, ErrorKind, client};

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct WorkItem {
    pub(super) id: i64,
    pub(super) rev: i64,
    #[serde(default)]
    pub(super) fields: Map<String, Value>,
    /// By field: `markdown` or `html`. Only newer servers return it.
    #[serde(default, rename = "multilineFieldsFormat")]
    pub(super) formats: Option<BTreeMap<String, String>>,
    /// Where they were asked for, and there are any.
    #[serde(default)]
    pub(super) relations: Vec<Link>,
}

/// To anything: another work item, a commit, a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) rel: String,
    pub(super) url: String,
}

/// A list, which is never a bare array.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Many<T> {
    pub(super) value: Vec<T>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Found {
    #[serde(rename = "workItems")]
    pub(super) items: Vec<Reference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Reference {
    pub(super) id: i64,
}

/// `Proposed`, `InProgress`, `Resolved`, `Completed` or `Removed`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct State {
    pub(super) name: String,
    #[serde(default)]
    pub(super) category: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Identity {
    #[serde(default, rename = "uniqueName")]
    pub(super) unique_name: Option<String>,
    #[serde(default, rename = "displayName")]
    pub(super) display_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Comment {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) format: Option<String>,
    #[serde(default, rename = "createdBy")]
    pub(super) author: Option<Identity>,
    #[serde(rename = "createdDate")]
    pub(super) created: String,
    #[serde(default, rename = "modifiedDate")]
    pub(super) modified: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Comments {
    pub(super) comments: Vec<Comment>,
    #[serde(default, rename = "continuationToken")]
    pub(super) next: Option<String>,
}

/// An iteration: `\Project\Iteration\v1`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Node {
    pub(super) path: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct WorkItemType {
    pub(super) name: String,
    #[serde(default)]
    pub(super) fields: Option<Vec<Field>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Field {
    #[serde(rename = "referenceName")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default, rename = "alwaysRequired")]
    pub(super) required: bool,
    #[serde(default, rename = "defaultValue")]
    pub(super) default: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) state: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Connection {
    #[serde(default, rename = "authenticatedUser")]
    pub(super) user: Option<ConnectedUser>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ConnectedUser {
    #[serde(default, rename = "providerDisplayName")]
    pub(super) name: Option<String>,
}

/// One step of a patch. All of them are done, or none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Step {
    pub(super) op: &'static str,
    pub(super) path: String,
    /// Nothing where something is taken out.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Query {
    pub(super) query: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Batch<'a> {
    pub(super) ids: &'a [i64],
    pub(super) fields: &'a [&'a str],
    #[serde(rename = "errorPolicy")]
    pub(super) on_missing: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Text {
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    message: String,
}

/// The signals of Azure DevOps before the general rule.
pub(super) fn refusal(answer: &HttpAnswer) -> Option<BackendError> {
    // A client without access gets a sign-in page, with the status of a success.
    let sign_in = answer.status == 203 || answer.status == 302 && leads_to_sign_in(answer);
    if sign_in {
        let status = answer.status;
        return Some(BackendError::new(
            ErrorKind::Paused,
            format!("answered {status}, a page to sign in on (the token was refused; make a new one)"),
        ));
    }
    let error = client::refusal(answer)?;
    let Some(told) = told(answer) else { return Some(error) };
    let trouble = match answer.status {
        // Rules of the work item type, values that are not allowed, iterations that are not there:
        // an operator can fix it.
        400 if !told.contains("too long") && !told.contains("TF401326") => ErrorKind::Denied,
        409 | 412 => ErrorKind::Stale,
        _ => error.trouble,
    };
    Some(BackendError::new(trouble, format!("answered {}: {told}", answer.status)))
}

fn leads_to_sign_in(answer: &HttpAnswer) -> bool {
    let to = answer.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_lowercase();
    ["_signin", "login", "oauth2"].iter().any(|word| to.contains(word))
}

fn told(answer: &HttpAnswer) -> Option<String> {
    const MOST: usize = 500;
    let refusal: Refusal = serde_json::from_slice(&answer.body).ok()?;
    Some(refusal.message.chars().filter(|c| !c.is_control()).take(MOST).collect()).filter(|text: &String| !text.is_empty())
}

/// The next page of what is paged by a header.
pub(super) fn continuation(answer: &HttpAnswer) -> Option<String> {
    answer.headers.get("x-ms-continuationtoken")?.to_str().ok().filter(|token| !token.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::Effect;

    fn meaning(status: u16, location: &str, body: &str, effect: Effect) -> Option<ErrorKind> {
        let headers = [(crate::backend::http::header::LOCATION, location.parse().unwrap())].into_iter().collect();
        let answer = HttpAnswer { status, retry_after: None, headers, body: body.as_bytes().to_vec(), truncated: false, effect };
        refusal(&answer).map(|error| error.trouble)
    }

    #[test]
    fn a_page_to_sign_in_on_is_a_refused_token() {
        assert_eq!(meaning(203, "", "<html>", Effect::Reads), Some(ErrorKind::Paused));
        assert_eq!(
            meaning(302, "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com", "", Effect::Writes),
            Some(ErrorKind::Paused)
        );
        assert_eq!(meaning(302, "https://dev.azure.com/other", "", Effect::Reads), Some(ErrorKind::Denied));
    }

    #[test]
    fn what_a_rule_refuses_can_be_fixed_and_a_concurrent_write_is_stale() {
        let body = |message: &str| format!(r#"{{"$id":"1","message":"{message}","typeKey":"RuleValidationException","errorCode":0}}"#);
        assert_eq!(
            meaning(400, "", &body("TF401320: Rule Error for field Team. Error code: Required"), Effect::Writes),
            Some(ErrorKind::Denied)
        );
        assert_eq!(meaning(400, "", "<html>", Effect::Writes), Some(ErrorKind::Fail));
        assert_eq!(meaning(412, "", &body("VS403351: Test Operation for path /rev failed."), Effect::Writes), Some(ErrorKind::Stale));
        assert_eq!(meaning(404, "", &body("TF401232: Work item 7 does not exist"), Effect::Writes), Some(ErrorKind::Denied));
        assert_eq!(meaning(200, "", "{}", Effect::Writes), None);
    }
}
