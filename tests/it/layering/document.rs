//! The table of rooms in `docs/architecture.md`, cell by cell, against the tables of [`super::rooms`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::rooms::{MAY_USE, ONLY_IN};
use super::{assert_none, source};

/// A row of the document or of the tables.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    may_use: BTreeSet<String>,
    only_here: BTreeSet<String>,
}

/// The crate's two roots are no rooms of the document.
const ROOTS: &[&str] = &["main", "lib"];

/// The rows of the first table whose head is `room`, by room.
fn documented(document: &str) -> Result<BTreeMap<String, Row>, String> {
    let lines = document.lines().skip_while(|line| !line.starts_with("| room |"));
    let rows: Vec<Vec<&str>> = lines.take_while(|line| line.starts_with('|')).map(cells).collect();
    let head = rows.first().ok_or("no table of rooms")?;
    let column = |name: &str| head.iter().position(|cell| cell.starts_with(name)).ok_or(format!("no column {name}"));
    let (may_use, only_here) = (column("may use")?, column("only here")?);
    let rooms: Vec<&str> = rows.iter().skip(2).map(|row| row[0].trim_matches('`').trim_end_matches('/').trim_end_matches(".rs")).collect();
    let mut found = BTreeMap::new();
    for (row, room) in rows.iter().skip(2).zip(&rooms) {
        let uses = match row[may_use].strip_prefix("everything but ") {
            Some(but) => {
                let but = words(but).map_err(|error| format!("{room}: {error}"))?;
                rooms.iter().filter(|other| *other != room && !but.contains(**other)).map(|other| (*other).to_owned()).collect()
            }
            None if row[may_use] == "nothing" => BTreeSet::new(),
            None => words(row[may_use]).map_err(|error| format!("{room}: {error}"))?,
        };
        let only = words(row[only_here]).map_err(|error| format!("{room}: {error}"))?;
        found.insert((*room).to_owned(), Row { may_use: uses, only_here: only });
    }
    Ok(found)
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// `` `a`, `b::c` (a remark) and `d` ``: the words in backticks. Any word outside backticks and remarks is a fault.
fn words(cell: &str) -> Result<BTreeSet<String>, String> {
    let mut listed = cell.to_owned();
    while let Some((start, end)) = listed.find('(').zip(listed.find(')')).filter(|(start, end)| start < end) {
        listed.replace_range(start..=end, "");
    }
    let (quoted, between): (Vec<_>, Vec<_>) = listed.split('`').enumerate().partition(|(at, _)| at % 2 == 1);
    let mut loose = between.iter().flat_map(|(_, text)| text.split([' ', ','])).filter(|word| !word.is_empty() && *word != "and");
    match loose.next() {
        Some(word) => Err(format!("\"{word}\" stands outside backticks and brackets in: {cell}")),
        None => Ok(quoted.into_iter().map(|(_, word)| word.to_owned()).collect()),
    }
}

fn tabled() -> BTreeMap<String, Row> {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let rooms = MAY_USE.iter().filter(|(room, _)| !ROOTS.contains(room));
    let mut rows: BTreeMap<String, Row> =
        rooms.map(|(room, allowed)| ((*room).to_owned(), Row { may_use: set(allowed), only_here: BTreeSet::new() })).collect();
    for outside in ONLY_IN {
        for room in outside.rooms {
            rows.get_mut(*room).unwrap().only_here.insert(outside.word.to_owned());
        }
    }
    rows
}

fn differences(document: &BTreeMap<String, Row>, table: &BTreeMap<String, Row>) -> Vec<String> {
    let rooms: BTreeSet<&String> = document.keys().chain(table.keys()).collect();
    let differs = rooms.into_iter().filter(|room| document.get(*room) != table.get(*room));
    differs.map(|room| format!("{room}: the document says {:?}, the test {:?}", document.get(room), table.get(room))).collect()
}

#[test]
fn the_table_in_the_documentation_is_the_table_here() {
    let document = fs::read_to_string(source::root().join("docs/architecture.md")).unwrap();
    assert_none(&differences(&documented(&document).unwrap(), &tabled()));
}

#[test]
fn a_cell_that_differs_a_missing_row_and_an_unchecked_word_are_found() {
    let table =
        |rows: &str| documented(&format!("# A\n| room | one sentence | may use (of ours) | only here |\n|---|---|---|---|\n{rows}\nend"));
    let rows = "| `domain/` | `x` | nothing | |\n| `store/` | x | `domain`, `app::A` (one type) | `sqlx` (not in `app/`) |\n| `boot.rs` | x | everything but `store` | |";
    let right = table(rows).unwrap();
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(right["store"], Row { may_use: set(&["domain", "app::A"]), only_here: set(&["sqlx"]) });
    assert_eq!((&right["domain"], &right["boot"].may_use), (&Row::default(), &set(&["domain"])));
    assert!(differences(&right, &right).is_empty());
    for wrong in
        [rows.replace("`domain`, ", ""), rows.replace("`sqlx` (not in `app/`)", ""), rows.replace("| `domain/` | `x` | nothing | |\n", "")]
    {
        assert!(!differences(&table(&wrong).unwrap(), &right).is_empty(), "{wrong}");
    }
    assert!(table(&rows.replace("`domain`, `app", "the domain, `app")).unwrap_err().contains("\"the\""));
    assert!(documented("no table").is_err());
}
