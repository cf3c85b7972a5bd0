//! The query of a request, field by field: every fault at once, and no field ignored.

use axum::extract::Query;
use axum::http::Uri;

use super::problem::Problem;
use crate::app::AppError;
use crate::domain::Faults;

/// What is still unread of a query, and what was wrong so far.
#[derive(Debug)]
pub struct QueryFields {
    unread: Vec<(String, String)>,
    faults: Faults,
}

impl QueryFields {
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        let Query(unread) = Query::try_from_uri(uri).map_err(|error| Problem::malformed(format!("the query cannot be read: {error}")))?;
        Ok(Self { unread, faults: Faults::default() })
    }

    /// The field of that name, if it is there; a fault (code, message) if it is there twice or `parse` refuses it.
    pub fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, (&'static str, String)>) -> Option<T> {
        let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unread).into_iter().partition(|(key, _)| key == name);
        self.unread = rest;
        if found.len() > 1 {
            self.faults.add(name, "contradiction", "is given more than once");
        }
        let (_, text) = found.into_iter().next()?;
        parse(&text).map_err(|(code, message)| self.faults.add(name, code, message)).ok()
    }

    /// The value, if there was no fault. An unknown field is a fault.
    pub fn finish<T>(mut self, value: T) -> Result<T, Problem> {
        for (name, _) in &self.unread {
            self.faults.add(name, "unknown_field", "is not a field of this query");
        }
        Ok(self.faults.into_result(value).map_err(AppError::from)?)
    }
}
