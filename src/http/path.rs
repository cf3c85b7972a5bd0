//! What a path names.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use utoipa::IntoParams;
use uuid::Uuid;

use super::problem::Problem;
use super::schema;
use crate::app::AppError;
use crate::domain::{CommentId, IssueRef};

/// The `{id}` of an issue's path: its id or its number. Anything else names no issue.
#[derive(Debug)]
pub struct IssuePath(pub IssueRef);

/// The `{comment_id}` of a comment's path. Anything but a UUID names no comment.
#[derive(Debug)]
pub struct CommentPath(pub CommentId);

/// The `{name}` of a backend's path.
#[derive(Debug)]
pub struct BackendPath(pub String);

/// The `{backend}` of a delivery's path.
#[derive(Debug)]
pub struct WebhookPath(pub String);

/// The `{name}` and the `{workspace}` of a path.
#[derive(Debug)]
pub struct WorkspacePath(pub String, pub String);

/// The `{name}` of a binding's path.
#[derive(Debug)]
pub struct BindingPath(pub String);

/// The `{id}` of a conflict's path. Anything but a UUID names none.
#[derive(Debug)]
pub struct ConflictPath(pub Uuid);

/// How [`ConflictPath`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct ConflictParam {
    /// The conflict's id
    id: Uuid,
}

/// How a binding's path is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct BindingParam {
    /// Its name
    #[param(value_type = schema::BindingName, example = "tools")]
    name: String,
}

/// How [`IssuePath`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct IssueParam {
    /// The issue's id or number
    #[param(example = "42")]
    id: String,
}

/// How [`CommentPath`] is documented.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct CommentParam {
    /// The comment's id
    comment_id: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for IssuePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let text = named("id", parts, state).await?;
        let name = text.parse().map_err(|error| AppError::NotFound { what: format!("issue of that name ({error})") })?;
        Ok(Self(name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CommentPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let text = named("comment_id", parts, state).await?;
        let id = Uuid::try_parse(&text).map_err(|_| AppError::NotFound { what: "comment of that name (it must be a UUID)".to_owned() })?;
        Ok(Self(CommentId(id)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BackendPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(named("name", parts, state).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BindingPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(named("name", parts, state).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ConflictPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let text = named("id", parts, state).await?;
        let missing = |_| AppError::NotFound { what: "conflict of that name (it must be a UUID)".to_owned() };
        Ok(Self(Uuid::try_parse(&text).map_err(missing)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebhookPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(named("backend", parts, state).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WorkspacePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(named("name", parts, state).await?, named("id", parts, state).await?))
    }
}

async fn named<S: Send + Sync>(name: &str, parts: &mut Parts, state: &S) -> Result<String, Problem> {
    let unread = |error: &dyn std::fmt::Display| Problem::malformed(format!("the path cannot be read: {error}"));
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|error| unread(&error))?;
    let value = params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.ok_or_else(|| unread(&format!("it has no {name}")))
}
