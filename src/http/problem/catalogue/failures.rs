//! The failures: each has a status of its own, independent of the state of the named thing. Ordered
//! by status, as the page lists them.

use axum::http::StatusCode;

use super::{ProblemHeader, ProblemKind};

/// All of them.
pub static FAILURES: &[&ProblemKind] = &[
    &MALFORMED,
    &UNAUTHENTICATED,
    &WEBHOOK_REFUSED,
    &FORBIDDEN,
    &NOT_FOUND,
    &NO_SUCH_ROUTE,
    &METHOD_NOT_ALLOWED,
    &BODY_TIMEOUT,
    &BACKEND_REFUSED,
    &PRECONDITION_FAILED,
    &TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
    &UNSUPPORTED_ENCODING,
    &INVALID,
    &IDEMPOTENCY_KEY_REUSED,
    &PRECONDITION_REQUIRED,
    &RATE_LIMITED,
    &INTERNAL,
    &BACKEND_UNAVAILABLE,
    &CONTENDED,
    &OVERLOADED,
    &STORE_UNAVAILABLE,
    &NOT_READY,
    &TIMEOUT,
];

pub static MALFORMED: ProblemKind = ProblemKind {
    code: "malformed",
    status: StatusCode::BAD_REQUEST,
    title: "The request cannot be read",
    description: "The request cannot be read: the body is not JSON, or a part of the URL is not text",
    detail: "the body is not the JSON object expected: EOF while parsing a value at line 1 column 0",
    remedy: "Correct the request",
    headers: &[],
};

pub static UNAUTHENTICATED: ProblemKind = ProblemKind {
    code: "unauthenticated",
    status: StatusCode::UNAUTHORIZED,
    title: "Not authenticated",
    description: "No key, or one that is not valid",
    detail: "a valid key is required",
    remedy: "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`",
    headers: &[ProblemHeader { name: "WWW-Authenticate", description: "How to authenticate", value: "Bearer realm=\"issue-core\"" }],
};

pub static WEBHOOK_REFUSED: ProblemKind = ProblemKind {
    code: "webhook_refused",
    status: StatusCode::UNAUTHORIZED,
    title: "The delivery is not ours",
    description: "The delivery is not signed with the secret of this webhook, or was signed too long ago",
    detail: "the delivery is not signed with the secret of this webhook",
    remedy: "Give both sides the same `webhook_secret` (`issue-core backend webhook NAME`); set the clocks",
    headers: &[ProblemHeader { name: "WWW-Authenticate", description: "What is missing", value: "Webhook realm=\"issue-core\"" }],
};

pub static FORBIDDEN: ProblemKind = ProblemKind {
    code: "forbidden",
    status: StatusCode::FORBIDDEN,
    title: "Not allowed",
    description: "The key is valid but lacks the scope that is needed",
    detail: "this key lacks the scope write",
    remedy: "Use a key with the scope that `detail` names",
    headers: &[],
};

pub static NOT_FOUND: ProblemKind = ProblemKind {
    code: "not_found",
    status: StatusCode::NOT_FOUND,
    title: "Not found",
    description: "What the path names is not there",
    detail: "there is no issue 42",
    remedy: "Check the id, number or name. Where `detail` names a missing setting, such as `webhook_secret`, give the setting",
    headers: &[],
};

pub static NO_SUCH_ROUTE: ProblemKind = ProblemKind {
    code: "no_such_route",
    status: StatusCode::NOT_FOUND,
    title: "No such route",
    description: "No route has this path",
    detail: "nothing answers under this path; /openapi.json lists the routes",
    remedy: "See `/openapi.json` or `/docs` for the routes",
    headers: &[],
};

pub static METHOD_NOT_ALLOWED: ProblemKind = ProblemKind {
    code: "method_not_allowed",
    status: StatusCode::METHOD_NOT_ALLOWED,
    title: "Wrong method",
    description: "The path exists, the method does not",
    detail: "this path does not answer to this method; see the Allow header",
    remedy: "Use a method that the `Allow` header lists",
    headers: &[],
};

pub static BODY_TIMEOUT: ProblemKind = ProblemKind {
    code: "body_timeout",
    status: StatusCode::REQUEST_TIMEOUT,
    title: "The body is too slow",
    description: "The body did not arrive within `server.body_timeout`; nothing was done",
    detail: "the body did not arrive in time; nothing was done, so the request may be repeated",
    remedy: "Send it faster, or raise the limit",
    headers: &[],
};

pub static BACKEND_REFUSED: ProblemKind = ProblemKind {
    code: "backend_refused",
    status: StatusCode::CONFLICT,
    title: "The tracker refuses",
    description: "The tracker does not let our credential register a webhook, or has no API for it",
    detail: "gitea refuses: this user may not add webhooks",
    remedy: "Do by hand what `detail` says",
    headers: &[],
};

pub static PRECONDITION_FAILED: ProblemKind = ProblemKind {
    code: "precondition_failed",
    status: StatusCode::PRECONDITION_FAILED,
    title: "Changed in between",
    description: "It changed since the version named in `If-Match`",
    detail: "it has changed since you read it: its ETag is now \"4\"; read it again and decide again",
    remedy: "Read it again, decide again, send its new `ETag`",
    headers: &[],
};

