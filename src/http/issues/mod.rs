//! `/issues/` and `/issues/{id}`: filing tasks, showing, editing and deleting them.

mod shape;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::body::{MergePatch, OptionalBody};
use super::change::GuardedChange;
use super::document::NamesIssues;
use super::dry_run::{DryRun, DryRunParam};
use super::etag::{IfMatchParam, IfNoneMatchParam, unless_known};
use super::issue_response::{IssueAnswer, IssueResponse};
use super::path::{IssueParam, IssuePath};
use super::prefer::Preferences;
use super::problem::Problem;
use super::query::QueryFields;
use super::request_layer::RequestTrace;
use super::schema;
use super::task_body::TaskBody;
use crate::app::{App, Caller, TaskSubmission};
use crate::domain::{GivenKeys, NoSpec, PatchSpec};
use shape::FiledResponse;
pub use shape::{CreateIssueRequest, CreateIssueResponse, EditIssueRequest, RelationRequest};

/// File a task
///
/// A task is created once however often it is posted: by `Idempotency-Key` if sent, else by its natural key
/// (`activity_definition_id`, `triggering_event_id`, `source_type`, `source_id`, `target_repo` and `title`) once it names
/// a triggering event. `/issues/`, with a slash at its end, is the same.
///
/// Where a tracker is to hold it, the answer does not wait for that: `issue_url` is filled once it is there. With `Prefer: wait=N` it waits, for
/// so many seconds at most. `degraded` and `dropped` tell what the tracker cannot carry whole; with `handling=strict` such a task is refused.
///
/// With `?dry_run=true` everything is checked, the answer says what would happen, and nothing is written.
#[utoipa::path(post, path = "/issues", operation_id = "create_issue", tag = "issues", request_body = CreateIssueRequest,
    params(
        DryRunParam,
        ("Idempotency-Key" = Option<schema::IdempotencyKey>, Header, description = "Makes this request safe to repeat; with another body it is refused"),
        ("Prefer" = Option<String>, Header, description = "RFC 7240: `wait=N`, for the tracker; `respond-async`; and `handling=strict`, which makes keys that nobody reads a fault, and fields that the tracker cannot carry; `Preference-Applied` tells what was honoured", example = "respond-async"),
    ),
    responses(
        (status = 201, body = CreateIssueResponse, description = "Created", headers(("Location" = String, description = "Where the issue is"))),
        (status = 200, body = FiledResponse, description = "Filed before: the first answer again. Or, in a dry run, what would happen",
            headers(("Location" = String, description = "Where the issue is"), ("Idempotency-Replayed" = String, description = "`true` where it was filed before"))),
        NamesIssues))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    DryRun(dry_run): DryRun,
    preferences: Preferences,
    headers: HeaderMap,
    TaskBody(spec): TaskBody,
) -> Result<Response, Problem> {
    // A key that is not text is not a key: it is handed on as one that fails its check.
    let idempotency_key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    let given = GivenKeys { idempotency_key, message_id: None };
    let request = TaskSubmission { caller: &caller, spec, given, trace: Some(trace.traceparent()), strict: preferences.is_strict() };
    let (mut response, done) = if dry_run {
        (Json(FiledResponse::Rehearsed(app.dry_run_create(request).await?.into())).into_response(), true)
    } else {
        let accepted = app.create_issue(request).await?;
        let accepted = app.waited(accepted, preferences.patience()).await;
        let done = !accepted.on_its_way;
        (accepted.into_response(), done)
    };
    preferences.tell(&mut response, done);
    Ok(response)
}

/// Show an issue
///
/// By id or by number, archived ones too.
#[utoipa::path(get, path = "/issues/{id}", operation_id = "get_issue", tag = "issues", params(IssueParam, IfNoneMatchParam),
    responses(
        (status = 200, body = IssueResponse, description = "The issue", headers(("ETag" = String, description = "This edition of it"))),
        (status = 304, description = "The reader has this edition already")))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    IssuePath(name): IssuePath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let issue = app.read_issue(&caller, name).await?;
    let numbers = app.numbers_around(&issue).await?;
    let edition = issue.edition();
    Ok(unless_known(&headers, &edition, || IssueResponse::numbered(issue, &numbers)))
}

/// Edit an issue
///
/// A JSON merge patch: a field left out stays as it is, `null` clears one that may be empty. Closed issues can be edited, archived
/// ones cannot. What has an operation of its own (the state, the claim, the review) is not edited here.
#[utoipa::path(patch, path = "/issues/{id}", operation_id = "edit_issue", tag = "issues", params(IssueParam, IfMatchParam),
    request_body(content((EditIssueRequest = "application/merge-patch+json"), (EditIssueRequest = "application/json"))),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn edit(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    MergePatch(patch): MergePatch<PatchSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.edit_issue(&request, patch).await?))
}

/// How a deletion is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct DeleteParams {
    /// Remove the issue for good, with its history; needs the scope `admin`, and an issue that no tracker holds
    #[param(default = false, example = false)]
    permanent: Option<bool>,
}

/// Delete an issue
///
/// It goes to the archive: out of every list, but kept, still shown by its id, and restored on request. With `permanent=true` it is
/// removed with its history and cannot come back; its task, posted again, is then a new one.
#[utoipa::path(delete, path = "/issues/{id}", operation_id = "delete_issue", tag = "issues", params(IssueParam, DeleteParams, IfMatchParam),
    responses(
        (status = 200, body = IssueResponse, description = "Archived", headers(("ETag" = String, description = "This edition of it"))),
        (status = 204, description = "Removed for good")))]
pub async fn delete(State(app): State<Arc<App>>, GuardedChange(request): GuardedChange, uri: Uri) -> Result<Response, Problem> {
    let mut fields = QueryFields::of(&uri)?;
    let permanent = fields.read("permanent", |text| text.parse::<bool>().map_err(|_| ("wrong_type", "must be true or false".to_owned())));
    if fields.finish(permanent)?.unwrap_or(false) {
        app.delete_issue(&request).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(IssueAnswer(app.archive_issue(&request).await?).into_response())
}

/// Restore an issue
///
/// Out of the archive, as it was. One that is not archived stays as it is.
#[utoipa::path(post, path = "/issues/{id}/restore", operation_id = "restore_issue", tag = "issues", params(IssueParam, IfMatchParam),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn restore(
    State(app): State<Arc<App>>,
    GuardedChange(request): GuardedChange,
    OptionalBody(spec): OptionalBody<NoSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.restore_issue(&request, spec).await?))
}
