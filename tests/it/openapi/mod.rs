//! The OpenAPI document, judged from outside: by a linter, by clients that public generators make of it, by a fuzzer, and in a browser.
//! `tests/run openapi` runs them all.

mod clients;
mod document;
mod fuzz;
mod lint;
mod page;
pub(crate) mod tools;
