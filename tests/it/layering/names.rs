//! The names of types: a public name stands once in `src/`, and few names are a single word or shared.
//!
//! The wire types of the trackers keep the trackers' words and do not count, nor do types of tests.

use std::collections::{BTreeMap, BTreeSet};

use super::assert_none;
use super::module::{Module, TypeKind, TypeName};
use super::parse;
use super::tree::Tree;

/// Public names that may stand more than once, and why. An idiom that reads well only with its module in front belongs here.
const MAY_REPEAT: &[(&str, &str)] = &[];

/// The share of types, in percent, that must stay below.
const MAX_SHARED: usize = 10;
const MAX_ONE_WORD: usize = 40;

/// Every type outside tests and wire types, with its module.
fn types(tree: &Tree) -> impl Iterator<Item = (&Module, &TypeName)> {
    let counts = |module: &&Module| !module.is_test && !is_wire(&module.file);
    tree.modules.values().filter(counts).flat_map(|module| module.types.iter().map(move |name| (module, name)))
}

fn is_wire(file: &str) -> bool {
    file.ends_with("/wire.rs") || file.contains("/wire/")
}

fn by_name<'a>(types: impl Iterator<Item = (&'a Module, &'a TypeName)>) -> BTreeMap<&'a str, Vec<String>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (module, name) in types {
        found.entry(&name.name).or_default().push(format!("src/{}:{}", module.file, name.line));
    }
    found
}

/// Public names, those of aliases and macros too, that stand twice; and permissions that no name needs.
fn repeated(tree: &Tree, may_repeat: &[(&str, &str)]) -> Vec<String> {
    let public = by_name(types(tree).filter(|(_, name)| name.is_public));
    let is_repeated = |name: &str| public.get(name).is_some_and(|places| places.len() > 1);
    let may = |name: &str| may_repeat.iter().any(|(allowed, _)| *allowed == name);
    let twice = public.iter().filter(|(name, _)| is_repeated(name) && !may(name));
    let idle = may_repeat.iter().filter(|(name, _)| !is_repeated(name)).map(|(name, _)| format!("{name} may repeat and does not"));
    twice.map(|(name, places)| format!("{name}: {}", places.join(", "))).chain(idle).collect()
}

/// What the shares are taken of: every `struct`, `enum` and `trait` that stands in a file of its own accord, private ones too.
fn defined(tree: &Tree) -> impl Iterator<Item = (&Module, &TypeName)> {
    types(tree).filter(|(_, name)| name.kind == TypeKind::Definition)
}

/// Names, each with the number of its types.
type Counts = Vec<(String, usize)>;

/// The names of more than one file, the names of one word, and how many types there are.
fn shares(tree: &Tree) -> (Counts, Counts, usize) {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (module, name) in defined(tree) {
        files.entry(&name.name).or_default().insert(&module.file);
        *count.entry(&name.name).or_default() += 1;
    }
    let take = |wanted: &dyn Fn(&str) -> bool| {
        count.iter().filter(|(name, _)| wanted(name)).map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    (take(&|name| files[name].len() > 1), take(&|name| is_one_word(name)), count.values().sum())
}

/// Whether a name has one capital letter, so one word.
fn is_one_word(name: &str) -> bool {
    name.chars().filter(char::is_ascii_uppercase).count() == 1
}

/// The failure when a share reaches its limit: the share, and its names, the most frequent first.
fn too_many(kind: &str, mut found: Counts, total: usize, limit: usize) -> Vec<String> {
    let share: usize = found.iter().map(|(_, count)| count).sum();
    if share * 100 < limit * total {
        return Vec::new();
    }
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let names: Vec<_> = found.iter().map(|(name, count)| if *count > 1 { format!("{name} x{count}") } else { name.clone() }).collect();
    vec![format!("{} % of {total} types {kind}, under {limit} % is the goal: {}", share * 100 / total, names.join(", "))]
}

#[test]
fn a_public_type_name_stands_once() {
    assert_none(&repeated(Tree::of_the_project(), MAY_REPEAT));
}

#[test]
fn few_types_share_their_name() {
    let (shared, _, total) = shares(Tree::of_the_project());
    assert_none(&too_many("share their name with a type of another file", shared, total, MAX_SHARED));
}

#[test]
fn few_type_names_are_one_word() {
    let (_, one_word, total) = shares(Tree::of_the_project());
    assert_none(&too_many("have a name of one word", one_word, total, MAX_ONE_WORD));
}

#[test]
fn the_test_knows_every_macro_that_defines_types() {
    let macros = Tree::of_the_project().modules.values().filter(|module| !is_wire(&module.file));
    let unknown = macros.flat_map(|module| {
        module.type_macros.iter().filter(|name| !parse::knows_type_macro(name)).map(|name| format!("src/{}: {name}!", module.file))
    });
    assert_none(&unknown.collect::<Vec<_>>());
}

#[test]
fn a_public_name_that_stands_twice_is_found_in_every_form_of_definition() {
    let first = "pub struct Place;";
    for second in [
        "pub enum Place {}",
        "pub(crate) trait Place {}",
        "pub(in crate::app) type Place = u8;",
        "vocabulary! { /// A place.\n    Place { Here = \"here\" } }",
        "spec! { Place { at: u8 } }",
        "uuid_id! { Place }",
        "texts! { Title: Rule, true, \"a\", \"b\"; Place: Rule, true, \"a\", \"b\"; }",
        "pub mod inner { pub struct Place; }",
    ] {
        let offenders = repeated(&Tree::sample(&[("app.rs", first), ("store.rs", second)]), &[]);
        assert!(offenders.len() == 1 && offenders[0].starts_with("Place: src/app.rs:1, src/store.rs:"), "{second}: {offenders:?}");
    }
}

#[test]
fn a_private_name_a_wire_type_a_test_and_a_permitted_name_do_not_repeat() {
    let first = ("app.rs", "pub struct Place;");
    for second in [
        ("store.rs", "struct Place;"),
        ("store.rs", "// pub struct Place;\nfn f() { struct Place; }"),
        ("backend/jira/wire.rs", "pub struct Place;"),
        ("store.rs", "#[cfg(test)]\nmod tests { pub struct Place; }"),
        ("store.rs", "#[cfg(test)]\npub struct Place;"),
    ] {
        assert_none(&repeated(&Tree::sample(&[first, second]), &[]));
    }
    assert_none(&repeated(
        &Tree::sample(&[first, ("store/mod.rs", "#[cfg(test)]\nmod tests;"), ("store/tests.rs", "pub struct Place;")]),
        &[],
    ));
    let twice = Tree::sample(&[first, ("store.rs", "pub struct Place;")]);
    assert_none(&repeated(&twice, &[("Place", "a reason")]));
    assert_eq!(repeated(&twice, &[("Place", "a reason"), ("Other", "a reason")]), ["Other may repeat and does not"]);
}

#[test]
fn the_shares_count_private_types_and_each_name_as_often_as_it_stands() {
    let tree =
        Tree::sample(&[("app.rs", "struct Place; pub enum OwnName {}"), ("store.rs", "trait Place {} struct Turn; type Alias = u8;")]);
    let (shared, one_word, total) = shares(&tree);
    assert_eq!((&shared, total), (&vec![("Place".to_owned(), 2)], 4));
    assert_eq!(one_word, [("Place".to_owned(), 2), ("Turn".to_owned(), 1)]);
    assert_eq!(too_many("share", shared.clone(), total, 50), ["50 % of 4 types share, under 50 % is the goal: Place x2"]);
    assert_none(&too_many("share", shared, total, 51));
}
