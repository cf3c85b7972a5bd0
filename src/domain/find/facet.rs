//! The facets of issues, and the counts that one issue belongs to. The store keeps the counts, so a
//! request never counts rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::base::text::{MILESTONE, fold};
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::issue::{Issue, State};

vocabulary! {
    /// A property whose values are counted. Each name is stored beside its counts.
    Facet {
        State = "state",
        Backend = "backend",
        Repo = "repo",
        Milestone = "milestone",
        Label = "label",
        Assignee = "assignee",
        /// The day of creation, for the ages of what is still to do.
        Day = "day",
        /// Archived issues count here and nowhere else.
        Archived = "archived",
    }
}

impl Facet {
    /// The key of a name, or the beginning of one: labels and people ignore case. Or what is wrong with it (code, message).
    pub fn key(self, name: &str) -> Result<String, (&'static str, String)> {
        let name = MILESTONE.check(name)?;
        Ok(match self {
            Self::Label | Self::Assignee => fold(&name),
            Self::State | Self::Backend | Self::Repo | Self::Milestone | Self::Day | Self::Archived => name,
        })
    }
}

/// One value of a facet. Values with one key are spellings of one value: labels ignore case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FacetValue<'a> {
    pub facet: Facet,
    pub key: Cow<'a, str>,
    pub name: Cow<'a, str>,
}

/// How many issues have a value: still to do, and closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FacetCount {
    pub active: i64,
    pub closed: i64,
}

impl FacetCount {
    #[must_use]
    pub const fn total(self) -> i64 {
        self.active + self.closed
    }

    pub fn add(&mut self, other: Self, times: i64) {
        self.active += other.active * times;
        self.closed += other.closed * times;
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.active == 0 && self.closed == 0
    }
}

/// The sums of many issues' changes.
pub type FacetCounts<'a> = BTreeMap<FacetValue<'a>, FacetCount>;

/// Counts an issue in (`times` 1) or out (-1).
pub fn tally<'a>(counts: &mut FacetCounts<'a>, issue: &'a Issue, times: i64) {
    for (value, one) in counted(issue) {
        counts.entry(value).or_default().add(one, times);
    }
}

/// Every value an issue counts under, with its one.
pub fn counted(issue: &Issue) -> impl Iterator<Item = (FacetValue<'_>, FacetCount)> {
    let one = match issue.state {
        State::Closed { .. } => FacetCount { active: 0, closed: 1 },
        State::Open | State::InProgress | State::Blocked { .. } => FacetCount { active: 1, closed: 0 },
    };
    values(issue).into_iter().map(move |value| (value, one))
}

fn exact(facet: Facet, text: &str) -> FacetValue<'_> {
    FacetValue { facet, key: text.into(), name: text.into() }
}

fn values(issue: &Issue) -> Vec<FacetValue<'_>> {
    if issue.archived_at.is_some() {
        return vec![exact(Facet::Archived, "archived")];
    }
    let day = issue.created_at.date_naive().to_string();
    let mut values = vec![
        exact(Facet::State, issue.state.name().as_str()),
        exact(Facet::Backend, &issue.backend),
        FacetValue { facet: Facet::Day, key: day.clone().into(), name: day.into() },
    ];
    values.extend(issue.target_repo.as_deref().map(|repo| exact(Facet::Repo, repo)));
    values.extend(issue.milestone.as_deref().map(|milestone| exact(Facet::Milestone, milestone)));
    values.extend(tags(issue));
    values
}

/// The values of which an issue has any number: the store finds issues by them in a table of their own.
pub fn tags(issue: &Issue) -> impl Iterator<Item = FacetValue<'_>> {
    let labels = issue.labels.iter().map(|label| (Facet::Label, label));
    let assignees = issue.assignees.iter().map(|assignee| (Facet::Assignee, assignee));
    labels.chain(assignees).map(|(facet, text)| FacetValue { facet, key: fold(text).into(), name: text.as_str().into() })
}

/// Which values of a facet are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetQuery {
    pub facet: Facet,
    /// Only keys that begin so; everything begins with nothing.
    pub prefix: String,
    /// Only keys after this one; every key comes after nothing.
    pub after: String,
    pub by: FacetOrder,
    pub limit: u32,
}

vocabulary! {
    /// Values in the order of their keys, which can be read page by page, or the most frequent ones.
    FacetOrder { Name = "name", Count = "count" }
}

impl FacetQuery {
    /// The first key that no longer begins with the prefix: none holds the last of all characters.
    #[must_use]
    pub fn end(&self) -> String {
        format!("{}\u{10FFFF}", self.prefix)
    }
}

/// A value as it is shown: how it is spelt most often, with the sum over its spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFacetValue {
    pub key: String,
    pub name: String,
    pub count: FacetCount,
}

/// Spellings put together, in the order asked. Rows come sorted by key; of two spellings used as often, the smaller one is shown.
#[must_use]
pub fn shown(rows: Vec<(String, String, FacetCount)>, by: FacetOrder) -> Vec<ShownFacetValue> {
    let mut shown: Vec<ShownFacetValue> = Vec::with_capacity(rows.len());
    let mut most = i64::MIN;
    for (key, name, count) in rows {
        if let Some(last) = shown.last_mut().filter(|last| last.key == key) {
            last.count.add(count, 1);
            if (count.total(), &last.name) > (most, &name) {
                most = count.total();
                last.name = name;
            }
        } else {
            most = count.total();
            shown.push(ShownFacetValue { key, name, count });
        }
    }
    shown.retain(|value| !value.count.is_zero());
    if by == FacetOrder::Count {
        shown.sort_by_key(|value| std::cmp::Reverse(value.count.total()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, name: &str, active: i64) -> (String, String, FacetCount) {
        (key.to_owned(), name.to_owned(), FacetCount { active, closed: 0 })
    }

    #[test]
    fn spellings_of_one_value_are_one_shown_as_most_often_written() {
        let rows = vec![row("a", "A", 1), row("a", "a", 3), row("b", "B", 2), row("b", "b", 2), row("c", "c", 0)];
        let shown: Vec<_> = shown(rows, FacetOrder::Count).into_iter().map(|value| (value.name, value.count.active)).collect();
        assert_eq!(shown, [("a".to_owned(), 4), ("B".to_owned(), 4)]);
    }
}
