//! From what a caller asks for to what a query takes, and back into the order asked. No SQL here.

use std::collections::HashMap;

use uuid::Uuid;

use super::queue::{LeaseRequest, LeasedMessages};
use super::reindex::Before;
use super::row::{IssueRow, KeyedRow, ListedRow, MessageRow, NoticeRow, UnreadableRow};
use super::{FiledIssue, IssuePage, StoreError};
use crate::domain::find::facet::Facet;
use crate::domain::find::{AssigneeFilter, CursorKey, IssueQuery, ListFilter, Sort};
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
pub(super) fn arrange(refs: &[IssueRef], rows: Vec<IssueRow>) -> Result<Vec<Option<Issue>>, UnreadableRow> {
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

/// Ids with their numbers.
pub(super) fn numbered(rows: Vec<(Uuid, i64)>) -> Vec<(IssueId, IssueNumber)> {
    rows.into_iter().map(|(id, number)| (IssueId(id), IssueNumber(number))).collect()
}

/// What stands under each key, in the order asked.
pub(super) fn arrange_filed(keys: &[DedupeKey], rows: Vec<KeyedRow>) -> Result<Vec<Option<FiledIssue>>, UnreadableRow> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let (key, issue, fingerprint) = row.read()?;
        found.insert(key, FiledIssue { issue, fingerprint });
    }
    Ok(keys.iter().map(|key| found.get(&key.0).cloned()).collect())
}

/// The notices in the order asked; one asked for twice (for two sinks) is given twice.
pub(super) fn arrange_notices(wanted: &[(IssueId, i64)], rows: Vec<NoticeRow>) -> Result<Vec<Option<Notice>>, UnreadableRow> {
    let mut found: HashMap<(IssueId, i64), Notice> = HashMap::with_capacity(rows.len());
    for row in rows {
        let notice = Notice::try_from(row)?;
        found.insert((notice.event.issue_id, notice.event.seq), notice);
    }
    Ok(wanted.iter().map(|event| found.get(event).cloned()).collect())
}

/// The result of a poll: what is leased now, in the order of each lane, and whether there may be
/// more.
pub(super) fn claimed(store: &'static str, rows: Vec<MessageRow>, request: &LeaseRequest<'_>) -> Result<LeasedMessages, StoreError> {
    let more = rows.len() >= request.limit as usize;
    let taken = rows.into_iter().filter_map(|row| row.lease(request.token).transpose());
    let mut leases: Vec<Lease> = readable(store, taken.collect())?;
    leases.sort_by_key(|lease| lease.message.id);
    Ok(LeasedMessages { leases, more })
}

/// The issues a commit was decided on, as they are.
pub(super) fn before(rows: Vec<IssueRow>) -> Result<Before, UnreadableRow> {
    rows.into_iter().map(|row| Ok((row.id, Issue::try_from(row)?))).collect()
}

/// What a reading of rows came to, where a row that cannot be read is a defect of this store.
pub(super) fn readable<T>(store: &'static str, read: Result<T, UnreadableRow>) -> Result<T, StoreError> {
    read.map_err(|error| StoreError::Broken { store, reason: error.to_string() })
}

/// Every row as its value: a domain value, or the row itself.
pub(super) fn all<R, T: TryFrom<R, Error: Into<UnreadableRow>>>(store: &'static str, rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    readable(store, rows.into_iter().map(|row| T::try_from(row).map_err(Into::into)).collect())
}

/// The answer of a statement that counts.
pub(super) fn counted(row: Option<(i64,)>) -> u64 {
    row.map_or(0, |(count,)| count.unsigned_abs())
}

/// A page as it is gathered, one part after the other.
#[derive(Debug, Default)]
pub(super) struct GatheredPage {
    rows: Vec<IssueRow>,
    more: bool,
}

impl GatheredPage {
    /// How many rows to ask for: one more than the page takes shows whether there are others.
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

    pub(super) fn page(self) -> Result<IssuePage, UnreadableRow> {
        Ok(IssuePage { issues: self.rows.into_iter().map(Issue::try_from).collect::<Result<_, _>>()?, more: self.more })
    }
}

/// One run of a list in an index. A list by due date is two, one after the other: with one, and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexRun {
    Whole,
    WithDueDate,
    WithoutDueDate,
}

pub(super) fn parts(query: &IssueQuery) -> &'static [IndexRun] {
    match (query.sort, query.after) {
        (Sort::Due, Some(CursorKey::Due(None, _))) => &[IndexRun::WithoutDueDate],
        (Sort::Due, _) => &[IndexRun::WithDueDate, IndexRun::WithoutDueDate],
        (Sort::Created | Sort::Updated | Sort::Priority | Sort::Number | Sort::Relevance, _) => &[IndexRun::Whole],
    }
}

/// The columns of a list's order in `table`, each with its direction. `{t}` stands for the table in each key.
pub(super) fn order_by(query: &IssueQuery, keys: &[&str], table: &str) -> String {
    let direction = query.order.as_str();
    keys.iter().map(|key| format!("{} {direction}", key.replace("{t}", table))).collect::<Vec<_>>().join(", ")
}

/// Labels, or people, of which an issue must have at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagSet {
    pub(super) facet: Facet,
    pub(super) keys: Vec<String>,
}

