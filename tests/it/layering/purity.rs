//! `domain` is pure: no async, no IO, no clock, no log.

use super::assert_none;
use super::tree::{Target, Tree, names};

/// Crates and modules from outside that do or wait for something.
const BANNED: &[&str] = &[
    "async_trait",
    "futures_util",
    "log",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "tokio",
    "tokio_util",
    "tracing",
];

/// The ends of calls that read a clock.
const CLOCKS: &[&str] = &["Utc::now", "Local::now", "Instant::now", "SystemTime::now", "Uuid::now_v7", "Uuid::new_v4"];

fn impurities(tree: &Tree) -> Vec<String> {
    let is_in_domain = |path: &[String]| path.first().is_some_and(|room| room == "domain");
    let modules = tree.modules.values().filter(|module| is_in_domain(&module.path));
    let keywords = modules.flat_map(|module| module.keywords.iter().map(|(word, line)| format!("src/{}:{line}: {word}", module.file)));
    let is_impure = |path: &[String]| {
        BANNED.iter().any(|banned| path.starts_with(&names(banned))) || CLOCKS.iter().any(|clock| path.ends_with(&names(clock)))
    };
    let uses = tree.uses.iter().filter(|found| is_in_domain(&found.module)).filter_map(|found| match &found.target {
        Target::Outside(path) if is_impure(path) => Some(format!("{}: {}", found.at(), path.join("::"))),
        Target::Outside(_) | Target::Ours(_) => None,
    });
    keywords.chain(uses).collect()
}

#[test]
fn the_domain_has_no_async_no_io_no_clock_and_no_log() {
    assert_none(&impurities(Tree::of_the_project()));
}

#[test]
fn each_impurity_is_found_in_the_domain() {
    for text in [
        "async fn f() {}",
        "fn f() { g(async { 1 }) }",
        "fn f() { g(async || 1) }",
        "fn f() { vec![g().await] }",
        "use tokio::sync::Mutex;",
        "use std::{fmt, io::{self, Write}};",
        "fn f() { std::fs::read(\"a\"); }",
        "fn f(a: std::net::IpAddr) {}",
        "fn f() { println!(\"a\") }",
        "use std::env;",
        "use std::thread;",
        "fn f() -> std::process::ExitCode {}",
        "use chrono::Utc;\nfn f() { Utc::now(); }",
        "use std::time;\nfn f() { time::Instant::now(); }",
        "fn f() { tracing::info!(\"a\"); }",
        "use tracing::info;",
        "#[tokio::test]\nfn f() {}",
        "#[tracing::instrument]\nfn f() {}",
    ] {
        assert!(!impurities(&Tree::sample(&[("domain/issue/mod.rs", text)])).is_empty(), "not found: {text}");
        assert_none(&impurities(&Tree::sample(&[("app/mod.rs", text)])));
    }
}

#[test]
fn pure_code_and_words_in_comments_and_strings_are_no_impurity() {
    let text = "//! tokio::spawn, Utc::now(), async\nuse std::{fmt, time::Duration};\nuse chrono::{DateTime, Utc};\n/// std::fs\nconst A: &str = \"x.await tracing::info!\";\nfn f(now: DateTime<Utc>) {}";
    assert_none(&impurities(&Tree::sample(&[("domain/issue/mod.rs", text)])));
}
