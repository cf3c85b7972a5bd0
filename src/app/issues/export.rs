//! Exports whole issues, as a backup or for an import into another store.

use crate::app::page::{ListPage, fill};
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::IssueNumber;
use crate::domain::export::record::IssueRecord;

impl App {
    /// By number, archived ones too.
    pub async fn export_issues(&self, caller: &Caller, after: Option<IssueNumber>, limit: u32) -> Result<ListPage<IssueRecord>, AppError> {
        caller.need(Scope::Admin)?;
        let read = |after, limit| self.store.records(after, limit);
        Ok(fill(after, limit, |record: &IssueRecord| record.issue.number, IssueRecord::weight, read).await?)
    }
}
