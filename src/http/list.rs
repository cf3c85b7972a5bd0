//! `GET /issues/`: lists and searches.

use std::sync::Arc;

use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::etag::IfNoneMatchParam;
use super::issue_response::IssueResponse;
use super::page::{answered, next_link};
use super::problem::Problem;
use crate::app::{App, AppError, Caller, Listing};
use crate::domain::find::IssueQuery;

/// How [`IssueQuery`] is documented, which does the reading, so that every fault is told at once.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct ListParams {
    /// One of these: `open`, `in_progress`, `blocked`, `closed`
    #[param(inline, example = json!(["open", "blocked"]))]
    state: Option<Vec<String>>,
    /// Each of these labels, ignoring case
    label: Option<Vec<String>>,
    /// One of these labels
    label_any: Option<Vec<String>>,
    /// None of these labels
    label_none: Option<Vec<String>>,
    /// One of these: `high`, `medium`, `low`
    priority: Option<Vec<String>>,
    /// One of these: `task`, `bug`, `feature`, `chore`
    kind: Option<Vec<String>>,
    /// Assigned to one of these people, ignoring case
    assignee: Option<Vec<String>>,
    /// `true`: assigned to nobody
    unassigned: Option<bool>,
    /// One of these milestones
    milestone: Option<Vec<String>>,
    /// One of these repositories
    target_repo: Option<Vec<String>>,
    /// One of these backends
    backend: Option<Vec<String>>,
    /// One of these: `rule`, `instruction`
    source_type: Option<Vec<String>>,
    /// One of these sources
    source_id: Option<Vec<String>>,
    /// Emitted by one of these events
    triggering_event_id: Option<Vec<String>>,
    /// Emitted by one of these definitions
    activity_definition_id: Option<Vec<String>>,
    /// One of these: `none`, `pending`, `approved`, `rejected`
    review: Option<Vec<String>>,
    /// Filed at that moment or later; a date means its beginning in UTC
    #[param(example = "2026-06-01")]
    created_from: Option<String>,
    /// Filed before that moment
    #[param(example = "2026-07-01T00:00:00Z")]
    created_before: Option<String>,
    /// Changed last at that moment or later
    updated_from: Option<String>,
    /// Changed last before that moment
    updated_before: Option<String>,
    /// Closed at that moment or later
    closed_from: Option<String>,
    /// Closed before that moment
    closed_before: Option<String>,
    /// Due on that day or later
    #[param(example = "2026-06-01")]
    due_from: Option<String>,
    /// Due before that day
    #[param(example = "2026-07-01")]
    due_before: Option<String>,
    /// `true`: archived ones only; `any`: archived ones too
    #[param(pattern = "^(false|true|any)$", default = "false")]
    archived: Option<String>,
    /// Words that all must occur in title, description or comments: `word`, `begin*`, `"a phrase"`
    #[param(max_length = 1000, example = "stale \"bill of materials\" comp*")]
    q: Option<String>,
    /// `relevance` needs `q`, and is the default with it; otherwise `created` is
    #[param(pattern = "^(created|updated|due|priority|number|relevance)$")]
    sort: Option<String>,
    /// Without it: newest, last changed, soonest due, most urgent first
    #[param(pattern = "^(asc|desc)$")]
    order: Option<String>,
    /// At most as many issues; a page of very long ones may hold fewer
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; everything but `limit` and `total` must be as it was there
    cursor: Option<String>,
    /// `true`: tell how many there are in all
    total: Option<bool>,
}

/// A page of issues.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueListResponse {
    items: Vec<IssueResponse>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required = true, example = json!(null))]
    next_cursor: Option<String>,
    /// How many there are in all; only if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 42)]
    total: Option<u64>,
    /// `false`: there are more than `total`; they were not counted to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    total_is_exact: Option<bool>,
}

impl From<Listing> for IssueListResponse {
    fn from(listing: Listing) -> Self {
        Self {
            items: listing.issues.into_iter().map(IssueResponse::from).collect(),
            next_cursor: listing.next,
            total: listing.total.map(|total| total.count),
            total_is_exact: listing.total.map(|total| total.exact),
        }
    }
}

/// List and search issues
///
/// All filters given must hold; of several values of one filter, one is enough (`label` excepted). Repeat a parameter for several values;
/// fixed words may be separated by commas instead. A parameter not listed here is an error.
///
/// Issues come with their whole descriptions. A page ends early before these grow beyond 1 MiB: follow `next_cursor`, not the count.
/// With `q` the newest 1,000 matches are ranked, words in the title first, then those at the beginning of the description.
#[utoipa::path(get, path = "/issues/", operation_id = "list_issues", tag = "find", params(ListParams, IfNoneMatchParam),
    responses(
        (status = 200, body = IssueListResponse, description = "A page of issues", headers(
            ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
        (status = 304, description = "The reader has this page already")))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listing = app.find_issues(&caller, &query(&uri)?).await?;
    let link = listing.next.as_ref().map(|cursor| next_link(&uri, cursor));
    Ok(answered(&headers, &IssueListResponse::from(listing), link))
}

fn query(uri: &Uri) -> Result<IssueQuery, Problem> {
    let pairs = Query::try_from_uri(uri).map_err(|error| Problem::malformed(format!("the query cannot be read: {error}")))?;
    let Query(pairs): Query<Vec<(String, String)>> = pairs;
    Ok(IssueQuery::parse(&pairs).map_err(AppError::from)?)
}
