//! `/issues/` and `/issues/{id}`: filing tasks, showing, editing and deleting them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

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
use super::routes::{LossResponse, LossesResponse, RouteResponse};
use super::schema;
use super::task_body::TaskBody;
use crate::app::{AcceptedTask, App, Caller, DedupeSource, DryRunOutcome, TaskSubmission};
use crate::domain::{GivenKeys, Kind, NoSpec, PatchSpec, Priority, Relation, SourceType};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

// The published shape of `TaskSpec`, which does the reading, so that every fault is told at once.
/// A task to file. Only `title` is required; keys not listed here are ignored.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueRequest {
    #[schema(value_type = schema::Title)]
    title: String,
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    #[schema(value_type = Option<schema::TargetRepo>)]
    target_repo: Option<String>,
    /// Not given: `medium`.
    priority: Option<Priority>,
    /// Not given: `task`.
    kind: Option<Kind>,
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Assignees>)]
    assignees: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Milestone>)]
    milestone: Option<String>,
    /// Days from now; not together with `due_on`.
    #[schema(minimum = 0, maximum = 3650, example = 7)]
    due_in_days: Option<i64>,
    /// A date; not together with `due_in_days`.
    due_on: Option<NaiveDate>,
    source_type: Option<SourceType>,
    /// Which rule or instruction.
    #[schema(value_type = Option<schema::TraceField>)]
    source_id: Option<String>,
    /// Any key that names the event; with it, posting the same task again gives the same issue.
    #[schema(value_type = Option<schema::TraceField>)]
    triggering_event_id: Option<String>,
    #[schema(value_type = Option<schema::TraceField>)]
    activity_definition_id: Option<String>,
    /// The task waits in the review queue, and nothing of it leaves, until somebody approves it.
    #[schema(example = false)]
    review_required: Option<bool>,
    /// How it stands to other issues.
    #[schema(value_type = Option<schema::Relations>)]
    relations: Option<Vec<RelationRequest>>,
}

/// How the issue stands to another one. A plain reference: the other one is not changed by it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelationRequest {
    /// What this issue is to the other one. `parent`: the other one is its parent, of which there is one at most.
    relation: Relation,
    #[schema(value_type = schema::OtherIssue)]
    to: String,
}

// The published shape of `PatchSpec`, which does the reading, so that every fault is told at once.
/// The fields of an issue to change; the others stay as they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditIssueRequest {
    #[schema(value_type = schema::Title, required = false)]
    title: Option<String>,
    /// `null` empties it.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    #[schema(value_type = Priority, required = false)]
    priority: Option<Priority>,
    #[schema(value_type = Kind, required = false)]
    kind: Option<Kind>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Assignees>)]
    assignees: Option<Vec<String>>,
    /// `null` takes it away.
    #[schema(value_type = Option<schema::Milestone>)]
    milestone: Option<String>,
    /// `null` takes it away.
    #[schema(example = "2026-06-30")]
    due_on: Option<NaiveDate>,
    /// All of them: the list replaces the one before.
    #[schema(value_type = Option<schema::Relations>)]
    relations: Option<Vec<RelationRequest>>,
}

/// The issue that stands for the task.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateIssueResponse {
    /// Opaque and stable.
    issue_id: Uuid,
    /// Where it is seen in its tracker, once it is there.
    issue_url: Option<String>,
    /// The kind of backend that holds it.
    #[schema(example = "sqlite")]
    backend: String,
    /// What its tracker holds in another form, or in part. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    degraded: Vec<LossResponse>,
    /// What its tracker does not hold. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    dropped: Vec<LossResponse>,
    /// When it is expected in its tracker, where its turn has to come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delivery_expected_at: Option<DateTime<Utc>>,
}

/// The two shapes of a 200: the first answer again, or a rehearsal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FiledResponse {
    Rehearsed(RehearsalResponse),
    Filed(CreateIssueResponse),
}

