//! The order of a ranked search: best first, then newest. Pure, so that both stores give the same.

use std::cmp::Reverse;

use super::{CursorKey, IssueQuery, PAGE_BYTES, SearchMatch};

/// A page of a ranked search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedPage {
    pub numbers: Vec<i64>,
    /// Where it ended, if there is more.
    pub next: Option<CursorKey>,
}

/// The page of `query` out of all its matches, newest first.
#[must_use]
pub fn ranked(query: &IssueQuery, matches: &[SearchMatch]) -> RankedPage {
    let newest = matches.first().map_or(0, |newest| newest.number);
    let score = |found: &SearchMatch| query.filter.text.as_ref().map_or(0, |text| text.score(&found.title, &found.opening));
    let mut order: Vec<(Reverse<u32>, Reverse<i64>, i64)> =
        matches.iter().map(|found| (Reverse(score(found)), Reverse(found.number), found.bytes)).collect();
    order.sort_unstable();
    if let Some(CursorKey::Relevance { score, number, .. }) = query.after {
        order.retain(|(at, nth, _)| (*at, *nth) > (Reverse(score), Reverse(number)));
    }
    let (mut bytes, mut kept) = (0, 0);
    for (_, _, size) in order.iter().take(query.limit as usize) {
        bytes += size;
        if kept > 0 && bytes > i64::from(PAGE_BYTES) {
            break;
        }
        kept += 1;
    }
    let last = order[..kept].last().filter(|_| kept < order.len());
    let next = last.map(|(Reverse(score), Reverse(number), _)| CursorKey::Relevance { newest, score: *score, number: *number });
    RankedPage { numbers: order[..kept].iter().map(|(_, Reverse(number), _)| *number).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::find::search::TextQuery;
    use crate::domain::find::{ListFilter, Sort};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_join_to_the_whole_order(titles in prop::collection::vec("(sbom |flag |x ){0,3}", 0..40), limit in 1u32..9, heavy: bool) {
            let bytes = if heavy { i64::from(PAGE_BYTES) / 3 } else { 1 };
            let one = |(number, title): (i64, String)| SearchMatch { number, title, opening: "flag".to_owned(), bytes };
            let mut matches: Vec<SearchMatch> = (1..).zip(titles).map(one).collect();
            matches.reverse();
            let text = TextQuery::parse("sbom flag", "q").ok();
            let mut query = IssueQuery { sort: Sort::Relevance, limit, ..IssueQuery::of(ListFilter { text: text.clone(), ..ListFilter::default() }) };
            let mut seen = Vec::new();
            loop {
                let page = ranked(&query, &matches);
                prop_assert!(page.numbers.len() <= limit as usize && (!heavy || page.numbers.len() <= 3));
                seen.extend(page.numbers);
                query.after = page.next;
                if query.after.is_none() { break; }
            }
            let score = |number: &i64| text.as_ref().unwrap().score(&matches[matches.len() - usize::try_from(*number).unwrap()].title, "flag");
            prop_assert_eq!(seen.len(), matches.len());
            prop_assert!(seen.windows(2).all(|pair| (score(&pair[1]), pair[1]) < (score(&pair[0]), pair[0])));
        }
    }
}