/// The sets of a filter; each must be met.
pub(super) fn tag_sets(filter: &ListFilter) -> Vec<TagSet> {
    let set = |facet, keys: &[String]| (!keys.is_empty()).then(|| TagSet { facet, keys: keys.to_vec() });
    let people = match &filter.assigned {
        AssigneeFilter::To(people) => people.as_slice(),
        AssigneeFilter::Anyhow | AssigneeFilter::Nobody => &[],
    };
    let each = filter.labels.iter().filter_map(|label| set(Facet::Label, std::slice::from_ref(label)));
    each.chain(set(Facet::Label, &filter.labels_any)).chain(set(Facet::Assignee, people)).collect()
}

/// Where a list begins to read. Decided here, not by the planners: they take the label of an issue and its creation for
/// independent of each other, expect nothing to be left, and read everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListStart {
    /// An index of `issues`; every set is asked about each row.
    Issues,
    /// The rows of one tag, which have the order of the list; the other sets are asked about each of them.
    Tag(usize),
    /// The few issues of one set, all of them; then they are sorted.
    Few(usize),
}

/// As many rows are fetched and sorted before reading in order and leaving out is tried.
const FEW: i64 = 5000;

/// Nothing has to be known of the sizes of the sets.
pub(super) fn obvious_lead(sets: &[TagSet], sort: Sort) -> Option<ListStart> {
    match sets {
        [] => Some(ListStart::Issues),
        [only] if sort == Sort::Created && only.keys.len() == 1 => Some(ListStart::Tag(0)),
        [..] => None,
    }
}

/// By the sizes of the values, in any order.
pub(super) fn lead(sets: &[TagSet], sort: Sort, sizes: &[(String, String, i64)]) -> ListStart {
    let size = |set: &TagSet| -> i64 {
        let among = |facet: &str, key: &String| facet == set.facet.as_str() && set.keys.contains(key);
        sizes.iter().filter(|(facet, key, _)| among(facet, key)).map(|(_, _, size)| size).sum()
    };
    let smallest = sets.iter().enumerate().map(|(n, set)| (size(set), n)).min();
    match smallest {
        Some((_, n)) if sort == Sort::Created && sets[n].keys.len() == 1 => ListStart::Tag(n),
        Some((size, n)) if size <= FEW => ListStart::Few(n),
        Some(_) | None => ListStart::Issues,
    }
}

/// How common the words of a search are among the newest issues.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordSample {
    /// How many issues there are, roughly.
    pub(super) all: i64,
    pub(super) looked_at: i64,
    pub(super) have: i64,
}

impl WordSample {
    /// How many of the newest issues are sampled.
    pub(super) const SIZE: i64 = 1000;

    /// Whether fetching every issue with the words is cheaper than a scan of the issues in order
    /// until there are enough. The cost of fetching grows with their number, the cost of a scan
    /// with the distance between them.
    pub(super) fn is_rare(self) -> bool {
        /// The rows that a scan reads in the time of one fetch, times the rows that are wanted:
        /// about a tenth of a thousand.
        const WORTH: i128 = 100;
        i128::from(self.have).pow(2) * i128::from(self.all) < i128::from(self.looked_at).pow(2) * WORTH
    }
}

/// The words of a vocabulary, as the columns hold them.
pub(super) fn words<T: Copy>(values: &[T], word: fn(T) -> &'static str) -> Vec<String> {
    values.iter().map(|value| word(*value).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(facet: Facet, keys: &[&str]) -> TagSet {
        TagSet { facet, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    #[test]
    fn words_are_rare_by_their_number_and_common_by_their_share() {
        let rare = |all, have| WordSample { all, looked_at: WordSample::SIZE.min(all), have }.is_rare();
        assert!(rare(1_000_000, 0) && rare(1_000_000, 9) && !rare(1_000_000, 10) && !rare(1_000_000, 1000));
        assert!(rare(10_000, 99) && !rare(10_000, 100));
        assert!(rare(50, 50) && !rare(0, 0), "few enough are fetched, whatever their share");
    }

    #[test]
    fn a_list_begins_with_the_smallest_set_if_that_gives_the_order_or_is_small() {
        let sets = [set(Facet::Label, &["common"]), set(Facet::Assignee, &["zoe"]), set(Facet::Label, &["a", "b"])];
        let sizes = |zoe: i64, b: i64| {
            let size = |facet: &str, key: &str, size| (facet.to_owned(), key.to_owned(), size);
            [
                size("label", "common", 90_000),
                size("assignee", "zoe", zoe),
                size("label", "zoe", 1),
                size("label", "b", b),
                size("label", "a", 1),
            ]
        };
        assert_eq!(lead(&sets, Sort::Created, &sizes(20_000, 50_000)), ListStart::Tag(1));
        assert_eq!(lead(&sets, Sort::Updated, &sizes(20_000, 50_000)), ListStart::Issues);
        assert_eq!(lead(&sets, Sort::Updated, &sizes(200, 50_000)), ListStart::Few(1));
        assert_eq!(lead(&sets, Sort::Created, &sizes(200, 5)), ListStart::Few(2));
        assert_eq!(obvious_lead(&sets[..1], Sort::Created), Some(ListStart::Tag(0)));
        assert_eq!(obvious_lead(&sets[..1], Sort::Due), None);
    }
}