impl IntoResponse for AcceptedTask {
    fn into_response(self) -> Response {
        let status = if self.replayed { StatusCode::OK } else { StatusCode::CREATED };
        let LossesResponse { degraded, dropped } = self.losses.into();
        let body = FiledResponse::Filed(CreateIssueResponse {
            issue_id: self.id.0,
            issue_url: self.url,
            backend: self.backend,
            degraded,
            dropped,
            delivery_expected_at: self.expected_at,
        });
        let mut response = (status, [(LOCATION, format!("/issues/{}", self.id))], Json(body)).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// What a dry run found: nothing was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct RehearsalResponse {
    /// Always true.
    #[schema(example = true)]
    dry_run: bool,
    /// `created`: it would become a new issue. `duplicate`: it was filed before, as the issue named.
    #[schema(pattern = "^(created|duplicate)$", example = "created")]
    status: &'static str,
    /// How a repeat would be recognised.
    #[schema(pattern = "^(idempotency_key|natural_key|none)$", example = "natural_key")]
    dedupe: &'static str,
    /// The issue that stands for the task already.
    #[schema(required = true)]
    issue_id: Option<Uuid>,
    #[schema(required = true)]
    issue_url: Option<String>,
    /// The kind of backend that holds the issue, or would.
    #[schema(example = "sqlite")]
    backend: String,
    /// What its tracker holds in another form, or in part. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    degraded: Vec<LossResponse>,
    /// What its tracker does not hold. Left out where there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    dropped: Vec<LossResponse>,
    /// Where it would go, and why; where there are trackers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    route: Option<RouteResponse>,
}

impl From<(DryRunOutcome, DedupeSource)> for RehearsalResponse {
    fn from((rehearsal, rung): (DryRunOutcome, DedupeSource)) -> Self {
        let dedupe = match rung {
            DedupeSource::IdempotencyKey => "idempotency_key",
            DedupeSource::NaturalKey => "natural_key",
            DedupeSource::None => "none",
        };
        match rehearsal {
            DryRunOutcome::Create { backend, plan } => {
                let losses = plan.as_ref().map(|plan| plan.losses.clone()).unwrap_or_default();
                let LossesResponse { degraded, dropped } = losses.into();
                let route = plan.map(|plan| plan.routed.into());
                Self { dry_run: true, status: "created", dedupe, issue_id: None, issue_url: None, backend, degraded, dropped, route }
            }
            DryRunOutcome::Duplicate(AcceptedTask { id, url, backend, losses, .. }) => {
                let LossesResponse { degraded, dropped } = losses.into();
                Self {
                    dry_run: true,
                    status: "duplicate",
                    dedupe,
                    issue_id: Some(id.0),
                    issue_url: url,
                    backend,
                    degraded,
                    dropped,
                    route: None,
                }
            }
        }
    }
}

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
    GuardedChange(wish): GuardedChange,
    MergePatch(patch): MergePatch<PatchSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.edit_issue(&wish, patch).await?))
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
pub async fn delete(State(app): State<Arc<App>>, GuardedChange(wish): GuardedChange, uri: Uri) -> Result<Response, Problem> {
    let mut fields = QueryFields::of(&uri)?;
    let permanent = fields.read("permanent", |text| text.parse::<bool>().map_err(|_| ("wrong_type", "must be true or false".to_owned())));
    if fields.finish(permanent)?.unwrap_or(false) {
        app.delete_issue(&wish).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(IssueAnswer(app.archive_issue(&wish).await?).into_response())
}

/// Restore an issue
///
/// Out of the archive, as it was. One that is not archived stays as it is.
#[utoipa::path(post, path = "/issues/{id}/restore", operation_id = "restore_issue", tag = "issues", params(IssueParam, IfMatchParam),
    responses((status = 200, body = IssueResponse, description = "The issue as it is now", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn restore(
    State(app): State<Arc<App>>,
    GuardedChange(wish): GuardedChange,
    OptionalBody(spec): OptionalBody<NoSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.restore_issue(&wish, spec).await?))
}
