//! The parts of a change: the caller, the issue in the path, `If-Match`, the trace.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::RequestLimits;
use super::etag::{if_match, only_new};
use super::path::IssuePath;
use super::problem::Problem;
use super::request_layer::RequestTrace;
use crate::app::{App, AppError, Caller, ChangeRequest, PutCondition, ResolveRequest};

/// A request that may overwrite a version that the caller has not seen: under
/// `http.require_if_match` it needs the header.
#[derive(Debug)]
pub struct GuardedChange(pub ChangeRequest);

impl FromRequestParts<Arc<App>> for ChangeRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(read(parts, app).await?.0)
    }
}

impl FromRequestParts<Arc<App>> for GuardedChange {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (request, has_condition) = read(parts, app).await?;
        if requires(parts) && !has_condition { Err(Problem::precondition_required()) } else { Ok(Self(request)) }
    }
}

/// What a `PUT` may be written over. Under `http.require_if_match` it must say so.
#[derive(Debug)]
pub struct PutGuard(pub PutCondition);

impl<S: Send + Sync> FromRequestParts<S> for PutGuard {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let condition = if_match(&parts.headers).map_err(AppError::from)?;
        match (condition, only_new(&parts.headers).map_err(AppError::from)?) {
            // Something that is there in this edition, and is not there: that never holds.
            (Some(_), true) => Err(AppError::PreconditionFailed { current: "*".to_owned() }.into()),
            (Some(expected), false) => Ok(Self(PutCondition::These(expected))),
            (None, true) => Ok(Self(PutCondition::Nothing)),
            (None, false) if requires(parts) => Err(Problem::precondition_required()),
            (None, false) => Ok(Self(PutCondition::Anything)),
        }
    }
}

/// A decision about a record other than an issue. Another caller may have made it meanwhile, so it
/// is guarded like a [`GuardedChange`].
#[derive(Debug)]
pub struct GuardedDecision(pub ResolveRequest);

impl FromRequestParts<Arc<App>> for GuardedDecision {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let expected = if_match(&parts.headers).map_err(AppError::from)?;
        if requires(parts) && expected.is_none() {
            return Err(Problem::precondition_required());
        }
        Ok(Self(ResolveRequest { caller, expected, trace: trace(parts) }))
    }
}

fn requires(parts: &Parts) -> bool {
    parts.extensions.get::<RequestLimits>().is_some_and(|terms| terms.require_if_match)
}

fn trace(parts: &Parts) -> Option<String> {
    parts.extensions.get::<RequestTrace>().map(|RequestTrace(trace)| trace.traceparent())
}

async fn read(parts: &mut Parts, app: &Arc<App>) -> Result<(ChangeRequest, bool), Problem> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let IssuePath(issue) = IssuePath::from_request_parts(parts, app).await?;
    let condition = if_match(&parts.headers).map_err(AppError::from)?;
    let trace = trace(parts);
    let has_condition = condition.is_some();
    Ok((ChangeRequest { caller, issue, expected: condition.unwrap_or_default(), trace }, has_condition))
}
