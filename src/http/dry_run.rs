//! `?dry_run=true`: check everything, write nothing. The only query parameter of a creation.
//!
//! Any other one is refused: whoever writes `?dryrun=true` must not create what was only to be looked at.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::problem::Problem;
use crate::app::AppError;
use crate::domain::Faults;

#[derive(Debug, Clone, Copy)]
pub struct DryRun(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for DryRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_none_or(str::is_empty) {
            return Ok(Self(false));
        }
        let Query(pairs): Query<Vec<(String, String)>> =
            Query::try_from_uri(&parts.uri).map_err(|error| Problem::malformed(format!("the query cannot be read: {error}")))?;
        Ok(dry_run(&pairs).map_err(AppError::from)?)
    }
}

fn dry_run(pairs: &[(String, String)]) -> Result<DryRun, Faults> {
    let (mut faults, mut found) = (Faults::default(), None);
    for (name, value) in pairs {
        match (name.as_str(), value.as_str()) {
            ("dry_run", _) if found.is_some() => faults.add("?dry_run", "contradiction", "give it once"),
            ("dry_run", "true") => found = Some(true),
            ("dry_run", "false") => found = Some(false),
            ("dry_run", _) => faults.add("?dry_run", "unknown_word", "must be one of true, false"),
            _ => faults.add(format!("?{name}"), "unknown_parameter", "there is no such parameter here; dry_run is the only one"),
        }
    }
    faults.into_result(DryRun(found.unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_parameter_is_refused_rather_than_passed_over() {
        let read = |query: &str| {
            let Query(pairs): Query<Vec<(String, String)>> = Query::try_from_uri(&format!("/?{query}").parse().unwrap()).unwrap();
            dry_run(&pairs).map(|DryRun(dry)| dry).map_err(|faults| faults.into_vec()[0].code)
        };
        assert_eq!(read("dry_run=true"), Ok(true));
        assert_eq!(read("dry_run=false"), Ok(false));
        assert_eq!(read("dry_run=yes"), Err("unknown_word"));
        assert_eq!(read("dry_run=false&dry_run=true"), Err("contradiction"));
        assert_eq!(read("dryrun=true"), Err("unknown_parameter"));
    }
}
