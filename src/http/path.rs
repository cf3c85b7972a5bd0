//! What a path names.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::Problem;
use crate::app::AppError;
use crate::domain::IssueRef;

/// The `{id}` of an issue's path: its id or its number. Anything else names no issue.
#[derive(Debug)]
pub struct IssuePath(pub IssueRef);

impl<S: Send + Sync> FromRequestParts<S> for IssuePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(text): Path<String> = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::malformed(format!("the path cannot be read: {error}")))?;
        let name = text.parse().map_err(|error| AppError::NotFound { what: format!("issue of that name ({error})") })?;
        Ok(Self(name))
    }
}
