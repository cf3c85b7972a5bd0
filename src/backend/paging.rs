//! Lists in pages, as GitHub and GitLab give them: which page is next stands in the `Link` header.
//!
//! Of that address only the query is used, so that a list cannot lead anywhere else. [`ChangesCursor`] reads by change instead: numbered pages
//! lose something when what was read already moves to the end, a moment to go on from does not.

use chrono::{DateTime, SecondsFormat, Utc};

use super::client::TrackerCall;
use super::http::HttpAnswer;

/// More pages than any list has: a server that never ends one is not believed.
pub const PAGES: u32 = 10_000;

/// What a page is asked for with.
pub type Query = Vec<(String, String)>;

#[must_use]
pub fn asked(call: TrackerCall, query: &Query) -> TrackerCall {
    query.iter().fold(call, |call, (name, value)| call.query(name, value.as_str()))
}

/// What the next page is asked for with; `None` after the last. A page that is full and says nothing is not taken for the last.
#[must_use]
pub fn next(answer: &HttpAnswer, sent: &Query, full: bool) -> Option<Query> {
    let links: Vec<&str> = answer.headers.get_all("link").iter().filter_map(|link| link.to_str().ok()).collect();
    if !links.is_empty() {
        return links.iter().find_map(|link| next_in(link));
    }
    full.then(|| {
        let number = |pair: &&(String, String)| pair.0 == "page";
        let page: u32 = sent.iter().find(number).and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        let rest = sent.iter().filter(|pair| !number(pair)).cloned();
        rest.chain([("page".to_owned(), page.saturating_add(1).to_string())]).collect()
    })
}

/// `<https://…?page=2>; rel="next", <https://…?page=9>; rel="last"`
fn next_in(link: &str) -> Option<Query> {
    link.split('<').find_map(|part| {
        let (address, rest) = part.split_once('>')?;
        let is_next = rest.split([';', ',']).any(|word| ["rel=\"next\"", "rel=next"].contains(&word.trim()));
        is_next.then(|| read(address.split_once('?').map_or("", |(_, query)| query)))
    })
}

/// As it is handed out as the name of a page.
#[must_use]
pub fn written(query: &Query) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('=', "%3D").replace('+', "%2B");
    query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect::<Vec<_>>().join("&")
}

#[must_use]
pub fn read(text: &str) -> Query {
    let pair = |part: &str| part.split_once('=').map(|(name, value)| (unescaped(name), unescaped(value)));
    text.split('&').filter_map(pair).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%');
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where reading by change stands: everything changed at or after a moment, oldest change first. The page counts only as long as
/// the moment stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangesCursor {
    pub since: Option<DateTime<Utc>>,
    pub page: u32,
}

impl ChangesCursor {
    /// The first one, or the one that a page's name says.
    #[must_use]
    pub fn new(since: Option<DateTime<Utc>>, page: Option<&str>) -> Self {
        let named = page.and_then(|page| page.split_once(' '));
        let named = named.and_then(|(moment, page)| Some((moment.parse().ok(), page.parse().ok()?)));
        named.map_or(Self { since, page: 1 }, |(moment, page)| Self { since: moment, page })
    }

    /// The one after a page that was not the last, and whose last item was changed then.
    #[must_use]
    pub fn after(self, last: Option<DateTime<Utc>>) -> Self {
        match last.filter(|last| self.since.is_none_or(|since| *last > since)) {
            Some(last) => Self { since: Some(last), page: 1 },
            None => Self { page: self.page.saturating_add(1), ..self },
        }
    }
}

impl std::fmt::Display for ChangesCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moment = self.since.map_or_else(|| "-".to_owned(), moment);
        write!(f, "{moment} {}", self.page)
    }
}

#[must_use]
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(link: &str) -> HttpAnswer {
        let mut answer = HttpAnswer::default();
        answer.headers.insert("link", link.parse().unwrap());
        answer
    }

    #[test]
    fn the_next_page_is_the_query_of_its_link_wherever_that_leads() {
        let link = "<https://a.example/x?page=1>; rel=\"prev\", <https://evil.example/y?after=Y3Vy%3D%3D&page=3>; rel=\"next\", <https://a.example/x?page=9>; rel=\"last\"";
        let wanted: Query = [("after", "Y3Vy=="), ("page", "3")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(next(&answer(link), &Vec::new(), true), Some(wanted));
        assert_eq!(next(&answer("<https://a.example/x?page=1>; rel=\"first\""), &Vec::new(), true), None);
    }

    #[test]
    fn a_full_page_that_says_nothing_is_not_the_last() {
        let sent = read("state=all&page=4");
        assert_eq!(next(&HttpAnswer::default(), &sent, true), Some(read("state=all&page=5")));
        assert_eq!(next(&HttpAnswer::default(), &read("state=all"), true), Some(read("state=all&page=2")));
        assert_eq!(next(&HttpAnswer::default(), &sent, false), None);
    }

    #[test]
    fn a_turn_goes_on_from_the_last_change_and_counts_pages_within_one_moment() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let first = ChangesCursor::new(Some(at(5)), None);
        let second = first.after(Some(at(7)));
        assert_eq!(second, ChangesCursor { since: Some(at(7)), page: 1 });
        let third = second.after(Some(at(7)));
        assert_eq!(third, ChangesCursor { since: Some(at(7)), page: 2 });
        for turn in [first, third, ChangesCursor { since: None, page: 3 }] {
            assert_eq!(ChangesCursor::new(Some(at(1)), Some(&turn.to_string())), turn);
        }
        assert_eq!(ChangesCursor::new(Some(at(5)), Some("nonsense")), first);
    }

    proptest! {
        #[test]
        fn a_page_has_a_name_that_reads_back(pairs in prop::collection::vec(("[a-z%&=+ é]{1,6}", "\\PC{0,8}"), 0..4), link in "\\PC{0,40}") {
            prop_assert_eq!(read(&written(&pairs)), pairs);
            _ = next_in(&link);
            _ = ChangesCursor::new(None, Some(&link));
        }
    }
}
