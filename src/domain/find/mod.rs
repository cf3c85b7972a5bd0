//! A query for issues: a checked filter, an order, a position to continue from, and a limit.
//!
//! Pure: the store answers a query, and `tests/it/store/find.rs` compares its answers with [`ListFilter::admits`] and
//! [`Sort`]'s order. To add a filter: its field and its line in `filter`, its line in [`ListFilter::admits`], and its
//! condition in both dialects.

pub mod facet;
pub mod search;

mod cursor;
mod filter;
mod lookup;
mod params;
mod ranking;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use cursor::ListCursor;
pub use cursor::NotACursor;
pub use filter::{Archived, AssigneeFilter, IdPrefix, ListFilter, TimeRange};
pub use lookup::{FoundIssue, IssueLookup, LookupBy};
pub use params::QueryParams;
pub use ranking::{RankedPage, ranked};

use super::issue::Issue;
use crate::domain::base::fault::Faults;
use crate::domain::base::vocabulary::{Priority, vocabulary};

/// A page holds this many issues unless the caller says otherwise, and never more than [`MAX_LIMIT`].
pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 200;

/// Counting stops here; what there is more of is "at least as many".
pub const MAX_TOTAL: u32 = 10_000;

/// A page ends early before its descriptions grow beyond this many bytes; one issue always fits.
pub const PAGE_BYTES: u32 = 1 << 20;

/// A ranked search reads this many matches, the newest ones.
pub const RANKED: u32 = 1000;

vocabulary! {
    /// What a list is ordered by. Equal ones follow their numbers, in the same direction.
    Sort {
        Created = "created",
        Updated = "updated",
        /// Soonest first; those without a due date come last in both directions.
        Due = "due",
        /// Most urgent first, then soonest due, then longest waiting.
        Priority = "priority",
        Number = "number",
        /// Best match first, then newest: only with `q`, and only in this direction.
        Relevance = "relevance",
    }
}

vocabulary! {
    Order { Ascending = "asc", Descending = "desc" }
}

/// One page of a list, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueQuery {
    pub filter: ListFilter,
    pub sort: Sort,
    pub order: Order,
    pub after: Option<CursorKey>,
    pub limit: u32,
    /// Whether the caller wants to know how many there are in all.
    pub total: bool,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CursorKey {
    #[serde(rename = "c")]
    Created(DateTime<Utc>, i64),
    #[serde(rename = "u")]
    Updated(DateTime<Utc>, i64),
    #[serde(rename = "d")]
    Due(Option<NaiveDate>, i64),
    #[serde(rename = "p")]
    Priority(Urgency, i64),
    #[serde(rename = "n")]
    Number(i64),
    /// `newest` holds the matches still that were ranked for the first page.
    #[serde(rename = "r")]
    Relevance { newest: i64, score: u32, number: i64 },
}

/// What the priority order compares: the rank of the priority, the due date, the age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Urgency {
    pub rank: i16,
    /// The last of days where none is due.
    pub due: NaiveDate,
    pub created: DateTime<Utc>,
}

/// Stands for "not due" where due dates are compared.
pub const NEVER_DUE: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("is a date");

/// `high` comes first.
#[must_use]
pub const fn rank(priority: Priority) -> i16 {
    match priority {
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}

impl Urgency {
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        Self { rank: rank(issue.priority), due: issue.due_on.unwrap_or(NEVER_DUE), created: issue.created_at }
    }
}

impl Sort {
    /// Newest, most recently changed, best first; soonest, most urgent, lowest first.
    #[must_use]
    pub const fn usual_order(self) -> Order {
        match self {
            Self::Created | Self::Updated | Self::Relevance | Self::Number => Order::Descending,
            Self::Due | Self::Priority => Order::Ascending,
        }
    }

    /// Where an issue stands in this order; `None` for relevance, where that depends on the others.
    #[must_use]
    pub fn place(self, issue: &Issue) -> Option<CursorKey> {
        let number = issue.number.0;
        Some(match self {
            Self::Created => CursorKey::Created(issue.created_at, number),
            Self::Updated => CursorKey::Updated(issue.updated_at, number),
            Self::Due => CursorKey::Due(issue.due_on, number),
            Self::Priority => CursorKey::Priority(Urgency::of(issue), number),
            Self::Number => CursorKey::Number(number),
            Self::Relevance => return None,
        })
    }
}

impl CursorKey {
    /// The order that this position belongs to.
    #[must_use]
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Created(..) => Sort::Created,
            Self::Updated(..) => Sort::Updated,
            Self::Due(..) => Sort::Due,
            Self::Priority(..) => Sort::Priority,
            Self::Number(_) => Sort::Number,
            Self::Relevance { .. } => Sort::Relevance,
        }
    }
}

/// A match of a search, with what its rank depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchMatch {
    pub number: i64,
    pub title: String,
    /// The first [`OPENING`] characters of the description.
    pub opening: String,
    /// How long the whole description is.
    pub bytes: i64,
}

/// How much of a description its rank depends on, in characters.
pub const OPENING: u32 = 500;

impl IssueQuery {
    /// Everything that matches, newest first.
    #[must_use]
    pub fn of(filter: ListFilter) -> Self {
        Self { filter, sort: Sort::Created, order: Order::Descending, after: None, limit: DEFAULT_LIMIT, total: false }
    }

    /// From the parameters of a request, with all their faults at once. An unknown parameter is a
    /// fault.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, Faults> {
        let mut params = QueryParams::new(pairs, "");
        let filter = ListFilter::read(&mut params);
        let sort = params.word("sort");
        let order = params.word("order");
        let limit = params.integer("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        let total = params.boolean("total").unwrap_or(false);
        let cursor = params.one("cursor");
        let sort = sort.unwrap_or(if filter.text.is_some() { Sort::Relevance } else { Sort::Created });
        if sort == Sort::Relevance && filter.text.is_none() {
            params.fault("sort", "contradiction", "relevance needs q");
        }
        if sort == Sort::Relevance && order == Some(Order::Ascending) {
            params.fault("order", "contradiction", "relevance has the best match first, always");
        }
        let order = order.unwrap_or_else(|| sort.usual_order());
        let mut query = Self { filter, sort, order, after: None, limit, total };
        if let Some(text) = cursor {
            match query.place(&text) {
                Ok(place) => query.after = Some(place),
                Err(wrong) => params.fault("cursor", "not_a_cursor", wrong.to_string()),
            }
        }
        params.done()?;
        Ok(query)
    }

    /// The position that a cursor of this list stands for.
    pub fn place(&self, cursor: &str) -> Result<CursorKey, NotACursor> {
        ListCursor::read(cursor, self)
    }

    /// The cursor of the page that begins after the position.
    #[must_use]
    pub fn cursor(&self, place: CursorKey) -> String {
        ListCursor::write(self, place)
    }
}

#[cfg(test)]
mod tests;
