//! From what a caller asks for to what a query takes, and back into the order asked. No SQL here.

use std::collections::HashMap;

use uuid::Uuid;

use super::queue::{ClaimWish, Claimed};
use super::reindex::Before;
use super::row::{IssueRow, KeyedRow, ListedRow, MessageRow, NoticeRow, Unreadable};
use super::{Filed, Page, StoreError};
use crate::domain::facet::Facet;
use crate::domain::find::{Assigned, Filter, IssueQuery, Place, Sort};
use crate::domain::{DedupeKey, Issue, IssueId, IssueNumber, IssueRef, Lease, Notice};

/// The references by sort.
pub(super) fn split(refs: &[IssueRef]) -> (Vec<Uuid>, Vec<i64>) {
    let (mut ids, mut numbers) = (Vec::with_capacity(refs.len()), Vec::new());
    for wanted in refs {
        match wanted {
            IssueRef::Id(IssueId(id)) => ids.push(*id),
            IssueRef::Number(IssueNumber(number)) => numbers.push(*number),
        }
    }
    (ids, numbers)
}

/// The issues in the order asked; one asked for twice, by id and by number, is given twice.
pub(super) fn arrange(refs: &[IssueRef], rows: Vec<IssueRow>) -> Result<Vec<Option<Issue>>, Unreadable> {
    let mut found: HashMap<IssueRef, Issue> = HashMap::with_capacity(rows.len());
    let by_number = refs.iter().any(|wanted| matches!(wanted, IssueRef::Number(_)));
    for row in rows {
        let issue = Issue::try_from(row)?;
        if by_number {
            found.insert(IssueRef::Number(issue.number), issue.clone());
        }
        found.insert(IssueRef::Id(issue.id), issue);
    }
    Ok(refs.iter().map(|wanted| found.get(wanted).cloned()).collect())
}

/// What stands under each key, in the order asked.
pub(super) fn arrange_filed(keys: &[DedupeKey], rows: Vec<KeyedRow>) -> Result<Vec<Option<Filed>>, Unreadable> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let (key, issue, fingerprint) = row.read()?;
        found.insert(key, Filed { issue, fingerprint });
    }
    Ok(keys.iter().map(|key| found.get(&key.0).cloned()).collect())
}

/// The notices in the order asked; one asked for twice (for two sinks) is given twice.
pub(super) fn arrange_notices(wanted: &[(IssueId, i64)], rows: Vec<NoticeRow>) -> Result<Vec<Option<Notice>>, Unreadable> {
    let mut found: HashMap<(IssueId, i64), Notice> = HashMap::with_capacity(rows.len());
    for row in rows {
        let notice = Notice::try_from(row)?;
        found.insert((notice.event.issue_id, notice.event.seq), notice);
    }
    Ok(wanted.iter().map(|event| found.get(event).cloned()).collect())
}

/// What was looked at: what is leased now, in the order of each lane, and whether there may be more.
pub(super) fn claimed(store: &'static str, rows: Vec<MessageRow>, wish: &ClaimWish<'_>) -> Result<Claimed, StoreError> {
    let more = rows.len() >= wish.limit as usize;
    let taken = rows.into_iter().filter_map(|row| row.lease(wish.token).transpose());
    let mut leases: Vec<Lease> = readable(store, taken.collect())?;
    leases.sort_by_key(|lease| lease.message.id);
    Ok(Claimed { leases, more })
}

/// The issues a commit was decided on, as they are.
pub(super) fn before(rows: Vec<IssueRow>) -> Result<Before, Unreadable> {
    rows.into_iter().map(|row| Ok((row.id, Issue::try_from(row)?))).collect()
}

/// What a reading of rows came to, where a row that cannot be read is a defect of this store.
pub(super) fn readable<T>(store: &'static str, read: Result<T, Unreadable>) -> Result<T, StoreError> {
    read.map_err(|error| StoreError::Broken { store, reason: error.to_string() })
}

/// Every row as its domain value.
pub(super) fn all<R, T: TryFrom<R, Error = Unreadable>>(store: &'static str, rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    readable(store, rows.into_iter().map(T::try_from).collect())
}

/// A page as it is gathered, one part after the other.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    rows: Vec<IssueRow>,
    more: bool,
}

impl Gathered {
    /// How many rows to ask for: one more than the page takes tells whether there are others.
    pub(super) fn wanted(&self, limit: u32) -> u32 {
        (limit + 1).saturating_sub(u32::try_from(self.rows.len()).unwrap_or(u32::MAX))
    }

    /// Takes a part in; `false` once the page is full.
    pub(super) fn take(&mut self, rows: Vec<ListedRow>, limit: u32) -> bool {
        let cut = rows.first().is_some_and(|row| row.fetched > i64::try_from(rows.len()).unwrap_or(i64::MAX));
        self.rows.extend(rows.into_iter().map(|row| row.issue));
        let limit = limit as usize;
        self.more = cut || self.rows.len() > limit;
        self.rows.truncate(limit);
        !self.more
    }

    pub(super) fn page(self) -> Result<Page, Unreadable> {
        Ok(Page { issues: self.rows.into_iter().map(Issue::try_from).collect::<Result<_, _>>()?, more: self.more })
    }
}

/// One run of a list in an index. A list by due date is two, one after the other: with one, and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    WithDueDate,
    WithoutDueDate,
}

pub(super) fn parts(query: &IssueQuery) -> &'static [Part] {
    match (query.sort, query.after) {
        (Sort::Due, Some(Place::Due(None, _))) => &[Part::WithoutDueDate],
        (Sort::Due, _) => &[Part::WithDueDate, Part::WithoutDueDate],
        (Sort::Created | Sort::Updated | Sort::Priority | Sort::Number | Sort::Relevance, _) => &[Part::Whole],
    }
}

/// The columns of a list's order in `table`, each with its direction. `{t}` stands for the table in each key.
pub(super) fn order_by(query: &IssueQuery, keys: &[&str], table: &str) -> String {
    let direction = query.order.as_str();
    keys.iter().map(|key| format!("{} {direction}", key.replace("{t}", table))).collect::<Vec<_>>().join(", ")
}

/// The labels and people of which each must be there.
pub(super) fn required_tags(filter: &Filter) -> Vec<(Facet, &str)> {
    let mut tags: Vec<(Facet, &str)> = filter.labels.iter().map(|label| (Facet::Label, label.as_str())).collect();
    if let [only] = &filter.labels_any[..] {
        tags.push((Facet::Label, only));
    }
    if let Assigned::To(people) = &filter.assigned
        && let [only] = &people[..]
    {
        tags.push((Facet::Assignee, only));
    }
    tags
}

/// The words of a vocabulary, as the columns hold them.
pub(super) fn words<T: Copy>(values: &[T], word: fn(T) -> &'static str) -> Vec<String> {
    values.iter().map(|value| word(*value).to_owned()).collect()
}
