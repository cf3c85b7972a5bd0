//! Which problems an operation may answer with: one table, read off what the operation has. A status that a handler describes itself
//! stays as the handler says it.

use serde_json::{Map, Value, json};

use super::{headers, object};

/// What matters of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its own rows of the table")]
pub struct OperationFacts {
    keyed: bool,
    changes: bool,
    body: bool,
    path: bool,
    query: bool,
    header: bool,
    condition: bool,
    /// Its body names issues.
    relates: bool,
    /// A tracker is asked.
    tracker: bool,
    /// A tracker asks, and its signature is the key.
    signed: bool,
}

impl OperationFacts {
    fn of(method: &str, path: &str, keyed: bool, operation: &Map<String, Value>) -> Self {
        let parameters = operation.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let has = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
        Self {
            keyed,
            changes: !matches!(method, "get" | "head" | "options"),
            body: operation.contains_key("requestBody"),
            path: path.contains('{'),
            query: has("query"),
            header: has("header"),
            relates: body_is(operation, "CreateIssueRequest"),
            condition: parameters.iter().any(|parameter| parameter["name"] == "If-Match"),
            signed: path.starts_with("/webhooks/"),
            tracker: path.contains("/workspaces") || path.ends_with("/webhook") || path.ends_with("/sync"),
        }
    }
}

fn body_is(operation: &Map<String, Value>, name: &str) -> bool {
    let body = operation.get("requestBody").and_then(|body| body.pointer("/content/application~1json/schema/$ref"));
    body.and_then(Value::as_str).is_some_and(|schema| schema.ends_with(&format!("/{name}")))
}

