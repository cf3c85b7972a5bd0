//! The port of the commands: one question to the API, one answer, in the API's own JSON, from a server or in-process.
//!
//! Nothing here knows a command's subject. A refusal becomes a [`CliError`] with the server's own
//! text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{CliError, ReceivedProblem};
use crate::boot::{ApiClient, ApiReply, ApiRequest};

pub(super) struct IssueApi {
    client: ApiClient,
    whom: String,
}

/// What was asked for, as it came.
#[derive(Debug)]
pub(super) struct ApiAnswer {
    pub(super) status: u16,
    body: Vec<u8>,
    whom: String,
}

/// A page, or several of them read one after another.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ApiPage {
    pub(super) items: Vec<Box<RawValue>>,
    pub(super) next_cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
}

/// Pairs of a query, each value as it is.
pub(super) type UrlQuery = Vec<(&'static str, String)>;

const MOST_PER_PAGE: usize = 200;

impl IssueApi {
    pub(super) fn new(client: ApiClient) -> Self {
        let whom = client.describe();
        Self { client, whom }
    }

    pub(super) fn whom(&self) -> &str {
        &self.whom
    }

    pub(super) async fn close(self) {
        self.client.close().await;
    }

    pub(super) async fn get(&self, path: &str) -> Result<ApiAnswer, CliError> {
        self.call("GET", path, None, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<ApiAnswer, CliError> {
        self.call("POST", path, Some(body.to_string().into_bytes()), None).await
    }

    /// Files a task, under a key that makes it safe to repeat if there is one.
    pub(super) async fn file(&self, path: &str, body: Vec<u8>, key: Option<&str>) -> Result<ApiAnswer, CliError> {
        self.send("POST", path, Some(body), key.map(|key| ("idempotency-key", key.to_owned()))).await
    }

    /// `edition`: only if the issue still has that version.
    pub(super) async fn call(&self, method: &str, path: &str, body: Option<Vec<u8>>, edition: Option<i64>) -> Result<ApiAnswer, CliError> {
        self.send(method, path, body, edition.map(|version| ("if-match", format!("\"{version}\"")))).await
    }

    /// Writes a whole record; `new`: only if there is none of that name. If the server requires
    /// `If-Match`, the record is read first.
    pub(super) async fn put(&self, path: &str, body: Vec<u8>, new: bool) -> Result<ApiAnswer, CliError> {
        if new {
            return self.send("PUT", path, Some(body), Some(("if-none-match", "*".to_owned()))).await;
        }
        match self.call("PUT", path, Some(body.clone()), None).await {
            Err(CliError::Problem(problem)) if problem.status == 428 => match self.get(path).await {
                Ok(_) => self.send("PUT", path, Some(body), Some(("if-match", "*".to_owned()))).await,
                Err(_) => self.send("PUT", path, Some(body), Some(("if-none-match", "*".to_owned()))).await,
            },
            answer => answer,
        }
    }

    /// Takes something away. Where the server wants to know what was seen, any edition of it will do.
    pub(super) async fn delete(&self, path: &str) -> Result<ApiAnswer, CliError> {
        match self.call("DELETE", path, None, None).await {
            Err(CliError::Problem(problem)) if problem.status == 428 => {
                self.send("DELETE", path, None, Some(("if-match", "*".to_owned()))).await
            }
            answer => answer,
        }
    }

    /// Resolves a conflict. If the server requires `If-Match`, the conflict is read first.
    pub(super) async fn decide(&self, conflict: &str, body: &Value) -> Result<ApiAnswer, CliError> {
        let path = format!("{conflict}/resolve");
        match self.post(&path, body).await {
            Err(CliError::Problem(problem)) if problem.status == 428 => {
                let seen: Value = self.get(conflict).await?.json()?;
                self.call("POST", &path, Some(body.to_string().into_bytes()), seen["edition"].as_i64()).await
            }
            answer => answer,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>, header: Option<(&str, String)>) -> Result<ApiAnswer, CliError> {
        let headers = header.into_iter().collect();
        let sent = self.client.send(ApiRequest { method, path: path.to_owned(), headers, body }).await;
        let ApiReply { status, body } = sent.map_err(|reason| CliError::Unreachable { whom: self.whom.clone(), reason })?;
        let answer = ApiAnswer { status, body, whom: self.whom.clone() };
        if status / 100 == 2 { Ok(answer) } else { Err(answer.refusal()) }
    }

    /// Changes an issue. If the server requires `If-Match`, the issue is read first.
    pub(super) async fn act(&self, method: &str, issue: &str, act: &str, body: Option<Value>) -> Result<ApiAnswer, CliError> {
        let path = format!("/issues/{issue}{act}");
        let body = body.map(|body| body.to_string().into_bytes());
        match self.call(method, &path, body.clone(), None).await {
            Err(CliError::Problem(problem)) if problem.status == 428 => {
                let seen: Value = self.get(&format!("/issues/{issue}")).await?.json()?;
                self.call(method, &path, body, seen["version"].as_i64()).await
            }
            answer => answer,
        }
    }

    /// Page of a list, page by page, until there are `most`.
    pub(super) async fn items(&self, path: &str, query: &UrlQuery, most: usize) -> Result<ApiPage, CliError> {
        let mut all = ApiPage::default();
        let mut cursor = None;
        loop {
            let limit = (most - all.items.len()).min(MOST_PER_PAGE);
            let mut query = query.clone();
            query.push(("limit", limit.to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: ApiPage = self.get(&with_query(path, &query)).await?.json()?;
            all.items.extend(page.items);
            all.total = all.total.or(page.total);
            all.next_cursor.clone_from(&page.next_cursor);
            cursor = page.next_cursor;
            if cursor.is_none() || all.items.len() >= most {
                return Ok(all);
            }
        }
    }
}

impl ApiAnswer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, CliError> {
        serde_json::from_slice(&self.body).map_err(|error| CliError::Unreadable { whom: self.whom.clone(), reason: error.to_string() })
    }

    pub(super) fn raw(&self) -> Result<Box<RawValue>, CliError> {
        self.json()
    }

    fn refusal(&self) -> CliError {
        match serde_json::from_slice::<ReceivedProblem>(&self.body) {
            Ok(problem) => CliError::Problem(Box::new(problem)),
            Err(_) => {
                CliError::Unreadable { whom: self.whom.clone(), reason: format!("it answered {} without a problem document", self.status) }
            }
        }
    }
}

pub(super) fn with_query(path: &str, query: &UrlQuery) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// For a query or one part of a path.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
