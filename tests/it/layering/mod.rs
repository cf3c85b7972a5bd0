//! Keeps the layers: which room and which folder uses which, what a type may be called, which
//! arguments a call may have.
//!
//! `syn` parses every file once ([`tree::Tree::of_the_project`]); each rule is a function from the tree to its offenders.
//! The rule's tests show it on samples of a few lines, and then hold it against `src/`. To add a rule, add such a file.

mod arguments;
mod document;
mod domain;
mod module;
mod names;
mod parse;
mod purity;
mod rooms;
mod source;
mod tokens;
mod tree;
mod tree_tests;

/// Fails with every offender, a line each.
#[track_caller]
fn assert_none(offenders: &[String]) {
    assert!(offenders.is_empty(), "{} found:\n{}", offenders.len(), offenders.join("\n"));
}
