//! `/issues/lookup`, `/issues/next` and `/issues/bulk`: queries and changes of many issues at once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{JsonBody, OptionalBody};
use super::issue_response::{IssueAnswer, IssueResponse};
use super::list::{IssueFilter, OpenFilter};
use super::problem::Problem;
use super::request_layer::RequestTrace;
use super::schema;
use crate::app::{App, BulkItem, BulkOutcome, BulkReport, Caller, LookupMatch, LookupReport};
use crate::domain::find::FoundIssue;
use crate::domain::request::query::{BulkSpec, LookupSpec, NextSpec};
use crate::domain::{CloseReason, SourceType, StateName};

/// Ids to look up, at most 1,000 of each kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupRequest {
    #[schema(value_type = Option<Vec<schema::TraceName>>, max_items = 1000, example = json!(["nightly-2026-06-16T07:00:00+00:00"]))]
    triggering_event_ids: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<schema::TraceName>>, max_items = 1000, example = json!([]))]
    activity_definition_ids: Option<Vec<String>>,
    /// What people call issues in a tracker: `acme/tools#12`, `OPS-7`, or with the backend's name, `gitea:acme/tools#12`.
    #[schema(value_type = Option<Vec<schema::TraceName>>, max_items = 1000, example = json!([]))]
    tracker_keys: Option<Vec<String>>,
}

/// An answer for each id, in the order asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupResponse {
    triggering_events: Vec<LookupAnswerResponse>,
    activity_definitions: Vec<LookupAnswerResponse>,
    /// The issues that are, or were, there under that name.
    tracker_keys: Vec<LookupAnswerResponse>,
}

/// What was filed for one id.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupAnswerResponse {
    #[schema(example = "nightly-2026-06-16T07:00:00+00:00")]
    id: String,
    /// The newest hundred, newest first, archived ones too.
    issues: Vec<FoundResponse>,
    /// There are others, or there may be: list them with the id as a filter.
    more: bool,
}

/// An issue in short, with the fields by which a task is recognised.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundResponse {
    issue_id: Uuid,
    issue_url: Option<String>,
    backend: String,
    number: i64,
    title: String,
    state: StateName,
    target_repo: Option<String>,
    source_type: Option<SourceType>,
    source_id: Option<String>,
    triggering_event_id: Option<String>,
    activity_definition_id: Option<String>,
    created_at: DateTime<Utc>,
}

/// Who takes the next issue, for how long, and out of which.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextIssueRequest {
    /// Without it, the name of the key. Several agents with one key must each give their own.
    #[schema(value_type = Option<schema::Holder>)]
    holder: Option<String>,
    /// After it anybody may take the issue over; 15 minutes unless said otherwise.
    #[schema(minimum = 1, maximum = 86_400, example = 900)]
    lease_seconds: Option<i64>,
    #[schema(value_type = Option<OpenFilter>)]
    filter: Option<Value>,
}

/// Which issues, and what is to be changed of each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// Ids or numbers, at most 1,000; not together with `filter`.
    #[schema(value_type = Option<Vec<schema::IssueName>>, min_items = 1, max_items = 1000, example = json!(["42"]))]
    ids: Option<Vec<String>>,
    /// Taken oldest first.
    #[schema(value_type = Option<IssueFilter>, example = json!(null))]
    filter: Option<Value>,
    change: BulkChangeRequest,
    /// Decide about each and tell, but write nothing; not given: `false`.
    #[schema(example = true)]
    dry_run: Option<bool>,
    /// How many a filter may touch; not given: 1,000.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// `next_cursor` of the answer before, with the same filter.
    #[schema(pattern = "^[A-Za-z0-9_-]*$", example = json!(null))]
    cursor: Option<String>,
}

/// What is not mentioned stays. Each issue is changed whole or not at all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct BulkChangeRequest {
    /// Exactly these labels; not together with the next two.
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Labels>)]
    labels_add: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Labels>)]
    labels_remove: Option<Vec<String>>,
    /// Exactly these people; not together with the next two.
    #[schema(value_type = Option<schema::Assignees>)]
    assignees: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Assignees>)]
    assignees_add: Option<Vec<String>>,
    #[schema(value_type = Option<schema::Assignees>)]
    assignees_remove: Option<Vec<String>>,
    /// `null` clears it.
    #[schema(value_type = Option<schema::Milestone>)]
    milestone: Option<String>,
    /// `open` reopens or unblocks, `in_progress` starts, `blocked` and `closed` say so.
    state: Option<StateName>,
    /// With `closed`; `completed` unless said otherwise.
    close_reason: Option<CloseReason>,
    /// With `blocked`, where it is required.
    #[schema(value_type = Option<schema::BlockedReason>)]
    blocked_reason: Option<String>,
}

