//! `/issues/batch`: many tasks in one request, each with an outcome of its own.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{JsonBytes, first, read};
use super::dry_run::{DryRun, DryRunParam};
use super::issues::CreateIssueRequest;
use super::prefer::Preferences;
use super::problem::Problem;
use super::request_layer::RequestTrace;
use super::schema;
use super::task_body::{batch_task, unknown_keys};
use crate::app::{AcceptedTask, App, AppError, BatchItemOutcome, BatchTask, Caller, DryRunOutcome, MAX_BATCH, TaskBatch};
use crate::domain::{Fault, Faults};

/// The most faults listed for one item: a hostile batch must not buy a huge answer.
const MOST_FAULTS: usize = 10;

/// Up to 1,000 tasks.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateBatchRequest {
    #[schema(max_items = 1000)]
    tasks: Vec<BatchTaskRequest>,
}

/// A task of a batch: what a single post takes, and the key that would be its `Idempotency-Key` header there.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchTaskRequest {
    #[serde(flatten)]
    task: CreateIssueRequest,
    /// Makes this item safe to repeat; with another task it is refused.
    #[schema(value_type = Option<schema::IdempotencyKey>)]
    idempotency_key: Option<String>,
}

/// What became of each task, in the order sent. The counts add up to the number of items.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CreateBatchResponse {
    /// Nothing was written: the items say what would become of them.
    dry_run: bool,
    #[schema(minimum = 0, example = 1)]
    created: usize,
    #[schema(minimum = 0, example = 1)]
    duplicate: usize,
    #[schema(minimum = 0, example = 1)]
    invalid: usize,
    #[schema(minimum = 0, example = 0)]
    refused: usize,
    /// The store failed under these; posting the same batch again files them.
    #[schema(minimum = 0, example = 0)]
    failed: usize,
    items: Vec<BatchItemResponse>,
}

/// The outcome of one task.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct BatchItemResponse {
    /// The place in the request, from 0.
    #[schema(minimum = 0, example = 0)]
    index: usize,
    /// `created` (in a dry run: would be), `duplicate` (filed before, or earlier in this batch), `invalid` (see `errors`), `refused` or
    /// `failed` (see `code` and `detail`).
    #[schema(pattern = "^(created|duplicate|invalid|refused|failed)$", example = "created")]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    issue_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    issue_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "sqlite")]
    backend: Option<String>,
    /// Only in a dry run: the item of this batch that is the same task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    same_as: Option<usize>,
    /// A code of a problem document.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// At most ten, each with its pointer into the batch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

/// The body, its items judged one by one.
#[derive(Debug)]
pub struct BatchBody(Vec<Result<BatchTask, Faults>>);

#[derive(Deserialize)]
struct BatchEnvelope<'a> {
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
}

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let strict = Preferences::read(request.headers()).is_strict();
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        let BatchEnvelope { tasks } = read(&bytes)?;
        if strict {
            unknown_keys(&bytes, &["tasks"]).into_result(()).map_err(AppError::from)?;
        }
        let tasks = items(tasks.map_or("null", RawValue::get)).map_err(AppError::from)?;
        Ok(Self(tasks.into_iter().map(|task| batch_task(task.get(), strict)).collect()))
    }
}

fn items(tasks: &str) -> Result<Vec<&RawValue>, Faults> {
    match first(tasks.as_bytes()) {
        Some(b'[') => {}
        Some(b'n') | None => return Err(Faults::one("/tasks", "missing", "is required")),
        Some(_) => return Err(Faults::one("/tasks", "wrong_type", "must be an array of tasks")),
    }
    let items: Vec<&RawValue> = serde_json::from_str(tasks).unwrap_or_default();
    if items.len() > MAX_BATCH {
        let message = format!("must hold at most {MAX_BATCH} tasks, these are {}; send several batches", items.len());
        return Err(Faults::one("/tasks", "too_many", message));
    }
    Ok(items)
}

