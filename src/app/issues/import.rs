//! Imports issues that another store exported, with their numbers, ids, times, events and comments.
//!
//! What is here already stays as it is, so an import may be repeated, or go on where it was interrupted.

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::export::record::{ImportOutcome, IssueRecord};
use crate::domain::export::refused;
use crate::domain::{Faults, IssueId, IssueNumber};

/// How many may come together.
pub const MAX_IMPORT: usize = 1000;

/// What became of one of them.
#[derive(Debug)]
pub enum ImportItem {
    Imported(IssueId, IssueNumber),
    Present(IssueId, IssueNumber),
    Failed(AppError),
}

impl App {
    /// Each by itself: a record that cannot be imported does not stop the others.
    pub async fn import_issues(
        &self,
        caller: &Caller,
        records: Vec<Result<IssueRecord, Faults>>,
        dry_run: bool,
    ) -> Result<Vec<ImportItem>, AppError> {
        caller.need(Scope::Admin)?;
        let (good, places): (Vec<IssueRecord>, Vec<Option<AppError>>) = apart(records);
        let mut taken = if good.is_empty() { Vec::new() } else { self.store.import_records(&good, !dry_run).await? }.into_iter().zip(&good);
        let told = |fault: Option<AppError>| match fault {
            Some(error) => Some(ImportItem::Failed(error)),
            None => taken.next().map(|(taken, record)| item(taken, record)),
        };
        Ok(places.into_iter().filter_map(told).collect())
    }
}

/// The records that can be read, and the fault at each position that cannot.
fn apart(records: Vec<Result<IssueRecord, Faults>>) -> (Vec<IssueRecord>, Vec<Option<AppError>>) {
    let mut good = Vec::with_capacity(records.len());
    let place = |record| match record {
        Ok(record) => {
            good.push(record);
            None
        }
        Err(faults) => Some(AppError::Invalid(faults)),
    };
    let places = records.into_iter().map(place).collect();
    (good, places)
}

fn item(taken: ImportOutcome, record: &IssueRecord) -> ImportItem {
    let (id, number) = (record.issue.id, record.issue.number);
    match refused(taken, &record.issue) {
        Some(refusal) => ImportItem::Failed(AppError::Refused(refusal)),
        None if taken == ImportOutcome::Present => ImportItem::Present(id, number),
        None => ImportItem::Imported(id, number),
    }
}
