//! Which room uses which, and which outside crate or call lives in which room. `docs/architecture.md` holds the same tables.

use super::assert_none;
use super::source;
use super::tree::{Target, Tree, Use, names};

/// Room, and what it may use of ours: a whole room, or one path inside it.
pub const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("metrics", &[]),
    ("telemetry", &["config"]),
    ("store", &["domain"]),
    ("backend", &["domain"]),
    ("sink", &["domain", "backend::http"]),
    ("app", &["domain", "clock", "metrics", "store", "sink", "backend"]),
    ("http", &["app", "domain", "telemetry"]),
    ("nats", &["app", "config", "domain", "telemetry"]),
    ("worker", &["app", "domain", "telemetry"]),
    ("boot", &["app", "backend", "clock", "config", "domain", "http", "metrics", "nats", "sink", "store", "worker"]),
    ("cli", &["boot", "config", "domain", "telemetry"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Something from outside that stays in its rooms: as the document names it, and its crates or the ends of its paths.
pub struct Outside {
    pub word: &'static str,
    pub what: What,
    pub rooms: &'static [&'static str],
}

pub enum What {
    Crates(&'static [&'static str]),
    /// A call is recognised by the last names of its path.
    Calls(&'static [&'static str]),
}

const fn crates(word: &'static str, crates: &'static [&'static str], rooms: &'static [&'static str]) -> Outside {
    Outside { word, what: What::Crates(crates), rooms }
}

const fn calls(word: &'static str, calls: &'static [&'static str], rooms: &'static [&'static str]) -> Outside {
    Outside { word, what: What::Calls(calls), rooms }
}

pub const ONLY_IN: &[Outside] = &[
    calls("Utc::now", &["Utc::now", "Local::now"], &["clock"]),
    calls("Uuid::now_v7", &["Uuid::now_v7", "Uuid::new_v4"], &["clock"]),
    calls("SystemTime::now", &["SystemTime::now"], &["clock"]),
    calls("env::var", &["env::var", "env::var_os", "env::vars", "env::vars_os"], &["config"]),
    crates("config", &["config"], &["config"]),
    crates("axum", &["axum"], &["http"]),
    crates("tower", &["tower", "tower_http"], &["http"]),
    crates("hyper", &["hyper", "hyper_util"], &["http"]),
    crates("utoipa", &["utoipa", "utoipa_axum", "utoipa_swagger_ui"], &["http"]),
    crates("sqlx", &["sqlx"], &["store"]),
    crates("clap", &["clap", "clap_complete", "clap_mangen"], &["cli"]),
    crates("console", &["console"], &["cli"]),
    crates("indicatif", &["indicatif"], &["cli"]),
    crates("minijinja", &["minijinja"], &["cli"]),
    crates("pulldown-cmark", &["pulldown_cmark"], &["cli"]),
    crates("rmcp", &["rmcp"], &["cli"]),
    crates("async-nats", &["async_nats"], &["nats", "sink"]),
    crates("prometheus", &["prometheus"], &["metrics"]),
    crates("reqwest", &["reqwest"], &["backend"]),
    crates("opentelemetry", &["opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp", "tracing_opentelemetry"], &["telemetry"]),
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

/// The room of a module or of an item; the root of the library is a room of its own.
fn room(path: &[String]) -> &str {
    path.first().map_or("lib", String::as_str)
}

/// The path of a use that leaves its room for another one.
fn other_room(found: &Use) -> Option<&[String]> {
    match &found.target {
        Target::Ours(path) if !path.is_empty() && room(path) != room(&found.module) => Some(path),
        Target::Ours(_) | Target::Outside(_) => None,
    }
}

fn allows(allowed: &str, path: &[String]) -> bool {
    path.starts_with(&names(allowed))
}

fn forbidden_uses(tree: &Tree, may_use: &[(&str, &[&str])]) -> Vec<String> {
    let mut offenders = Vec::new();
    for found in &tree.uses {
        let (Some(path), from) = (other_room(found), room(&found.module)) else { continue };
        let allowed = may_use.iter().find(|(name, _)| *name == from).map(|(_, allowed)| *allowed);
        if !allowed.is_some_and(|allowed| allowed.iter().any(|allowed| allows(allowed, path))) {
            offenders.push(format!("{}: {from} may not use {}", found.at(), path.join("::")));
        }
    }
    offenders
}

/// What the table grants and no line of code needs: the table then says more than the code does.
fn unused_grants(tree: &Tree, may_use: &[(&str, &[&str])]) -> Vec<String> {
    let needs = |room_name: &str, allowed: &str| {
        tree.uses.iter().any(|found| room(&found.module) == room_name && other_room(found).is_some_and(|path| allows(allowed, path)))
    };
    let pairs = may_use.iter().flat_map(|(room, allowed)| allowed.iter().map(move |allowed| (room, allowed)));
    pairs.filter(|(room, allowed)| !needs(room, allowed)).map(|(room, allowed)| format!("{room} does not use {allowed}")).collect()
}

fn forbidden_outside(tree: &Tree, only_in: &[Outside]) -> Vec<String> {
    let mut offenders = Vec::new();
    for found in &tree.uses {
        let Target::Outside(path) = &found.target else { continue };
        let is = |outside: &&Outside| match outside.what {
            What::Crates(crates) => crates.iter().any(|name| path.first().is_some_and(|first| first == name)),
            What::Calls(calls) => calls.iter().any(|call| path.ends_with(&names(call))),
        };
        for outside in only_in.iter().filter(is).filter(|outside| !outside.rooms.contains(&room(&found.module))) {
            offenders.push(format!("{}: {} belongs to {:?}", found.at(), path.join("::"), outside.rooms));
        }
    }
    offenders
}

fn named_adapters(tree: &Tree, adapters: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for found in &tree.uses {
        let (Some(path), from) = (other_room(found), room(&found.module)) else { continue };
        if from != "boot" && adapters.iter().any(|adapter| allows(adapter, path)) {
            offenders.push(format!("{}: only boot may name {}", found.at(), path.join("::")));
        }
    }
    offenders
}

#[test]
fn each_room_uses_only_the_rooms_it_may() {
    assert_none(&forbidden_uses(Tree::of_the_project(), MAY_USE));
}

#[test]
fn each_room_uses_all_the_rooms_it_may() {
    assert_none(&unused_grants(Tree::of_the_project(), MAY_USE));
}

#[test]
fn each_outside_crate_and_call_stays_in_its_room() {
    assert_none(&forbidden_outside(Tree::of_the_project(), ONLY_IN));
}

#[test]
fn only_boot_names_an_adapter() {
    let tree = Tree::of_the_project();
    for adapter in ADAPTERS {
        assert!(tree.modules.contains_key(&names(adapter)), "{adapter} is no module");
    }
    assert_none(&named_adapters(tree, ADAPTERS));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = source::files().into_iter().filter(|file| !file.text.starts_with("//!"));
    assert_none(&silent.map(|file| format!("src/{} has no //! text", file.path)).collect::<Vec<_>>());
}

#[test]
fn a_room_outside_the_table_or_a_use_outside_its_row_is_found() {
    let tree = Tree::sample(&[
        ("app/mod.rs", "use crate::{domain::{Issue, id}, store::{self, Store}};\nfn f() { crate::http::serve() }"),
        ("cellar.rs", "use crate::app::App;"),
        ("domain/mod.rs", "// crate::store\npub const A: &str = \"crate::store\";"),
    ]);
    let offenders = forbidden_uses(&tree, &[("app", &["domain", "store::Store"]), ("domain", &[])]);
    let wanted = [
        "src/app/mod.rs:1: app may not use store",
        "src/app/mod.rs:2: app may not use http::serve",
        "src/cellar.rs:1: cellar may not use app::App",
    ];
    assert_eq!(offenders, wanted);
}

#[test]
fn a_grant_without_a_use_is_found() {
    let tree = Tree::sample(&[("app.rs", "use crate::store::StoreError;"), ("store.rs", "")]);
    assert_eq!(
        unused_grants(&tree, &[("app", &["store", "store::Store", "domain"])]),
        ["app does not use store::Store", "app does not use domain"]
    );
}

#[test]
fn an_outside_crate_is_found_by_any_way_of_naming_it() {
    let tree = Tree::sample(&[
        ("http/mod.rs", "use sqlx as database;\nfn f(p: &database::PgPool) {}\nfn g() { ::sqlx::query(\"sqlx::query\"); }"),
        ("store/mod.rs", "use sqlx::Pool;"),
        ("cli/mod.rs", "fn f() { assert!(sqlx::test()); }\n#[derive(sqlx::FromRow)] struct A;"),
    ]);
    let lines: Vec<_> = forbidden_outside(&tree, &[crates("sqlx", &["sqlx"], &["store"])]);
    assert_eq!(
        lines,
        [
            "src/cli/mod.rs:1: sqlx::test belongs to [\"store\"]",
            "src/cli/mod.rs:2: sqlx::FromRow belongs to [\"store\"]",
            "src/http/mod.rs:1: sqlx belongs to [\"store\"]",
            "src/http/mod.rs:2: sqlx::PgPool belongs to [\"store\"]",
            "src/http/mod.rs:3: sqlx::query belongs to [\"store\"]",
        ]
    );
}

#[test]
fn a_call_of_the_clock_is_found_by_any_way_of_naming_it() {
    let tree = Tree::sample(&[
        ("app/mod.rs", "use std::time::SystemTime as Time;\nfn f() { Time::now(); }\nfn g() { std::time::SystemTime::now(); }"),
        ("clock.rs", "use std::time::SystemTime;\nfn f() { SystemTime::now(); }"),
    ]);
    assert_eq!(
        forbidden_outside(&tree, &[calls("SystemTime::now", &["SystemTime::now"], &["clock"])]),
        [
            "src/app/mod.rs:2: std::time::SystemTime::now belongs to [\"clock\"]",
            "src/app/mod.rs:3: std::time::SystemTime::now belongs to [\"clock\"]",
        ]
    );
}

#[test]
fn an_adapter_is_boots_and_its_ports() {
    let tree = Tree::sample(&[
        ("app.rs", "use crate::store::{self, postgres::{Options, open}};"),
        ("boot.rs", "use crate::store::postgres;"),
        ("store/mod.rs", "mod postgres;\npub use postgres::open;"),
        ("store/postgres.rs", "use crate::store::postgres::open;"),
    ]);
    let wanted = ["src/app.rs:1: only boot may name store::postgres::Options", "src/app.rs:1: only boot may name store::postgres::open"];
    assert_eq!(named_adapters(&tree, &["store::postgres"]), wanted);
}