/// One status: when it may come, and how it looks.
struct DocumentedStatus {
    status: u16,
    name: &'static str,
    when: fn(OperationFacts) -> bool,
    description: &'static str,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
    /// Name, description and example of a header that comes with it.
    header: Option<(&'static str, &'static str, &'static str)>,
}

const RETRY_AFTER: Option<(&str, &str, &str)> = Some(("Retry-After", "Seconds to wait before the next attempt", "1"));

const REFUSALS: &[DocumentedStatus] = &[
    DocumentedStatus {
        status: 400,
        name: "Malformed",
        when: |has| has.body || has.path || has.query,
        description: "The request cannot be read: the body is not JSON, or a part of the URL is not text",
        code: "malformed",
        title: "The request cannot be read",
        detail: "the body is not the JSON object expected: EOF while parsing a value at line 1 column 0",
        header: None,
    },
    DocumentedStatus {
        status: 401,
        name: "Unauthenticated",
        when: |has| has.keyed,
        description: "No key, or one that is not valid",
        code: "unauthenticated",
        title: "Not authenticated",
        detail: "a valid key is required",
        header: Some(("WWW-Authenticate", "How to authenticate", "Bearer realm=\"issue-core\"")),
    },
    DocumentedStatus {
        status: 401,
        name: "WebhookRefused",
        when: |has| has.signed,
        description: "The delivery is not signed with the secret of this webhook, or was signed too long ago",
        code: "webhook_refused",
        title: "The delivery is not ours",
        detail: "the delivery is not signed with the secret of this webhook",
        header: Some(("WWW-Authenticate", "What is missing", "Webhook realm=\"issue-core\"")),
    },
    DocumentedStatus {
        status: 403,
        name: "Forbidden",
        when: |has| has.keyed,
        description: "The key is valid but lacks the scope that is needed",
        code: "forbidden",
        title: "Not allowed",
        detail: "this key lacks the scope write",
        header: None,
    },
    DocumentedStatus {
        status: 404,
        name: "NotFound",
        when: |has| has.path,
        description: "What the path names is not there",
        code: "not_found",
        title: "Not found",
        detail: "there is no issue 42",
        header: None,
    },
    DocumentedStatus {
        status: 409,
        name: "Conflict",
        when: |has| has.changes && (has.path || has.relates),
        description: "The present state of what is named forbids it; `code` says which rule",
        code: "issue_closed",
        title: "The issue's state forbids it",
        detail: "the issue is closed; reopen it first",
        header: None,
    },
    DocumentedStatus {
        status: 412,
        name: "PreconditionFailed",
        when: |has| has.condition,
        description: "The issue changed since the version named in `If-Match`",
        code: "precondition_failed",
        title: "Changed in between",
        detail: "it has changed since you read it: its ETag is now \"4\"; read it again and decide again",
        header: None,
    },
    DocumentedStatus {
        status: 413,
        name: "TooLarge",
        when: |has| has.body,
        description: "The body is larger than the server allows",
        code: "too_large",
        title: "The body is too large",
        detail: "the body is larger than the 1572864 bytes that are allowed",
        header: None,
    },
    DocumentedStatus {
        status: 415,
        name: "UnsupportedMediaType",
        when: |has| has.body,
        description: "The body is not declared as JSON",
        code: "unsupported_media_type",
        title: "Wrong media type",
        detail: "send the body as application/json",
        header: None,
    },
    DocumentedStatus {
        status: 422,
        name: "Invalid",
        when: |has| has.body || has.query || has.header,
        description: "The request has faults; each is listed in `errors` with its place",
        code: "invalid",
        title: "The request has faults",
        detail: "the request has faults; each is listed with its place",
        header: None,
    },
    DocumentedStatus {
        status: 428,
        name: "PreconditionRequired",
        when: |has| has.condition,
        description: "This server wants every change to name the version it was decided on in `If-Match`",
        code: "precondition_required",
        title: "If-Match is required",
        detail: "send the ETag of the version you read in If-Match",
        header: None,
    },
    DocumentedStatus {
        status: 429,
        name: "TooManyRequests",
        when: |has| has.keyed,
        description: "This key has used up its rate",
        code: "rate_limited",
        title: "Too many requests",
        detail: "this key may send 50 requests a second; wait as long as Retry-After says",
        header: RETRY_AFTER,
    },
    DocumentedStatus {
        status: 500,
        name: "Internal",
        when: |_| true,
        description: "A defect of the service; the operators find the details under `trace_id`",
        code: "internal",
        title: "Internal error",
        detail: "something broke here; the operators find the details under the trace id",
        header: None,
    },
    DocumentedStatus {
        status: 502,
        name: "BackendAway",
        when: |has| has.tracker,
        description: "The tracker does not answer, or not sensibly",
        code: "backend_unavailable",
        title: "The tracker does not answer",
        detail: "gitea does not answer: no answer in time",
        header: None,
    },
    DocumentedStatus {
        status: 503,
        name: "Unavailable",
        when: |_| true,
        description: "Overloaded, shutting down, or the store does not answer",
        code: "overloaded",
        title: "Overloaded",
        detail: "too many writes are waiting; try again shortly",
        header: RETRY_AFTER,
    },
    DocumentedStatus {
        status: 504,
        name: "Timeout",
        when: |_| true,
        description: "The request took too long; whether it took effect is not known",
        code: "timeout",
        title: "Too slow",
        detail: "the request took too long; whether it took effect is not known, so repeat it only if that is safe",
        header: None,
    },
];

/// Adds a reference for every status that fits and that the handler did not describe.
pub fn add_to(method: &str, path: &str, keyed: bool, operation: &mut Map<String, Value>) {
    let facts = OperationFacts::of(method, path, keyed, operation);
    let responses = object(operation, "responses");
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.when)(facts)) {
        let described = &mut responses[refusal.status.to_string()];
        if described.is_null() {
            *described = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
        }
    }
}

/// The responses that some operation refers to.
pub fn components(referenced: &[String]) -> Value {
    let used = REFUSALS.iter().filter(|refusal| referenced.iter().any(|name| name == refusal.name));
    used.map(|refusal| (refusal.name.to_owned(), refusal.response())).collect::<Map<_, _>>().into()
}

impl DocumentedStatus {
    fn response(&self) -> Value {
        let mut response = json!({
            "description": self.description,
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": self.example(),
            } },
        });
        if let Some((name, description, example)) = self.header {
            response["headers"] = json!({ name: { "description": description, "schema": { "type": "string" }, "example": example } });
        }
        headers::add_to(self.status == 429, &mut response);
        response
    }

    fn example(&self) -> Value {
        let mut problem = json!({
            "type": format!("urn:issue-core:problem:{}", self.code),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        if self.code == "invalid" {
            problem["errors"] = json!([{
                "pointer": "/priority", "code": "unknown_word", "message": "must be one of high, medium, low",
            }]);
        }
        problem
    }
}
