//! From what a caller asks for to what a query takes, and back into the order asked. No SQL here.

use std::collections::HashMap;

use uuid::Uuid;

use super::StoreError;
use super::queue::{ClaimWish, Claimed};
use super::row::{IssueRow, MessageRow, NoticeRow, Unreadable};
use crate::domain::{Issue, IssueId, IssueNumber, IssueRef, Lease, Notice};

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
    let leased = rows.into_iter().filter_map(|row| row.lease(wish.token).transpose());
    let mut leases: Vec<Lease> = readable(store, leased.collect())?;
    leases.sort_by_key(|lease| lease.message.id);
    Ok(Claimed { leases, more })
}

/// What a reading of rows came to, where a row that cannot be read is a defect of this store.
pub(super) fn readable<T>(store: &'static str, read: Result<T, Unreadable>) -> Result<T, StoreError> {
    read.map_err(|error| StoreError::Broken { store, reason: error.to_string() })
}

/// Every row as its domain value.
pub(super) fn all<R, T: TryFrom<R, Error = Unreadable>>(store: &'static str, rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    readable(store, rows.into_iter().map(T::try_from).collect())
}
