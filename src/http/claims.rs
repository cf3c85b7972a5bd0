//! `/issues/{id}/claim` and `/release`: one holder at a time.
//!
//! `If-Match` is honoured but never required: a claim overwrites nothing.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::OptionalBody;
use super::etag::IfMatchParam;
use super::issue_response::{IssueAnswer, IssueResponse};
use super::path::IssueParam;
use super::problem::Problem;
use super::schema;
use crate::app::{App, ChangeRequest};
use crate::domain::{ClaimSpec, ReleaseSpec};

/// Who takes an issue, and for how long.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimIssueRequest {
    /// Without it, the name of the key. Several agents with one key must each give their own.
    #[schema(value_type = Option<schema::Holder>)]
    holder: Option<String>,
    /// After it anybody may take the issue over; 15 minutes unless said otherwise.
    #[schema(minimum = 1, maximum = 86_400, example = 900)]
    lease_seconds: Option<i64>,
}

/// Who gives an issue back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseIssueRequest {
    /// Without it, the name of the key.
    #[schema(value_type = Option<schema::Holder>)]
    holder: Option<String>,
}

/// Claim an issue
///
/// Of any number of callers at once one gets it, the others are refused (409 `claimed`). Its holder claims it again to renew the lease;
/// once the lease has run out anybody may take it over. A claim says who works on the issue; it does not keep others from changing it.
#[utoipa::path(post, path = "/issues/{id}/claim", operation_id = "claim_issue", tag = "claims", params(IssueParam, IfMatchParam), request_body = Option<ClaimIssueRequest>,
    responses((status = 200, body = IssueResponse, description = "Held by the holder named, until the time shown", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn claim(
    State(app): State<Arc<App>>,
    request: ChangeRequest,
    OptionalBody(spec): OptionalBody<ClaimSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.claim_issue(&request, spec).await?))
}

/// Release an issue
///
/// Its holder gives it back. One that nobody holds stays as it is.
#[utoipa::path(post, path = "/issues/{id}/release", operation_id = "release_issue", tag = "claims", params(IssueParam, IfMatchParam), request_body = Option<ReleaseIssueRequest>,
    responses((status = 200, body = IssueResponse, description = "Held by nobody", headers(("ETag" = String, description = "This edition of it")))))]
pub async fn release(
    State(app): State<Arc<App>>,
    request: ChangeRequest,
    OptionalBody(spec): OptionalBody<ReleaseSpec>,
) -> Result<IssueAnswer, Problem> {
    Ok(IssueAnswer(app.release_issue(&request, spec).await?))
}
