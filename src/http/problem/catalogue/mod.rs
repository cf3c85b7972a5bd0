//! The one catalogue of problems. The answers take status, title and headers from it, the OpenAPI document describes its responses with
//! it, and a test compares every cell of `docs/problems.md` with it.
//!
//! It must not decide which failure happened: `AppError::code` and the callers in `http/` do.
//!
//! To add a problem: an entry in `failures.rs`, or in `refusals.rs` if a rule on a state says no. Then run `tests/run problems`: it
//! prints the line that `docs/problems.md` lacks.

mod failures;
mod refusals;

use axum::http::{HeaderName, HeaderValue, StatusCode};

pub use failures::*;
pub use refusals::{ISSUE_CLOSED, REFUSALS};

/// What all problems of one code have in common.
#[derive(Debug)]
pub struct ProblemKind {
    /// A stable word for machines.
    pub code: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What the code means, for the document and the page.
    pub description: &'static str,
    /// An answer's `detail`: an example, or the text itself where it never varies.
    pub detail: &'static str,
    /// What the caller or the operator does next.
    pub remedy: &'static str,
    pub headers: &'static [ProblemHeader],
}

/// A header that comes with a problem.
#[derive(Debug)]
pub struct ProblemHeader {
    pub name: &'static str,
    pub description: &'static str,
    /// The value, or an example where each answer has its own.
    pub value: &'static str,
}

impl ProblemKind {
    /// The headers as the answer carries them.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let pair = |header: &ProblemHeader| Some((header.name.parse().ok()?, HeaderValue::from_static(header.value)));
        self.headers.iter().filter_map(pair)
    }
}

/// Every kind: the failures, then the refusals.
pub fn all() -> impl Iterator<Item = &'static ProblemKind> {
    FAILURES.iter().chain(REFUSALS).copied()
}

/// The kind of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static ProblemKind> {
    all().find(|kind| kind.code == code)
}
