//! From what a caller asks for to what a query takes, and back into the order asked. No SQL here.

use std::collections::HashMap;

use uuid::Uuid;

use super::row::{IssueRow, KeyedRow, Unreadable};
use super::{Filed, StoreError};
use crate::domain::{DedupeKey, Issue, IssueId, IssueNumber, IssueRef};

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

/// What a reading of rows came to, where a row that cannot be read is a defect of this store.
pub(super) fn readable<T>(store: &'static str, read: Result<T, Unreadable>) -> Result<T, StoreError> {
    read.map_err(|error| StoreError::Broken { store, reason: error.to_string() })
}

/// Every row as its domain value.
pub(super) fn all<R, T: TryFrom<R, Error = Unreadable>>(store: &'static str, rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    readable(store, rows.into_iter().map(T::try_from).collect())
}
