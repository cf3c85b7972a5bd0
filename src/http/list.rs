//! `GET /issues`: lists and searches.

use std::sync::Arc;

use axum::extract::{OriginalUri, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::{IntoParams as _, ToSchema};

use super::etag::IfNoneMatchParam;
use super::issue_response::IssueResponse;
use super::page::{answered, next_link};
use super::problem::Problem;
use super::schema;
use crate::app::{App, AppError, Caller, IssueList};
use crate::domain::find::{Archived, IssueQuery, Order, Sort};
use crate::domain::{Kind, Priority, ReviewState, SourceType, StateName};

/// How a filter is documented: in the query of a list, and as an object in a body ([`IssueFilter`], [`OpenFilter`]).
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct FilterParams {
    /// One of these
    #[param(max_items = 20, example = json!(["open", "blocked"]))]
    state: Option<Vec<StateName>>,
    /// Each of these labels, ignoring case
    #[param(value_type = Option<Vec<schema::Label>>, max_items = 20)]
    label: Option<Vec<String>>,
    /// One of these labels
    #[param(value_type = Option<Vec<schema::Label>>, max_items = 20)]
    label_any: Option<Vec<String>>,
    /// None of these labels
    #[param(value_type = Option<Vec<schema::Label>>, max_items = 20)]
    label_none: Option<Vec<String>>,
    /// One of these
    #[param(max_items = 20)]
    priority: Option<Vec<Priority>>,
    /// One of these
    #[param(max_items = 20)]
    kind: Option<Vec<Kind>>,
    /// Assigned to one of these people, ignoring case
    #[param(value_type = Option<Vec<schema::Assignee>>, max_items = 20)]
    assignee: Option<Vec<String>>,
    /// `true`: assigned to nobody; not together with `assignee`
    unassigned: Option<bool>,
    /// One of these milestones
    #[param(value_type = Option<Vec<schema::MilestoneName>>, max_items = 20)]
    milestone: Option<Vec<String>>,
    /// One of these repositories
    #[param(value_type = Option<Vec<schema::RepoName>>, max_items = 20)]
    target_repo: Option<Vec<String>>,
    /// One of these backends
    #[param(value_type = Option<Vec<schema::BackendName>>, max_items = 20)]
    backend: Option<Vec<String>>,
    /// One of these
    #[param(max_items = 20)]
    source_type: Option<Vec<SourceType>>,
    /// One of these sources
    #[param(value_type = Option<Vec<schema::TraceName>>, max_items = 20)]
    source_id: Option<Vec<String>>,
    /// Emitted by one of these events
    #[param(value_type = Option<Vec<schema::TraceName>>, max_items = 20)]
    triggering_event_id: Option<Vec<String>>,
    /// Emitted by one of these definitions
    #[param(value_type = Option<Vec<schema::TraceName>>, max_items = 20)]
    activity_definition_id: Option<Vec<String>>,
    /// One of these
    #[param(max_items = 20)]
    review: Option<Vec<ReviewState>>,
    /// Filed at that moment or later
    #[param(value_type = Option<schema::Moment>, example = "2026-06-01")]
    created_from: Option<String>,
    /// Filed before that moment
    #[param(value_type = Option<schema::Moment>, example = "2026-07-01T00:00:00Z")]
    created_before: Option<String>,
    /// Changed last at that moment or later
    #[param(value_type = Option<schema::Moment>)]
    updated_from: Option<String>,
    /// Changed last before that moment
    #[param(value_type = Option<schema::Moment>)]
    updated_before: Option<String>,
    /// Closed at that moment or later
    #[param(value_type = Option<schema::Moment>)]
    closed_from: Option<String>,
    /// Closed before that moment
    #[param(value_type = Option<schema::Moment>)]
    closed_before: Option<String>,
    /// Due on that day or later
    #[param(example = "2026-06-01")]
    due_from: Option<NaiveDate>,
    /// Due before that day
    #[param(example = "2026-07-01")]
    due_before: Option<NaiveDate>,
    /// Not given: `false`
    archived: Option<Archived>,
    /// Its id begins so, dashes left out
    #[param(pattern = "^[0-9A-Fa-f]{1,32}$", example = "01977f9e")]
    id_prefix: Option<String>,
    /// Up to 16 words that all must occur in title, description or comments: `word`, `begin*`, `"a phrase"`
    #[param(min_length = 1, max_length = 1000, pattern = r"^[^\u0000]*$", example = "stale \"bill of materials\" comp*")]
    q: Option<String>,
}

/// How the rest of [`IssueQuery`] is documented, which does the reading, so that every fault is listed at once.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct ListParams {
    /// `relevance` needs `q`, and is the default with it; otherwise `created` is
    sort: Option<Sort>,
    /// Without it: newest, last changed, soonest due, most urgent first; by relevance the best match is always first
    order: Option<Order>,
    /// At most as many issues; a page of very long ones may hold fewer
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; everything but `limit` and `total` must be as it was there
    cursor: Option<String>,
    /// `true`: tell how many there are in all
    total: Option<bool>,
}

/// A filter in a body.
#[derive(Debug)]
pub struct IssueFilter;

/// The same for issues that are all open.
#[derive(Debug)]
pub struct OpenFilter;

impl utoipa::PartialSchema for IssueFilter {
    fn schema() -> RefOr<Schema> {
        filter_object(&[])
    }
}

impl ToSchema for IssueFilter {}

impl utoipa::PartialSchema for OpenFilter {
    fn schema() -> RefOr<Schema> {
        filter_object(&["state"])
    }
}

impl ToSchema for OpenFilter {}

/// The parameters as the properties of an object; several values are a list there, and one may stand for itself.
fn filter_object(without: &[&str]) -> RefOr<Schema> {
    let description = "The filters of the list, under the same names and with the same meaning.";
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    for parameter in FilterParams::into_params(|| None) {
        if let Some(schema) = parameter.schema.filter(|_| !without.contains(&parameter.name.as_str())) {
            object = object.property(parameter.name, schema);
        }
    }
    Schema::Object(object.extensions(Some(ExtensionsBuilder::new().add("x-parameters", true).build())).build()).into()
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
    #[schema(nullable = false, example = 42)]
    total: Option<u64>,
    /// `false`: there are more than `total`; they were not counted to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = true)]
    total_is_exact: Option<bool>,
}

impl From<IssueList> for IssueListResponse {
    fn from(listing: IssueList) -> Self {
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
#[utoipa::path(get, path = "/issues", operation_id = "list_issues", tag = "find", params(FilterParams, ListParams, IfNoneMatchParam),
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