impl CreateBatchResponse {
    fn of(items: Vec<BatchItemOutcome>, dry_run: bool) -> Self {
        let mut response = Self { dry_run, ..Self::default() };
        for (index, item) in items.into_iter().enumerate() {
            let mut item = BatchItemResponse { index, ..item.into() };
            item.errors.iter_mut().for_each(|fault| fault.pointer.insert_str(0, &format!("/tasks/{index}")));
            *match item.status {
                "created" => &mut response.created,
                "duplicate" => &mut response.duplicate,
                "invalid" => &mut response.invalid,
                "refused" => &mut response.refused,
                _ => &mut response.failed,
            } += 1;
            response.items.push(item);
        }
        response
    }
}

impl From<BatchItemOutcome> for BatchItemResponse {
    fn from(item: BatchItemOutcome) -> Self {
        match item {
            BatchItemOutcome::Filed(accepted) | BatchItemOutcome::Rehearsed(DryRunOutcome::Duplicate(accepted)) => accepted.into(),
            BatchItemOutcome::Rehearsed(DryRunOutcome::Create { backend, .. }) => {
                Self { status: "created", backend: Some(backend), ..Self::default() }
            }
            BatchItemOutcome::SameAs(first) => Self { status: "duplicate", same_as: Some(first), ..Self::default() },
            BatchItemOutcome::Failed(error) => error.into(),
        }
    }
}

impl From<AcceptedTask> for BatchItemResponse {
    fn from(accepted: AcceptedTask) -> Self {
        Self {
            status: if accepted.replayed { "duplicate" } else { "created" },
            issue_id: Some(accepted.id.0),
            issue_url: accepted.url,
            backend: Some(accepted.backend),
            ..Self::default()
        }
    }
}

impl From<AppError> for BatchItemResponse {
    fn from(error: AppError) -> Self {
        let (code, detail) = (error.code(), error.public());
        let (status, errors) = match error {
            AppError::Invalid(faults) => ("invalid", faults.into_vec()),
            AppError::KeyReused | AppError::Refused(_) | AppError::Forbidden { .. } | AppError::PreconditionFailed { .. } => {
                ("refused", Vec::new())
            }
            AppError::Unauthenticated
            | AppError::NotFound { .. }
            | AppError::RateLimited { .. }
            | AppError::Contended
            | AppError::BackendAway { .. }
            | AppError::BackendRefused { .. }
            | AppError::Unheard(_)
            | AppError::Overloaded
            | AppError::Store(_) => ("failed", Vec::new()),
        };
        let errors = errors.into_iter().take(MOST_FAULTS).collect();
        Self { status, code: Some(code), detail: Some(detail), errors, ..Self::default() }
    }
}

/// File many tasks
///
/// Up to 1,000 tasks, each judged by itself: the answer is 200 with an outcome for every item, whatever became of it, so look at
/// each `status`. A fault carries its pointer into the batch, like `/tasks/3/title`. A task that is in the batch twice is filed
/// once. Posting the whole batch again is safe where every task has an `idempotency_key` or names its triggering event.
/// `?dry_run=true` says what would become of each item and writes nothing.
#[utoipa::path(post, path = "/issues/batch", operation_id = "create_issues", tag = "issues", request_body = CreateBatchRequest,
    params(
        DryRunParam,
        ("Prefer" = Option<String>, Header, description = "`handling=strict` makes keys that nobody reads a fault", example = "handling=strict"),
    ),
    responses((status = 200, body = CreateBatchResponse, description = "An outcome for every item, good or bad")))]
pub async fn create_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    DryRun(dry_run): DryRun,
    preferences: Preferences,
    BatchBody(tasks): BatchBody,
) -> Result<Response, Problem> {
    let batch = TaskBatch { caller: &caller, tasks, trace: Some(trace.traceparent()) };
    let items = if dry_run { app.dry_run_batch(batch).await? } else { app.create_batch(batch).await? };
    let mut response = Json(CreateBatchResponse::of(items, dry_run)).into_response();
    preferences.tell(&mut response, true);
    Ok(response)
}
