//! Keeps the table in `docs/architecture.md` true: who may use whom, and which outside crate lives in which room.

use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms of ours it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("metrics", &[]),
    ("telemetry", &["config"]),
    ("store", &["domain"]),
    ("backend", &["domain"]),
    ("sink", &["domain", "backend"]),
    ("app", &["domain", "clock", "metrics", "store", "sink", "backend"]),
    ("http", &["app", "domain", "telemetry"]),
    ("nats", &["app", "config", "domain", "telemetry"]),
    ("worker", &["app", "domain", "telemetry"]),
    ("boot", &["app", "backend", "clock", "config", "domain", "http", "metrics", "nats", "sink", "store", "worker"]),
    ("cli", &["app", "boot", "config", "domain", "telemetry"]),
    ("main", &[]),
    ("lib", &[]),
];

/// Outside crate, and the only rooms that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum", &["http"]),
    ("tower", &["http"]),
    ("tower_http", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("utoipa", &["http"]),
    ("utoipa_axum", &["http"]),
    ("utoipa_swagger_ui", &["http"]),
    ("sqlx", &["store"]),
    ("clap", &["cli"]),
    ("console", &["cli"]),
    ("indicatif", &["cli"]),
    ("minijinja", &["cli"]),
    ("pulldown_cmark", &["cli"]),
    ("rmcp", &["cli"]),
    ("async_nats", &["nats", "sink"]),
    ("prometheus", &["metrics"]),
    ("reqwest", &["backend"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
];

/// Adapters: the children of a port that only `boot` may name.
const ADAPTERS: &[&str] = &[
    "store::postgres",
    "store::sqlite",
    "sink::nats",
    "sink::state_hub",
    "backend::gitea",
    "backend::github",
    "backend::gitlab",
    "backend::jira",
    "backend::linear",
    "backend::azure_devops",
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its room and its code, comments left out.
fn rooms() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let read = |path: PathBuf| {
        let first = path.strip_prefix(&src).unwrap().components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.strip_suffix(".rs").unwrap_or(first).to_owned();
        let code: Vec<_> = fs::read_to_string(&path).unwrap().lines().map(|line| line.split("//").next().unwrap().to_owned()).collect();
        (path, room, code.join("\n"))
    };
    files.into_iter().map(read).collect()
}

/// The identifiers that follow `prefix` in the code, also those inside `prefix{…}`.
fn named_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let ident = |text: &'a str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(ident(rest)),
            Some(group) => names.extend(group.split('}').next().unwrap_or_default().split(',').map(|part| ident(part.trim()))),
        }
    }
    names
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}

#[test]
fn each_room_uses_only_the_rooms_it_may() {
    for (path, room, code) in rooms() {
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is not in the table"));
        for used in named_after(&code, "crate::") {
            assert!(used == room || allowed.contains(&used), "{}: {room} may not use {used}", path.display());
        }
    }
}

#[test]
fn each_outside_crate_stays_in_its_room() {
    for (path, room, code) in rooms() {
        for (name, allowed) in ONLY_IN {
            assert!(allowed.contains(&room.as_str()) || !names_crate(&code, name), "{}: {name} belongs to {allowed:?}", path.display());
        }
    }
}

#[test]
fn only_boot_names_an_adapter() {
    for (path, room, code) in rooms() {
        for adapter in ADAPTERS {
            let port = adapter.split("::").next().unwrap();
            let named = code.contains(&format!("crate::{adapter}"));
            assert!(room == "boot" || room == port || !named, "{}: only boot may name {adapter}", path.display());
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, _, _) in rooms() {
        assert!(fs::read_to_string(&path).unwrap().starts_with("//!"), "{} has no //! text", path.display());
    }
}

#[test]
fn the_table_in_the_documentation_is_the_table_here() {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    for (room, _) in MAY_USE.iter().filter(|(room, _)| !["main", "lib"].contains(room)) {
        assert!(document.contains(&format!("| `{room}")), "{room} is missing in docs/architecture.md");
    }
}
