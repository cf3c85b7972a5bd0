//! `?dry_run=true`: check everything, write nothing. The only field in the query of a creation.
//!
//! Any other field is refused, so that a misspelt `?dryrun=true` creates nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use super::query::QueryFields;

#[derive(Debug, Clone, Copy)]
pub struct DryRun(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for DryRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_none() {
            return Ok(Self(false));
        }
        let mut fields = QueryFields::of(&parts.uri)?;
        let wanted = fields.read("dry_run", |text| text.parse::<bool>().map_err(|_| ("wrong_type", "must be true or false".to_owned())));
        fields.finish(Self(wanted.unwrap_or(false)))
    }
}

/// How it is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct DryRunParam {
    /// Check everything, say what would happen, and write nothing
    #[param(default = false, example = false)]
    dry_run: Option<bool>,
}
