//! What the parser finds in a file, and where a path leads.

use super::module::Import;
use super::tree::{Target, Tree, names};

fn imports(text: &str) -> Vec<String> {
    let tree = Tree::sample(&[("app.rs", text)]);
    let show = |Import { path, alias, line }: &Import| format!("{line} {} {}", path.join("::"), alias.as_deref().unwrap_or("*"));
    tree.modules[&names("app")].imports.iter().map(show).collect()
}

fn paths(text: &str) -> Vec<String> {
    let tree = Tree::sample(&[("app.rs", text)]);
    tree.modules[&names("app")].paths.iter().map(|found| found.path.join("::")).collect()
}

#[test]
fn every_leaf_of_a_use_is_found() {
    let text = "use a;\npub use b::{self, c as d, e::{f,\n    g::*}};\npub(crate) use ::h::{self as i};\nuse super::super::j;\nuse k as _;\nuse r#type::l;";
    let found = ["1 a a", "2 b b", "2 b::c d", "2 b::e::f f", "3 b::e::g *", "4 ::h i", "5 super::super::j j", "6 k _", "7 type::l l"];
    assert_eq!(imports(text), found);
}

#[test]
fn a_use_inside_a_function_counts() {
    assert_eq!(imports("fn f() {\n    use a::b;\n}"), ["2 a::b b"]);
}

#[test]
fn every_path_in_the_code_is_found_wherever_it_stands() {
    let text = "fn f(a: x::A<y::B>) -> impl x::C { let x::D(d) = x::e::<y::F>(); <x::G as y::H>::i(); m!(x::j(), k = x::l; [x::n]); }\n#[x::o(x::p)] struct S { s: &'static dyn x::q }";
    let mut found = paths(text);
    found.sort();
    let wanted = ["x::A", "x::C", "x::D", "x::G", "x::e", "x::j", "x::l", "x::n", "x::o", "x::p", "x::q", "y::B", "y::F", "y::H::i"];
    assert_eq!(found, wanted);
}

#[test]
fn a_use_inside_a_macro_counts_as_paths() {
    assert_eq!(paths("macro_rules! m { () => { use $crate::a::{b, c}; $crate::d::e() }; }"), ["crate::a::b", "crate::a::c", "crate::d::e"]);
}

#[test]
fn comments_strings_and_visibilities_are_no_paths() {
    assert_eq!(paths("//! a::b\n/// a::b\npub(in crate::app) fn f() { /* a::b */ \"a::b\"; m!(\"a::b\") }"), Vec::<String>::new());
}

/// Where a path leads that `app::push` names.
fn target(imports: &str, path: &str) -> String {
    let tree = Tree::sample(&[
        ("lib.rs", "pub mod app; pub mod domain;"),
        ("app/mod.rs", "mod push; use crate::domain::Issue; use chrono::Utc;"),
        ("app/push/mod.rs", &format!("mod inner;\nfn own() {{}}\n{imports}")),
        ("app/push/inner.rs", ""),
        ("domain/mod.rs", "pub struct Issue;"),
    ]);
    match tree.target(&names("app::push"), &names(path)) {
        Target::Ours(path) => path.join("::"),
        Target::Outside(path) => format!("outside {}", path.join("::")),
    }
}

#[test]
fn a_path_leads_from_its_module() {
    for (imports, path, wanted) in [
        ("", "crate::domain::Issue", "domain::Issue"),
        ("", "issue_core::domain", "domain"),
        ("", "self::inner::x", "app::push::inner::x"),
        ("", "inner::x", "app::push::inner::x"),
        ("", "own", "app::push::own"),
        ("", "super::x", "app::x"),
        ("", "super::super::domain::x", "domain::x"),
        ("", "std::fs::read", "outside std::fs::read"),
        ("use std::fs as files;", "files::read", "outside std::fs::read"),
        ("use crate::domain::{self as d};", "d::Issue", "domain::Issue"),
        ("use super::super::domain;\nuse domain::Issue as I;", "I::new", "domain::Issue::new"),
        ("use super::*;", "Issue::new", "domain::Issue::new"),
        ("use super::*;", "Utc::now", "outside chrono::Utc::now"),
        ("use tokio;", "tokio::spawn", "outside tokio::spawn"),
        ("use ::inner::x;", "x::y", "outside inner::x::y"),
        ("use a::b as c;\nuse c::d as e;", "e::f", "outside a::b::d::f"),
    ] {
        assert_eq!(target(imports, path), wanted, "{imports} {path}");
    }
}

#[test]
fn a_circle_of_imports_ends() {
    target("use self::b as a;\nuse self::a as b;\nuse self::*;", "a::x");
    let tree =
        Tree::sample(&[("a.rs", "pub use crate::b::*;\npub use crate::b::X;"), ("b.rs", "pub use crate::a::*;\npub use crate::a::X;")]);
    assert_eq!(tree.definer(&names("a::X")), ["a"]);
}

#[test]
fn the_definer_is_behind_every_re_export() {
    let tree = Tree::sample(&[
        ("a/mod.rs", "pub mod b; pub use b::{X, c::Y as Z}; pub use b::c::*;"),
        ("a/b/mod.rs", "pub mod c; pub struct X;"),
        ("a/b/c.rs", "pub enum Y { One }\npub const W: u8 = 1;"),
    ]);
    for (path, wanted) in [("a::X", "a::b"), ("a::Z::One", "a::b::c"), ("a::W", "a::b::c"), ("a::b::c", "a::b::c"), ("a::unknown", "a")] {
        assert_eq!(tree.definer(&names(path)).join("::"), wanted, "{path}");
    }
}

#[test]
fn a_module_for_tests_is_known_from_its_parent() {
    let tree = Tree::sample(&[
        ("a/mod.rs", "#[cfg(test)]\nmod tests;\nmod code;\n#[cfg(test)]\nmod inline { mod deep {} }"),
        ("a/tests.rs", "mod more {}"),
        ("a/code.rs", ""),
    ]);
    let tests: Vec<_> = tree.modules.values().filter(|module| module.is_test).map(|module| module.path.join("::")).collect();
    assert_eq!(tests, ["a::inline", "a::inline::deep", "a::tests", "a::tests::more"]);
}