/// What became of each issue, in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResponse {
    /// Nothing was written.
    dry_run: bool,
    /// How many were changed, or would be.
    changed: usize,
    unchanged: usize,
    failed: usize,
    items: Vec<BulkItemResponse>,
    /// Goes on behind the last one; `null` if the filter has no more.
    #[schema(required = true, example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BulkItemResponse {
    /// As it was named; the id of one that a filter found.
    #[schema(example = "42")]
    id: String,
    #[schema(pattern = "^(changed|unchanged|failed)$", example = "changed")]
    outcome: &'static str,
    number: Option<i64>,
    /// The version it has now, or would have.
    version: Option<i64>,
    /// Why not: a code of `docs/problems.md`.
    code: Option<&'static str>,
    detail: Option<String>,
}

impl From<FoundIssue> for FoundResponse {
    fn from(found: FoundIssue) -> Self {
        Self {
            issue_id: found.id.0,
            issue_url: found.url,
            backend: found.backend,
            number: found.number.0,
            title: found.title,
            state: found.state,
            target_repo: found.target_repo,
            source_type: found.origin.source_type,
            source_id: found.origin.source_id,
            triggering_event_id: found.origin.triggering_event_id,
            activity_definition_id: found.origin.activity_definition_id,
            created_at: found.created_at,
        }
    }
}

impl From<LookupReport> for LookupResponse {
    fn from(answers: LookupReport) -> Self {
        let one = |answer: LookupMatch| LookupAnswerResponse {
            id: answer.id,
            issues: answer.issues.into_iter().map(FoundResponse::from).collect(),
            more: answer.more,
        };
        Self {
            triggering_events: answers.triggering_events.into_iter().map(one).collect(),
            activity_definitions: answers.activity_definitions.into_iter().map(one).collect(),
            tracker_keys: answers.tracker_keys.into_iter().map(one).collect(),
        }
    }
}

impl From<BulkItem> for BulkItemResponse {
    fn from(item: BulkItem) -> Self {
        let none = Self { id: item.name, outcome: "failed", number: None, version: None, code: None, detail: None };
        match item.outcome {
            BulkOutcome::Changed(issue) => Self { outcome: "changed", number: Some(issue.number.0), version: Some(issue.version), ..none },
            BulkOutcome::Unchanged(issue) => {
                Self { outcome: "unchanged", number: Some(issue.number.0), version: Some(issue.version), ..none }
            }
            BulkOutcome::Failed(error) => Self { code: Some(error.code()), detail: Some(error.public()), ..none },
        }
    }
}

impl From<BulkReport> for BulkResponse {
    fn from(report: BulkReport) -> Self {
        let items: Vec<BulkItemResponse> = report.items.into_iter().map(BulkItemResponse::from).collect();
        let count = |outcome| items.iter().filter(|item| item.outcome == outcome).count();
        let (changed, unchanged, failed) = (count("changed"), count("unchanged"), count("failed"));
        Self { dry_run: report.dry_run, changed, unchanged, failed, items, next_cursor: report.next }
    }
}

/// Look up what was filed
///
/// Compare your own log with what is here: for each trigger or definition, the issues that it was filed as.
#[utoipa::path(post, path = "/issues/lookup", operation_id = "lookup_issues", tag = "find", request_body = LookupRequest,
    responses((status = 200, body = LookupResponse, description = "An answer for each id")))]
pub async fn lookup(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(spec): JsonBody<LookupSpec>,
) -> Result<Json<LookupResponse>, Problem> {
    Ok(Json(app.lookup_issues(&caller, spec).await?.into()))
}

/// Claim the next issue
///
/// The most urgent open issue that nobody holds: by priority, then due date, then age. Of any number of callers at once each gets another
/// one. 204 when there is none.
#[utoipa::path(post, path = "/issues/next", operation_id = "claim_next_issue", tag = "claims",
    request_body(content = Option<NextIssueRequest>, example = json!({"holder": "agent-7", "filter": {"target_repo": ["activity-core"], "label_none": ["manual"]}})),
    responses(
        (status = 200, body = IssueResponse, description = "Held by the holder named, until the time shown", headers(("ETag" = String, description = "This edition of it"))),
        (status = 204, description = "Nothing is left to claim")))]
pub async fn next(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    OptionalBody(spec): OptionalBody<NextSpec>,
) -> Result<Response, Problem> {
    let issue = app.next_issue(&caller, spec, Some(trace.traceparent())).await?;
    Ok(issue.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |issue| IssueAnswer(issue).into_response()))
}

/// Edit many issues
///
/// Each issue is decided about for itself, by the same rules as alone, and changed whole or not at all; one that cannot be changed does not
/// stop the others. Try it with `dry_run` first. Sending it again changes nothing more.
#[utoipa::path(post, path = "/issues/bulk", operation_id = "edit_issues", tag = "issues",
    request_body(content = BulkRequest, example = json!({"filter": {"label": ["sbom"], "state": ["open"]}, "change": {"labels_add": ["triaged"]}, "dry_run": true})),
    responses((status = 200, body = BulkResponse, description = "What became of each")))]
pub async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestTrace(trace)): Extension<RequestTrace>,
    JsonBody(spec): JsonBody<BulkSpec>,
) -> Result<Json<BulkResponse>, Problem> {
    Ok(Json(app.edit_many(&caller, spec, Some(trace.traceparent())).await?.into()))
}