pub static TOO_LARGE: ProblemKind = ProblemKind {
    code: "too_large",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The body is too large",
    description: "The body is larger than the server allows",
    detail: "the body is larger than the 1572864 bytes that are allowed",
    remedy: "Send less, or raise the limit: `server.body_limit`, for a batch `server.batch_body_limit`, for a delivery `webhooks.body_limit`",
    headers: &[],
};

pub static UNSUPPORTED_MEDIA_TYPE: ProblemKind = ProblemKind {
    code: "unsupported_media_type",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "Wrong media type",
    description: "The body is not declared as JSON",
    detail: "send the body as application/json",
    remedy: "Send `Content-Type: application/json`; for a `PATCH` also `application/merge-patch+json`",
    headers: &[],
};

pub static UNSUPPORTED_ENCODING: ProblemKind = ProblemKind {
    code: "unsupported_encoding",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "Encoded body",
    description: "The body has a `Content-Encoding`",
    detail: "send the body as it is, without a Content-Encoding",
    remedy: "Send it without encoding",
    headers: &[ProblemHeader { name: "Accept-Encoding", description: "The encodings that are accepted", value: "identity" }],
};

pub static INVALID: ProblemKind = ProblemKind {
    code: "invalid",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The request has faults",
    description: "The request has faults; each is listed in `errors` with its place",
    detail: "the request has faults; each is listed with its place",
    remedy: "Correct each fault at its `pointer`",
    headers: &[],
};

pub static IDEMPOTENCY_KEY_REUSED: ProblemKind = ProblemKind {
    code: "idempotency_key_reused",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "Idempotency key reused",
    description: "The `Idempotency-Key` belongs to another request",
    detail: "this Idempotency-Key was already used for a different request; use a new key, or send the first request again unchanged",
    remedy: "Use a new key, or repeat the first request unchanged",
    headers: &[],
};

pub static PRECONDITION_REQUIRED: ProblemKind = ProblemKind {
    code: "precondition_required",
    status: StatusCode::PRECONDITION_REQUIRED,
    title: "If-Match is required",
    description: "This server wants every change to name the version it was decided on in `If-Match`",
    detail: "If-Match is required: send the ETag of the version you read",
    remedy: "Read it, send its `ETag` as `If-Match`. The setting is `http.require_if_match`",
    headers: &[],
};

pub static RATE_LIMITED: ProblemKind = ProblemKind {
    code: "rate_limited",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many requests",
    description: "This key has used up its rate",
    detail: "this key has used up its requests; the next one is allowed in 1000 ms",
    remedy: "Wait `Retry-After` seconds; `RateLimit` shows the rest. The setting is `rate_limit.requests`",
    headers: &[ProblemHeader { name: "Retry-After", description: "Seconds to wait before the next attempt", value: "1" }],
};

pub static INTERNAL: ProblemKind = ProblemKind {
    code: "internal",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "Internal error",
    description: "A defect of the service; the operators find the details under `trace_id`",
    detail: "something broke here; the operators find the details under the trace id",
    remedy: "Report the `trace_id`",
    headers: &[],
};

pub static BACKEND_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "backend_unavailable",
    status: StatusCode::BAD_GATEWAY,
    title: "The tracker does not answer",
    description: "The tracker does not answer, or not sensibly",
    detail: "gitea does not answer: no answer in time",
    remedy: "Try again; `POST /backends/{name}/check` shows more",
    headers: &[],
};

pub static CONTENDED: ProblemKind = ProblemKind {
    code: "contended",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Contended",
    description: "Other requests changed the same issue each time; nothing was written",
    detail: "others keep changing this issue at the same moment; nothing was written, try again shortly",
    remedy: "Retry after `Retry-After` seconds",
    headers: &[ProblemHeader { name: "Retry-After", description: "Seconds to wait before the next attempt", value: "1" }],
};

pub static OVERLOADED: ProblemKind = ProblemKind {
    code: "overloaded",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Overloaded",
    description: "Too many requests are in progress, or too many writes are waiting; nothing was done",
    detail: "too many writes are waiting; try again shortly",
    remedy: "Retry after `Retry-After` seconds",
    headers: &[ProblemHeader { name: "Retry-After", description: "Seconds to wait before the next attempt", value: "1" }],
};

pub static STORE_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "store_unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The store is not available",
    description: "The database does not answer",
    detail: "the store does not answer; the request may be repeated",
    remedy: "Retry after `Retry-After` seconds; a creation with a key is safe to repeat",
    headers: &[ProblemHeader { name: "Retry-After", description: "Seconds to wait before the next attempt", value: "2" }],
};

pub static NOT_READY: ProblemKind = ProblemKind {
    code: "not_ready",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Not ready",
    description: "From `/readyz`: shutting down, or the store does not answer. From every other route: the database lacks migrations",
    detail: "the database lacks migrations; run `issue-core migrate`",
    remedy: "Send work elsewhere; run `issue-core migrate`",
    headers: &[],
};

pub static TIMEOUT: ProblemKind = ProblemKind {
    code: "timeout",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "Too slow",
    description: "The request took too long; whether it took effect is not known",
    detail: "the request took too long; whether it took effect is not known, so repeat it only if that is safe",
    remedy: "Repeat it only if that is safe; a creation with a key is. The settings are `server.request_timeout` and `server.batch_timeout`",
    headers: &[],
};
