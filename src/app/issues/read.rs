//! Shows one issue.

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::{Issue, IssueRef};

impl App {
    /// By id or number; archived ones too.
    pub async fn read_issue(&self, caller: &Caller, name: IssueRef) -> Result<Issue, AppError> {
        caller.need(Scope::Read)?;
        self.find_issue(name).await
    }

    pub(in crate::app) async fn find_issue(&self, name: IssueRef) -> Result<Issue, AppError> {
        self.reads.issue(name).await?.ok_or_else(|| AppError::NotFound { what: format!("issue {name}") })
    }
}
