//! Which problems an operation may answer with: one table. Each line applies by the facts that the operation itself shows, or because
//! the route declares it (`declared.rs`). A status that a handler describes itself stays as the handler says it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use self::Applies::{Always, IfAll, IfAny, IfDeclared};
use self::OperationFact::{Body, Changes, Condition, HeaderParameter, Keyed, PathParameter, QueryParameter};
use super::{KeyNeed, headers, object};
use crate::http::problem::catalogue::{self, ProblemKind};

/// What an operation shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OperationFact {
    /// It needs a key.
    Keyed,
    /// Its method changes something.
    Changes,
    Body,
    PathParameter,
    QueryParameter,
    HeaderParameter,
    /// It reads `If-Match`.
    Condition,
}

/// When a response belongs to an operation.
enum Applies {
    Always,
    IfAny(&'static [OperationFact]),
    IfAll(&'static [OperationFact]),
    /// Only where the route says so.
    IfDeclared,
}

/// A response that operations share.
pub(super) struct SharedResponse {
    name: &'static str,
    applies: Applies,
    /// The problems that it stands for, all with one status. The first is shown as the example.
    pub(super) kinds: &'static [&'static ProblemKind],
    /// Instead of the description of a single kind.
    summary: Option<&'static str>,
}

/// The response of operations that ask a tracker.
pub(super) const TRACKER_AWAY: &str = "BackendAway";
/// The response of operations whose key is a signature.
pub(super) const WRONG_SIGNATURE: &str = "WebhookRefused";
/// The response of operations that a state may forbid.
pub(super) const STATE_FORBIDS: &str = "Conflict";

pub(super) static RESPONSES: &[SharedResponse] = &[
    SharedResponse {
        name: "Malformed",
        applies: IfAny(&[Body, PathParameter, QueryParameter]),
        kinds: &[&catalogue::MALFORMED],
        summary: None,
    },
    SharedResponse { name: "Unauthenticated", applies: IfAll(&[Keyed]), kinds: &[&catalogue::UNAUTHENTICATED], summary: None },
    SharedResponse { name: WRONG_SIGNATURE, applies: IfDeclared, kinds: &[&catalogue::WEBHOOK_REFUSED], summary: None },
    SharedResponse { name: "Forbidden", applies: IfAll(&[Keyed]), kinds: &[&catalogue::FORBIDDEN], summary: None },
    SharedResponse { name: "NotFound", applies: IfAll(&[PathParameter]), kinds: &[&catalogue::NOT_FOUND], summary: None },
    SharedResponse {
        name: STATE_FORBIDS,
        applies: IfAll(&[Changes, PathParameter]),
        kinds: &[&catalogue::ISSUE_CLOSED, &catalogue::BACKEND_REFUSED],
        summary: Some("The present state of what is named forbids it; `code` says which rule"),
    },
    SharedResponse { name: "PreconditionFailed", applies: IfAll(&[Condition]), kinds: &[&catalogue::PRECONDITION_FAILED], summary: None },
    SharedResponse { name: "TooLarge", applies: IfAll(&[Body]), kinds: &[&catalogue::TOO_LARGE], summary: None },
    SharedResponse {
        name: "UnsupportedMediaType",
        applies: IfAll(&[Body]),
        kinds: &[&catalogue::UNSUPPORTED_MEDIA_TYPE, &catalogue::UNSUPPORTED_ENCODING],
        summary: Some("The body is not declared as JSON, or has a `Content-Encoding`"),
    },
    SharedResponse {
        name: "Invalid",
        applies: IfAny(&[Body, QueryParameter, HeaderParameter]),
        kinds: &[&catalogue::INVALID, &catalogue::IDEMPOTENCY_KEY_REUSED],
        summary: Some(
            "The request has faults; each is listed in `errors` with its place. Or its `Idempotency-Key` belongs to another request",
        ),
    },
    SharedResponse {
        name: "PreconditionRequired",
        applies: IfAll(&[Condition]),
        kinds: &[&catalogue::PRECONDITION_REQUIRED],
        summary: None,
    },
    SharedResponse { name: "TooManyRequests", applies: IfAll(&[Keyed]), kinds: &[&catalogue::RATE_LIMITED], summary: None },
    SharedResponse { name: "Internal", applies: Always, kinds: &[&catalogue::INTERNAL], summary: None },
    SharedResponse { name: TRACKER_AWAY, applies: IfDeclared, kinds: &[&catalogue::BACKEND_UNAVAILABLE], summary: None },
    SharedResponse {
        name: "Unavailable",
        applies: Always,
        kinds: &[&catalogue::OVERLOADED, &catalogue::CONTENDED, &catalogue::STORE_UNAVAILABLE, &catalogue::NOT_READY],
        summary: Some("The service is overloaded or not ready, the store does not answer, or other requests changed the issue each time"),
    },
    SharedResponse { name: "Timeout", applies: Always, kinds: &[&catalogue::TIMEOUT], summary: None },
];

/// Adds a reference for every response that applies and that the handler did not describe.
pub(super) fn add_to(method: &str, key: KeyNeed, operation: &mut Map<String, Value>) {
    let facts = facts_of(method, key, operation);
    let responses = object(operation, "responses");
    for shared in RESPONSES.iter().filter(|shared| shared.applies.to(&facts)) {
        let described = &mut responses[shared.status().to_string()];
        if described.is_null() {
            *described = json!({ "$ref": format!("#/components/responses/{}", shared.name) });
        }
    }
}

/// The responses that some operation refers to.
pub(super) fn components(referenced: &[String]) -> Value {
    let used = RESPONSES.iter().filter(|shared| referenced.iter().any(|name| name == shared.name));
    used.map(|shared| (shared.name.to_owned(), shared.response())).collect::<Map<_, _>>().into()
}

fn facts_of(method: &str, key: KeyNeed, operation: &Map<String, Value>) -> BTreeSet<OperationFact> {
    let parameters = operation.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let has = |key: &str, value: &str| parameters.iter().any(|parameter| parameter[key] == value);
    let facts = [
        (Keyed, key == KeyNeed::Required),
        (Changes, !matches!(method, "get" | "head" | "options")),
        (Body, operation.contains_key("requestBody")),
        (PathParameter, has("in", "path")),
        (QueryParameter, has("in", "query")),
        (HeaderParameter, has("in", "header")),
        (Condition, has("name", "If-Match")),
    ];
    facts.into_iter().filter_map(|(fact, holds)| holds.then_some(fact)).collect()
}

impl Applies {
    fn to(&self, facts: &BTreeSet<OperationFact>) -> bool {
        match self {
            Always => true,
            IfAny(wanted) => wanted.iter().any(|fact| facts.contains(fact)),
            IfAll(wanted) => wanted.iter().all(|fact| facts.contains(fact)),
            IfDeclared => false,
        }
    }
}

impl SharedResponse {
    fn shown(&self) -> &'static ProblemKind {
        self.kinds[0]
    }

    pub(super) fn status(&self) -> u16 {
        self.shown().status.as_u16()
    }

    fn response(&self) -> Value {
        let shown = self.shown();
        let mut response = json!({
            "description": self.summary.unwrap_or(shown.description),
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": example(shown),
            } },
        });
        for header in shown.headers {
            response["headers"][header.name] =
                json!({ "description": header.description, "schema": { "type": "string" }, "example": header.value });
        }
        // Only a key has a rate to use up.
        let key = if self.status() == 429 { KeyNeed::Required } else { KeyNeed::Open };
        headers::add_to(key, &mut response);
        response
    }
}

fn example(kind: &ProblemKind) -> Value {
    let mut problem = json!({
        "type": format!("urn:issue-core:problem:{}", kind.code),
        "title": kind.title,
        "status": kind.status.as_u16(),
        "detail": kind.detail,
        "code": kind.code,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    if kind.code == catalogue::INVALID.code {
        problem["errors"] = json!([{
            "pointer": "/priority", "code": "unknown_word", "message": "must be one of high, medium, low",
        }]);
    }
    problem
}
