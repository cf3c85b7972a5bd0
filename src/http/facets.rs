//! `/labels`, `/milestones`, `/assignees`, `/repos` and `/stats`: how many issues there are of what.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::etag::IfNoneMatchParam;
use super::page::{PageParams, PageResponse, answered, next_link, unwrap, wrap};
use super::problem::Problem;
use super::query::QueryFields;
use super::schema;
use crate::app::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::app::{App, Caller, IssueStats};
use crate::domain::find::facet::{Facet, FacetOrder, FacetQuery, ShownFacetValue};

/// A value and how many issues have it; archived ones do not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetResponse {
    /// As it is written most often.
    #[schema(example = "sbom")]
    name: String,
    #[schema(example = 12)]
    total: i64,
    /// Not closed.
    #[schema(example = 5)]
    active: i64,
    #[schema(example = 7)]
    closed: i64,
}

impl From<ShownFacetValue> for FacetResponse {
    fn from(value: ShownFacetValue) -> Self {
        Self { name: value.name, total: value.count.total(), active: value.count.active, closed: value.count.closed }
    }
}

/// How [`FacetQuery`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct FacetParams {
    /// Only names that begin so; labels and people ignore case
    #[param(value_type = Option<schema::Prefix>)]
    prefix: Option<String>,
    /// `count`: the most frequent ones first, as one page
    sort: Option<FacetOrder>,
}

/// What is done with an issue so far.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsResponse {
    /// In each state; only states that occur.
    states: Vec<FacetResponse>,
    backends: Vec<FacetResponse>,
    /// The hundred with the most issues.
    repos: Vec<FacetResponse>,
    /// Of those not closed: how many were filed in the last days, by calendar days in UTC. Each issue counts once, in the first that fits.
    ages: Vec<AgeResponse>,
    /// Archived ones, which count nowhere else.
    archived: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AgeResponse {
    /// Filed in the last so many days, today included; `null`: before all of them.
    #[schema(required = true, example = 7)]
    days: Option<u16>,
    #[schema(example = 3)]
    active: i64,
}

impl From<IssueStats> for StatsResponse {
    fn from(stats: IssueStats) -> Self {
        let all = |values: Vec<ShownFacetValue>| values.into_iter().map(FacetResponse::from).collect();
        Self {
            states: all(stats.states),
            backends: all(stats.backends),
            repos: all(stats.repos),
            ages: stats.ages.into_iter().map(|(days, active)| AgeResponse { days, active }).collect(),
            archived: stats.archived,
        }
    }
}

macro_rules! facet {
    ($(#[$doc:meta])* $name:ident, $path:literal, $id:literal, $facet:ident) => {
        $(#[$doc])*
        #[utoipa::path(get, path = $path, operation_id = $id, tag = "find", params(FacetParams, PageParams, IfNoneMatchParam),
            responses(
                (status = 200, body = PageResponse<FacetResponse>, description = "A page of values with their counts", headers(
                    ("ETag" = String, description = "This edition of the page"), ("Link" = String, description = "The next page, if there is one"))),
                (status = 304, description = "The reader has this page already")))]
        pub async fn $name(
            State(app): State<Arc<App>>,
            caller: Caller,
            OriginalUri(uri): OriginalUri,
            headers: HeaderMap,
        ) -> Result<Response, Problem> {
            show(&app, &caller, query(&uri, Facet::$facet)?, &uri, &headers).await
        }
    };
}

facet! {
    /// List labels with counts
    ///
    /// Spellings that differ in case only are one label. A label that no issue has any more is not listed.
    labels, "/labels", "list_labels", Label
}
facet! {
    /// List milestones with counts
    ///
    /// Those that issues have; a milestone that none has any more is not listed.
    milestones, "/milestones", "list_milestones", Milestone
}
facet! {
    /// List assignees with counts
    ///
    /// Spellings that differ in case only are one name. Somebody who has no issue any more is not listed.
    assignees, "/assignees", "list_assignees", Assignee
}
facet! {
    /// List target repositories with counts
    ///
    /// Those that issues are about.
    repos, "/repos", "list_repos", Repo
}

/// Show statistics
///
/// How many issues there are by state, backend, repository and age. The counts are kept by every change, so they are exact.
#[utoipa::path(get, path = "/stats", operation_id = "get_stats", tag = "find", responses((status = 200, body = StatsResponse, description = "The counts")))]
pub async fn stats(State(app): State<Arc<App>>, caller: Caller, OriginalUri(uri): OriginalUri) -> Result<Json<StatsResponse>, Problem> {
    QueryFields::of(&uri)?.finish(())?;
    Ok(Json(app.stats(&caller).await?.into()))
}

async fn show(app: &App, caller: &Caller, query: FacetQuery, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let page = app.facet(caller, query).await?;
    let next_cursor = page.items.last().filter(|_| page.more).map(|last| wrap(&last.key));
    let link = next_cursor.as_ref().map(|cursor| next_link(uri, cursor));
    let page = PageResponse { items: page.items.into_iter().map(FacetResponse::from).collect(), next_cursor };
    Ok(answered(headers, &page, link))
}

fn query(uri: &Uri, facet: Facet) -> Result<FacetQuery, Problem> {
    let mut fields = QueryFields::of(uri)?;
    let limit = fields.read("limit", |text| {
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| ("out_of_range", format!("must be an integer from 1 to {MAX_LIMIT}")))
    });
    let by: Option<FacetOrder> = fields.read("sort", |text| {
        text.parse().map_err(|error: crate::domain::base::vocabulary::UnknownWord| ("unknown_word", error.to_string()))
    });
    let after: Option<String> = fields
        .read("cursor", |text| unwrap(text).ok_or_else(|| ("not_a_cursor", "must be the next_cursor of a page of this list".to_owned())));
    let prefix = fields.read("prefix", |text| facet.key(text)).unwrap_or_default();
    let (after, by) = (after.unwrap_or_default(), by.unwrap_or(FacetOrder::Name));
    fields.finish(FacetQuery { facet, prefix, after, by, limit: limit.unwrap_or(DEFAULT_LIMIT) })
}
