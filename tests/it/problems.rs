//! `docs/problems.md` against the source: every code is explained, no code is explained that does not exist, and the tables of problems
//! and refusals are those of the catalogue.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use issue_core::http::catalogue::{FAILURES, ProblemKind, REFUSALS};

/// A call that names a code, and which of its arguments does.
const CALLS: &[(&str, usize)] = &[
    ("Refusal::new(", 0),
    (".add(", 1),
    ("Faults::one(", 1),
    ("check_key(", 2),
    (".fault(", 1),
    ("Err((", 0),
    // A code with its message, for a caller that knows the pointer.
    ("| (", 0),
];

/// Words of the document for its own parts, and the codes that are kinds of losses.
const MEMBERS: &[&str] = &["code", "degraded", "dropped", "errors", "null", "pointer", "status"];

fn sources(dir: &Path, found: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        // The command line makes no codes, it repeats those of the API. The catalogue and
        // the OpenAPI document list them, which proves no use.
        if path.is_dir() && !path.ends_with("src/cli") && !path.ends_with("problem/catalogue") && !path.ends_with("http/document") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push_str(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
        }
    }
}

/// The arguments of a call, from behind its bracket: split at the commas that belong to it.
fn arguments(code: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut found = Vec::new();
    for (at, c) in code.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => {
                found.push(code[start..at].trim());
                return found;
            }
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(code[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    found
}

fn is_code(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn literal(argument: &str) -> Option<&str> {
    argument.strip_prefix('"')?.strip_suffix('"').filter(|text| is_code(text))
}

fn codes_in_the_source() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut code = String::new();
    sources(&root, &mut code);
    let mut found = BTreeSet::new();
    // Written out as a field of its own.
    let fields = code.match_indices("code: \"").filter_map(|(at, start)| code[at + start.len()..].split('"').next());
    found.extend(fields.filter(|word| is_code(word)).map(str::to_owned));
    for (call, nth) in CALLS {
        for (at, _) in code.match_indices(call) {
            let bracket = at + call.rfind('(').unwrap() + 1;
            found.extend(arguments(&code[bracket..]).get(*nth).copied().and_then(literal).map(str::to_owned));
        }
    }
    // What only this entrance answers is named by its entry: `catalogue::TOO_LARGE`.
    let names = code.match_indices("catalogue::").map(|(at, start)| &code[at + start.len()..]);
    let names = names.map(|rest| rest.split(|c: char| c != '_' && !c.is_ascii_uppercase()).next().unwrap().to_ascii_lowercase());
    found.extend(names.filter(|name| is_code(name)));
    let errors = fs::read_to_string(root.join("app/error.rs")).unwrap();
    found.extend(errors.lines().filter_map(|line| literal(line.split("=> ").nth(1)?.trim_end_matches(','))).map(str::to_owned));
    found
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/problems.md")).unwrap()
}

fn codes_in_the_document() -> BTreeSet<String> {
    let text = page();
    let prose = text.split("| code |").nth(1).expect("the table of codes");
    let mut found = BTreeSet::new();
    for line in prose.lines() {
        // In the table only the first column names a code; below it every word in back quotes does.
        let part = if line.starts_with('|') { line.split('|').nth(1).unwrap() } else { line };
        let words = part.split('`').skip(1).step_by(2).filter(|word| is_code(word) && !MEMBERS.contains(word));
        found.extend(words.map(str::to_owned));
    }
    found
}

#[test]
fn every_code_is_explained_and_every_explained_code_exists() {
    let (source, document) = (codes_in_the_source(), codes_in_the_document());
    assert!(source.len() > 30, "the codes were not found: {source:?}");
    let missing: Vec<_> = source.difference(&document).collect();
    assert!(missing.is_empty(), "not in docs/problems.md: {missing:?}");
    let gone: Vec<_> = document.difference(&source).collect();
    assert!(gone.is_empty(), "in docs/problems.md, but nowhere in the source: {gone:?}");
}

/// A table as the page must hold it.
fn table(head: &str, kinds: &[&ProblemKind], line: impl Fn(&ProblemKind) -> String) -> String {
    let rule = "|---".repeat(head.matches('|').count() - 1);
    let lines: Vec<String> = kinds.iter().map(|kind| line(kind)).collect();
    format!("{head}\n{rule}|\n{}\n\n", lines.join("\n"))
}

#[test]
fn every_cell_of_the_page_is_the_one_of_the_catalogue() {
    let page = page();
    let failures = table("| code | status | meaning | what to do |", FAILURES, |kind| {
        format!("| `{}` | {} | {} | {} |", kind.code, kind.status.as_u16(), kind.description, kind.remedy)
    });
    let refusals = table("| refusal | meaning | what to do |", REFUSALS, |kind| {
        assert_eq!(kind.status.as_u16(), 409, "{} stands among the refusals", kind.code);
        format!("| `{}` | {} | {} |", kind.code, kind.description, kind.remedy)
    });
    for expected in [failures, refusals] {
        let lacking: Vec<_> = expected.lines().filter(|line| !page.contains(line)).collect();
        assert!(page.contains(&expected), "docs/problems.md must hold this table:\n{expected}lines that it lacks: {lacking:#?}");
    }
}
