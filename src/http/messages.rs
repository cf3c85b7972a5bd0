//! `/messages`: what waits to be done outside, what failed, what was given up; and what an operator does about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{JsonBody, OptionalBody};
use super::page::{PageParams, PageQuery, PageResponse};
use super::problem::Problem;
use super::query::QueryFields;
use super::schema;
use crate::app::{App, AppError, Caller, MessageFilter};
use crate::domain::base::text;
use crate::domain::{DiscardSpec, Message, MessageKind, MessageState, RetrySpec};

/// One thing to do outside: one message, one target, one retry clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageResponse {
    #[schema(example = 42)]
    id: i64,
    kind: MessageKind,
    /// Who it is for
    #[schema(example = "state_hub")]
    target: String,
    state: MessageState,
    issue_id: Uuid,
    /// Which event of the issue it is about
    #[schema(example = 1)]
    event_seq: i64,
    /// How often it was tried
    #[schema(example = 3)]
    attempt: i32,
    #[schema(required = true, example = "State Hub answered 503: ")]
    last_error: Option<String>,
    /// When it is tried next; `null` for a dead one. What stands behind another message of its issue waits for that one, too
    #[schema(required = true)]
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    dead_at: Option<DateTime<Utc>>,
    /// The trace of the request that caused it
    #[schema(required = true)]
    trace_id: Option<String>,
}

impl From<Message> for MessageResponse {
    fn from(message: Message) -> Self {
        Self {
            state: message.state(),
            next_attempt_at: message.dead_at.is_none().then(|| message.leased_until.unwrap_or(message.due_at).max(message.due_at)),
            trace_id: message.trace.as_deref().and_then(|trace| trace.split('-').nth(1)).map(str::to_owned),
            id: message.id,
            kind: message.kind,
            target: message.target,
            issue_id: message.issue_id.0,
            event_seq: message.event_seq,
            attempt: message.attempt,
            last_error: message.last_error,
            created_at: message.created_at,
            dead_at: message.dead_at,
        }
    }
}

/// How many messages an action reached.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetriedResponse {
    #[schema(example = 17)]
    retried: u64,
}

/// Which dead messages to retry; an absent field means all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryMessagesRequest {
    kind: Option<MessageKind>,
    #[schema(value_type = Option<schema::Target>)]
    target: Option<String>,
}

/// Why a message is taken away.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardMessageRequest {
    #[schema(value_type = schema::Reason)]
    reason: String,
}

/// How [`MessageQuery`] is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct MessageParams {
    /// Only what does this
    kind: Option<MessageKind>,
    /// Only what is for this target
    #[param(value_type = Option<schema::Target>)]
    target: Option<String>,
    /// Only what stands so
    #[param(example = "dead")]
    state: Option<MessageState>,
}

/// Which messages, and which page of them.
#[derive(Debug)]
pub struct MessageQuery {
    filter: MessageFilter,
    page: PageQuery<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for MessageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        fn word<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, (&'static str, String)> {
            text.parse().map_err(|error: T::Err| ("unknown_word", error.to_string()))
        }
        let mut fields = QueryFields::of(&parts.uri)?;
        let filter = MessageFilter {
            kind: fields.read("kind", word),
            target: fields.read("target", |text| text::TARGET.check(text)),
            state: fields.read("state", word),
        };
        let page = PageQuery::take(&mut fields, parts);
        fields.finish(Self { filter, page })
    }
}

/// The `{id}` of a message's path. Anything but a number names none.
#[derive(Debug)]
pub struct MessagePath(i64);

/// How [`MessagePath`] is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct MessageParam {
    /// The message's id
    #[param(example = 42)]
    id: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for MessagePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<i64>::from_request_parts(parts, state).await;
        let missing = |_| AppError::NotFound { what: "message of that name (it must be a number)".to_owned() };
        Ok(Self(path.map_err(missing)?.0))
    }
}

/// List messages
///
/// What waits to be done outside, oldest first; `state=dead` is what was given up.
#[utoipa::path(get, path = "/messages", operation_id = "list_messages", tag = "messages", params(MessageParams, PageParams),
    responses((status = 200, body = PageResponse<MessageResponse>, description = "A page of messages")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, query: MessageQuery) -> Result<Response, Problem> {
    let page = app.find_messages(&caller, &query.filter, query.page.after, query.page.limit).await?;
    Ok(query.page.answer(page, |message: &Message| message.id, MessageResponse::from))
}

/// Retry a message
///
/// It is due at once, and its attempts are forgotten. Needs the scope `admin`.
#[utoipa::path(post, path = "/messages/{id}/retry", operation_id = "retry_message", tag = "messages", params(MessageParam),
    responses((status = 202, body = MessageResponse, description = "The message as it is now")))]
pub async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    MessagePath(id): MessagePath,
) -> Result<(StatusCode, Json<MessageResponse>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(app.retry_message(&caller, id).await?.into())))
}

/// Retry all dead messages
///
/// Of a kind, of a target, of both, or all there are. Needs the scope `admin`.
#[utoipa::path(post, path = "/messages/retry", operation_id = "retry_messages", tag = "messages", request_body = Option<RetryMessagesRequest>,
    responses((status = 202, body = RetriedResponse, description = "They are due now")))]
pub async fn retry_all(
    State(app): State<Arc<App>>,
    caller: Caller,
    OptionalBody(spec): OptionalBody<RetrySpec>,
) -> Result<(StatusCode, Json<RetriedResponse>), Problem> {
    let retried = app.retry_dead_messages(&caller, spec).await?;
    Ok((StatusCode::ACCEPTED, Json(RetriedResponse { retried })))
}

/// Discard a message
///
/// It is never done; who took it away and why stays in the history. Needs the scope `admin`.
#[utoipa::path(post, path = "/messages/{id}/discard", operation_id = "discard_message", tag = "messages", params(MessageParam), request_body = DiscardMessageRequest,
    responses((status = 204, description = "It is gone")))]
pub async fn discard(
    State(app): State<Arc<App>>,
    caller: Caller,
    MessagePath(id): MessagePath,
    JsonBody(spec): JsonBody<DiscardSpec>,
) -> Result<StatusCode, Problem> {
    app.discard_message(&caller, id, spec).await?;
    Ok(StatusCode::NO_CONTENT)
}
