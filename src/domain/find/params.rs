//! Named values of a request, taken one by one. A value that is not taken is a fault.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};

use crate::domain::base::fault::Faults;
use crate::domain::base::text::TextRule;
use crate::domain::base::vocabulary::UnknownWord;

/// How many values one list may hold.
const MAX_VALUES: usize = 20;

/// The values of a request by name, and what is wrong with them so far.
#[derive(Debug)]
pub struct QueryParams<'a> {
    pairs: &'a [(String, String)],
    /// Goes before each name in a fault: nothing for a query string, a JSON pointer for a part of a body.
    at: &'static str,
    known: BTreeSet<&'static str>,
    faults: Faults,
}

impl<'a> QueryParams<'a> {
    #[must_use]
    pub fn new(pairs: &'a [(String, String)], at: &'static str) -> Self {
        Self { pairs, at, known: BTreeSet::new(), faults: Faults::default() }
    }

    pub fn fault(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.faults.add(format!("{}{name}", self.at), code, message);
    }

    /// Every value given under the name.
    fn values(&mut self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.known.insert(name);
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The only value under the name.
    pub fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.values(name);
        let (first, second) = (values.next()?, values.next());
        if second.is_some() {
            self.fault(name, "contradiction", "is given more than once");
        }
        Some(first.to_owned())
    }

    pub fn word<T: FromStr<Err = UnknownWord>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.one(name)?;
        self.checked(name, "unknown_word", text.parse())
    }

    /// Any number of words, in any number of parameters, with commas between them or not.
    pub fn words<T: FromStr<Err = UnknownWord> + Ord>(&mut self, name: &'static str) -> Vec<T> {
        let texts: Vec<&str> = self.values(name).flat_map(|value| value.split(',')).map(str::trim).collect();
        let words = texts.into_iter().filter_map(|text| self.checked(name, "unknown_word", text.parse())).collect();
        self.set(name, words)
    }

    /// Any number of texts, a parameter each.
    pub fn texts(&mut self, name: &'static str, rule: TextRule) -> Vec<String> {
        let values: Vec<&str> = self.values(name).collect();
        let texts = values.into_iter().filter_map(|value| self.text(name, rule, value)).collect();
        self.set(name, texts)
    }

    pub fn only_text(&mut self, name: &'static str, rule: TextRule) -> Option<String> {
        let text = self.one(name)?;
        self.text(name, rule, &text)
    }

    fn text(&mut self, name: &'static str, rule: TextRule, value: &str) -> Option<String> {
        rule.check_present(value).map_err(|(code, message)| self.fault(name, code, message)).ok()
    }

    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let text = self.one(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(name, "wrong_type", "must be true or false");
        }
        value
    }

    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.one(name)?;
        let value = text.parse().ok().filter(|value| range.contains(value));
        if value.is_none() {
            self.fault(name, "out_of_range", format!("must be an integer from {} to {}", range.start(), range.end()));
        }
        value
    }

    pub fn date(&mut self, name: &'static str) -> Option<NaiveDate> {
        let text = self.one(name)?;
        let date = day(&text);
        if date.is_none() {
            self.fault(name, "not_a_date", "must be a date like 2026-06-30");
        }
        date
    }

    /// A moment, or the beginning of a day (UTC).
    pub fn moment(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let text = self.one(name)?;
        let whole_day = || day(&text).and_then(|date| date.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc());
        // A `+` in a query string that was not escaped arrives as a space.
        let exact = || DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|moment| moment.to_utc().trunc_subsecs(6));
        let moment = whole_day().or_else(exact).filter(|moment| four_digits(moment.date_naive()));
        if moment.is_none() {
            self.fault(name, "not_a_moment", "must be a date like 2026-06-30 or a moment like 2026-06-30T07:00:00Z");
        }
        moment
    }

    fn checked<T, E: Display>(&mut self, name: &str, code: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.fault(name, code, error.to_string())).ok()
    }

    fn set<T: Ord>(&mut self, name: &str, mut values: Vec<T>) -> Vec<T> {
        // As they were sent, so that a caller can know beforehand.
        if values.len() > MAX_VALUES {
            self.fault(name, "too_many", format!("must hold at most {MAX_VALUES} values"));
        }
        values.sort();
        values.dedup();
        values
    }

    /// All faults, those of unknown names too.
    pub fn done(mut self) -> Result<(), Faults> {
        let unknown: BTreeSet<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).filter(|name| !self.known.contains(name)).collect();
        for name in unknown {
            let message = format!("is not known here; there are {}", Vec::from_iter(self.known.clone()).join(", "));
            self.fault(name, "unknown_field", message);
        }
        self.faults.into_result(())
    }

    pub(super) fn take(&mut self, faults: Faults) {
        for fault in faults.into_vec() {
            self.fault(&fault.pointer, fault.code, fault.message);
        }
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| text.parse().ok()).flatten().filter(|date| four_digits(*date))
}

/// SQLite compares moments as text: the year has four digits.
fn four_digits(date: NaiveDate) -> bool {
    use chrono::Datelike as _;
    (0..=9999).contains(&date.year())
}
