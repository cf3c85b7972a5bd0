//! The order of the folders inside `domain`: a folder uses only those above it. Re-exports count as a use of the folder that
//! defines the item. Tests may build their values with any folder: nothing of the program depends on them.

use super::assert_none;
use super::tree::{Target, Tree};

/// From the base upwards: each may use those before it, and itself.
const FOLDERS: &[&str] = &["base", "issue", "tracker", "filing", "sync", "event", "queue", "change", "decide", "find", "request", "export"];

/// The files of `domain` outside the folders.
const FILES: &[&str] = &["domain/mod.rs", "domain/change.rs"];

fn rank(folder: &str) -> Option<usize> {
    FOLDERS.iter().position(|known| *known == folder)
}

/// Whether the files of `domain` have moved into their folders.
fn has_folders(tree: &Tree) -> bool {
    tree.modules.contains_key(["domain".to_owned(), "base".to_owned()].as_slice())
}

fn misplaced_files(tree: &Tree) -> Vec<String> {
    let files = tree.modules.values().map(|module| module.file.as_str()).filter(|file| file.starts_with("domain/"));
    let is_placed = |file: &str| {
        let (folder, rest) = file["domain/".len()..].split_once('/').unwrap_or((file, ""));
        FILES.contains(&file) || (!rest.is_empty() && rank(folder).is_some())
    };
    let mut offenders: Vec<String> =
        files.filter(|file| !is_placed(file)).map(|file| format!("src/{file} is in no folder of the order")).collect();
    offenders.dedup();
    offenders
}

fn is_in_domain(path: &[String]) -> bool {
    path.first().is_some_and(|room| room == "domain")
}

/// What the root of `domain` defines; it is there to re-export.
fn loose_items(tree: &Tree) -> Vec<String> {
    let root = tree.modules.get(["domain".to_owned()].as_slice());
    let items = root.into_iter().flat_map(|root| &root.items);
    items.map(|item| format!("src/domain/mod.rs defines {item}, it belongs into a folder")).collect()
}

fn upward_uses(tree: &Tree) -> Vec<String> {
    let mut offenders = Vec::new();
    for found in tree.uses.iter().filter(|found| is_in_domain(&found.module) && !found.is_test) {
        let (Some(own), Target::Ours(path)) = (found.module.get(1), &found.target) else { continue };
        let definer = tree.definer(path);
        if !is_in_domain(&definer) {
            continue;
        }
        match definer.get(1) {
            Some(used) if rank(used) > rank(own) => {
                offenders.push(format!("{}: {own} may not use {used} ({})", found.at(), path.join("::")));
            }
            None if found.is_glob => offenders.push(format!("{}: a glob of all of domain hides the folders it uses", found.at())),
            Some(_) | None => {}
        }
    }
    offenders
}

#[test]
fn every_file_of_domain_is_in_a_folder_of_the_order() {
    let tree = Tree::of_the_project();
    if has_folders(tree) {
        assert_none(&misplaced_files(tree));
        assert_none(&loose_items(tree));
    }
}

#[test]
fn a_folder_of_domain_uses_only_those_above_it() {
    let tree = Tree::of_the_project();
    if has_folders(tree) {
        assert_none(&upward_uses(tree));
    }
}

/// The root of the samples, with a re-export of each kind.
const ROOT: &str = "pub mod base; pub mod issue; pub mod decide; mod change;\npub use issue::{Issue, state::*};\npub use decide::Decision as Verdict;\npub use change::Change;";

fn sample(file: &str, text: &str) -> Tree {
    Tree::sample(&[
        ("domain/mod.rs", ROOT),
        ("domain/base/mod.rs", "pub mod text;\npub struct Fault;"),
        ("domain/base/text.rs", ""),
        ("domain/issue/mod.rs", "pub mod state;\npub struct Issue;"),
        ("domain/issue/state.rs", "pub enum State { Open }"),
        ("domain/change.rs", "use super::Issue;\npub struct Change;"),
        ("domain/decide/mod.rs", "use super::base::Fault;\nuse crate::domain::{Change, Issue};\npub struct Decision;"),
        ("domain/decide/create.rs", "use super::super::issue::state::State;\nuse super::Decision;"),
        (file, text),
    ])
}

#[test]
fn a_use_of_a_lower_folder_is_allowed_in_every_form() {
    assert_none(&upward_uses(&sample(
        "domain/issue/comment.rs",
        "use crate::domain::base::{self, Fault, text as words};\nfn f() { super::Issue; base::text::cut() }",
    )));
    assert_none(&misplaced_files(&sample("domain/issue/comment.rs", "")));
}

#[test]
fn a_use_of_a_higher_folder_is_found_in_every_form() {
    for (text, used) in [
        ("use super::super::decide::Decision;", "decide"),
        ("use crate::domain::{base::Fault, decide::{\n    Decision,\n}};", "decide"),
        ("use crate::domain::Verdict;", "decide"),
        ("use crate::domain::Change;", "change"),
        ("use super::super::{Change as C};", "change"),
        ("fn f(x: crate::domain::decide::Decision) {}", "decide"),
        ("use crate::domain;\nfn f(x: domain::Verdict) {}", "decide"),
        ("use crate::domain::decide as d;", "decide"),
        ("fn f() { assert!(crate::domain::Verdict::yes()) }", "decide"),
        ("mod inner {\n    use super::super::super::decide::*;\n}", "decide"),
    ] {
        let offenders = upward_uses(&sample("domain/issue/comment.rs", text));
        assert!(!offenders.is_empty(), "not found: {text}");
        assert!(offenders.iter().all(|found| found.contains(&format!("issue may not use {used}"))), "{offenders:?}");
    }
}

#[test]
fn a_glob_behind_a_re_export_leads_to_its_folder() {
    assert_eq!(
        upward_uses(&sample("domain/base/stamp.rs", "use crate::domain::State;")),
        ["src/domain/base/stamp.rs:1: base may not use issue (domain::State)"]
    );
}

#[test]
fn a_test_may_use_any_folder() {
    assert_none(&upward_uses(&sample("domain/issue/comment.rs", "#[cfg(test)]\nmod tests { use crate::domain::Verdict; }")));
}

#[test]
fn the_root_of_domain_is_not_taken_in_whole_and_defines_nothing() {
    assert!(upward_uses(&sample("domain/issue/comment.rs", "use crate::domain::*;"))[0].contains("a glob of all of domain"));
    assert_eq!(loose_items(&sample("domain/mod.rs", "pub struct Loose;")), ["src/domain/mod.rs defines Loose, it belongs into a folder"]);
    assert_none(&loose_items(&sample("domain/mod.rs", ROOT)));
}

#[test]
fn a_file_outside_the_folders_is_found() {
    for file in ["domain/message.rs", "domain/base.rs", "domain/cellar/mod.rs"] {
        assert_eq!(misplaced_files(&sample(file, "")), [format!("src/{file} is in no folder of the order")]);
    }
}
