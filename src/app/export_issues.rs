//! Hands out whole issues, to be kept elsewhere or taken in by another store.

use super::page::{ListPage, fill};
use super::{App, AppError, Caller, Scope};
use crate::domain::IssueNumber;
use crate::domain::record::IssueRecord;

impl App {
    /// By number, archived ones too.
    pub async fn export_issues(&self, caller: &Caller, after: Option<IssueNumber>, limit: u32) -> Result<ListPage<IssueRecord>, AppError> {
        caller.need(Scope::Admin)?;
        let read = |after, limit| self.store.records(after, limit);
        Ok(fill(after, limit, |record: &IssueRecord| record.issue.number, IssueRecord::weight, read).await?)
    }
}
