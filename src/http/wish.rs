//! Who wants what changed: the caller, the issue in the path, `If-Match`, the trace.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Terms;
use super::etag::if_match;
use super::observe::RequestTrace;
use super::path::IssuePath;
use super::problem::Problem;
use crate::app::{App, AppError, Caller, Wish};

/// A wish that might overwrite what the caller has not seen: under `http.require_if_match` it needs the header.
#[derive(Debug)]
pub struct Guarded(pub Wish);

impl FromRequestParts<Arc<App>> for Wish {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(read(parts, app).await?.0)
    }
}

impl FromRequestParts<Arc<App>> for Guarded {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (wish, has_condition) = read(parts, app).await?;
        let required = parts.extensions.get::<Terms>().is_some_and(|terms| terms.require_if_match);
        if required && !has_condition { Err(Problem::precondition_required()) } else { Ok(Self(wish)) }
    }
}

async fn read(parts: &mut Parts, app: &Arc<App>) -> Result<(Wish, bool), Problem> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let IssuePath(issue) = IssuePath::from_request_parts(parts, app).await?;
    let condition = if_match(&parts.headers).map_err(AppError::from)?;
    let trace = parts.extensions.get::<RequestTrace>().map(|RequestTrace(trace)| trace.traceparent());
    let has_condition = condition.is_some();
    Ok((Wish { caller, issue, expected: condition.unwrap_or_default(), trace }, has_condition))
}
