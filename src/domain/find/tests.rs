//! Parameters in, a query or every fault out; and cursors that belong to one list only.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split('&').filter_map(pair).collect()
}

fn parse(text: &str) -> Result<IssueQuery, Vec<(String, &'static str)>> {
    let named = |faults: Faults| faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect();
    IssueQuery::parse(&pairs(text)).map_err(named)
}

#[test]
fn filters_combine_and_words_may_be_separated_by_commas() {
    let query =
        parse("state=open,blocked&state=open&label=SBOM&label=b&priority=high&unassigned=true&q=a \"b c\"&limit=7&total=true").unwrap();
    assert_eq!(query.filter.states.len(), 2);
    assert_eq!(query.filter.labels, ["b", "sbom"]);
    assert_eq!(query.filter.assigned, AssigneeFilter::Nobody);
    assert_eq!((query.sort, query.order, query.limit, query.total), (Sort::Relevance, Order::Descending, 7, true));
    assert_eq!(parse("").unwrap(), IssueQuery::of(ListFilter::default()));
    assert_eq!(parse("sort=due").unwrap().order, Order::Ascending);
}

#[test]
fn every_fault_is_listed_at_once_under_its_parameter() {
    let faults = parse("state=opne&label=&limit=0&total=1&created_from=yesterday&due_before=2026-6-1&sort=relevance&stat=open&q=- &cursor=x&order=asc&order=asc&unassigned=true&assignee=a").unwrap_err();
    let expected = [
        ("state", "unknown_word"),
        ("label", "blank"),
        ("unassigned", "contradiction"),
        ("created_from", "not_a_moment"),
        ("due_before", "not_a_date"),
        ("q", "blank"),
        ("order", "contradiction"),
        ("limit", "out_of_range"),
        ("total", "wrong_type"),
        ("sort", "contradiction"),
        ("order", "contradiction"),
        ("cursor", "not_a_cursor"),
        ("stat", "unknown_field"),
    ];
    assert_eq!(faults, expected.map(|(name, code)| (name.to_owned(), code)));
}

#[test]
fn a_moment_may_be_a_day_and_its_offset_may_have_lost_its_plus() {
    let from = |text: &str| parse(&format!("created_from={text}")).unwrap().filter.created.from.unwrap().to_rfc3339();
    assert_eq!(from("2026-06-30"), "2026-06-30T00:00:00+00:00");
    assert_eq!(from("2026-06-30T07:00:00 02:00"), "2026-06-30T05:00:00+00:00");
}

fn places() -> impl Strategy<Value = CursorKey> {
    (any::<i64>(), 0i64..4_000_000_000, prop::option::of(0i64..3_000_000), 1i16..4, any::<u32>()).prop_map(
        |(number, seconds, day, rank, score)| {
            let at = DateTime::UNIX_EPOCH + TimeDelta::microseconds(seconds * 1001);
            let due = day.map(|day| NaiveDate::default() + TimeDelta::days(day));
            match score % 6 {
                0 => CursorKey::Created(at, number),
                1 => CursorKey::Updated(at, number),
                2 => CursorKey::Due(due, number),
                3 => CursorKey::Priority(Urgency { rank, due: due.unwrap_or(NEVER_DUE), created: at }, number),
                4 => CursorKey::Number(number),
                _ => CursorKey::Relevance { newest: number, score, number },
            }
        },
    )
}

proptest! {
    #[test]
    fn a_cursor_reads_back_in_its_own_list_and_in_no_other(place in places(), label in "[a-z]{1,5}", other in "[a-z]{1,5}") {
        let list = |label: &str| format!("label={label}&q=x&sort={}", place.sort());
        let query = parse(&list(&label)).unwrap();
        let token = query.cursor(place);
        let next = parse(&format!("{}&limit=3&cursor={token}", list(&label))).unwrap();
        prop_assert_eq!(next.after, Some(place));
        if label != other {
            let expected = vec![("cursor".to_owned(), "not_a_cursor")];
            prop_assert_eq!(parse(&format!("{}&cursor={token}", list(&other))), Err(expected));
        }
    }

    #[test]
    fn nothing_makes_parsing_panic(text in "\\PC{0,80}", name in "(state|label|q|cursor|limit|created_from|due_from|archived|sort)") {
        let _ = IssueQuery::parse(&[(name, text)]);
    }
}
