//! No call passes a bare `true` or `false` to a function of `src/backend`: the reader cannot tell what it decides.

use std::collections::BTreeSet;

use super::assert_none;
use super::module::{FlagCall, Function, Module};
use super::tree::{Target, Tree};

/// Room, and the methods it calls of the standard library or of a crate that share their name with a method of the backend.
const OUTSIDE_METHODS: &[(&str, &[&str])] = &[
    // std::fs::OpenOptions
    ("cli", &["write", "create"]),
];

fn is_backend(path: &[String]) -> bool {
    path.first().is_some_and(|room| room == "backend")
}

fn functions(tree: &Tree, wanted: impl Fn(&Function) -> bool) -> BTreeSet<&str> {
    let modules = tree.modules.values().filter(|module| is_backend(&module.path));
    modules.flat_map(|module| &module.functions).filter(|function| wanted(function)).map(|function| function.name.as_str()).collect()
}

fn bare_flags(tree: &Tree, outside_methods: &[(&str, &[&str])]) -> Vec<String> {
    let all = functions(tree, |_| true);
    let methods = functions(tree, |function| function.is_method);
    let is_ours = |module: &Module, call: &FlagCall| {
        let name = call.path.last().map_or("", String::as_str);
        if call.is_method {
            let is_outside =
                |(room, names): &(&str, &[&str])| module.path.first().is_some_and(|first| first == room) && names.contains(&name);
            return methods.contains(name) && !outside_methods.iter().any(is_outside);
        }
        // A call by `Self` or by a name that is no import leads outside; it is ours when it stands in the backend.
        let leads_to_backend = match tree.target(&module.path, &call.path) {
            Target::Ours(path) => is_backend(&tree.definer(&path)),
            Target::Outside(path) => is_backend(&module.path) && (path[0] == "Self" || path.len() == 1),
        };
        leads_to_backend && all.contains(name)
    };
    let calls =
        tree.modules.values().filter(|module| !module.is_test).flat_map(|module| module.flags.iter().map(move |call| (module, call)));
    calls
        .filter(|(module, call)| is_ours(module, call))
        .map(|(module, call)| format!("src/{}:{}: {}", module.file, call.line, call.path.join("::")))
        .collect()
}

#[test]
fn no_call_passes_a_bare_flag_to_a_function_of_the_backend() {
    assert_none(&bare_flags(Tree::of_the_project(), OUTSIDE_METHODS));
}

/// A backend with a free function and a method.
const LINE: (&str, &str) = (
    "backend/line.rs",
    "pub fn refusal(a: u8, writes: bool) {}\npub struct Line;\nimpl Line {\n    pub fn read(&self, writes: bool) {}\n    fn new(on: bool) { Self::new(true) }\n}",
);

#[test]
fn a_bare_flag_is_found_in_every_form_of_call() {
    for (file, text) in [
        ("backend/jira.rs", "use super::line;\nfn f() { line::refusal(1, true) }"),
        ("backend/jira.rs", "use crate::backend::line::refusal as no;\nfn f() { crate::backend::line::refusal(1, false) }"),
        ("backend/jira.rs", "use super::line::refusal;\nfn f() { g(|| refusal(1, true)) }"),
        ("backend/jira.rs", "fn f(line: Line) { line.read(false) }"),
        ("app/push.rs", "fn f(line: Line) { line.read(true) }"),
        ("backend/jira.rs", "fn f(line: Line) { assert_eq!(line.read(true), 1) }"),
        ("backend/jira.rs", "use super::line;\nfn f() { vec![line::refusal(1, true)]; }"),
    ] {
        let offenders = bare_flags(&Tree::sample(&[LINE, (file, text)]), &[]);
        assert_eq!(offenders.len(), 2, "{text}: {offenders:?}");
        assert_eq!(offenders[1], "src/backend/line.rs:5: Self::new");
    }
}

#[test]
fn a_flag_with_a_name_and_a_function_of_others_are_no_offence() {
    let quiet = (
        "backend/line.rs",
        "pub fn refusal(a: u8, writes: bool) {}\npub fn new() {}\npub trait T { fn read(&self, a: bool); fn create(&self); }",
    );
    for (file, text) in [
        ("backend/jira.rs", "use super::line;\nfn f(writes: bool) { line::refusal(1, writes); line::refusal(1, !true) }"),
        ("backend/jira.rs", "// refusal(1, true)\nconst A: &str = \"refusal(1, true)\";\nfn f() { Some(true); AtomicBool::new(true); }"),
        ("app/push.rs", "fn refusal(a: u8, b: bool) {}\nfn f() { refusal(1, true) }"),
        (
            "backend/jira.rs",
            "#[cfg(test)]\nmod tests { use crate::backend::line; fn f() { line::refusal(1, true); vec![line::refusal(1, true)]; } }",
        ),
        ("cli/export.rs", "fn f() { OpenOptions::new().create(true) }"),
    ] {
        assert_none(&bare_flags(&Tree::sample(&[quiet, (file, text)]), &[("cli", &["create"])]));
    }
}
