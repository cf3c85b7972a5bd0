//! The review queue: what waits in it, and what is decided about it.

use crate::app::page::{ListPage, fill};
use crate::app::{App, AppError, Caller, ChangeRequest, Scope};
use crate::domain::{ApproveSpec, Issue, IssueNumber, RejectSpec, decide};

impl App {
    /// What waits for a decision, oldest first.
    pub async fn reviews(&self, caller: &Caller, after: Option<IssueNumber>, limit: u32) -> Result<ListPage<Issue>, AppError> {
        caller.need(Scope::Read)?;
        let read = |after, limit| self.store.pending_reviews(after, limit);
        Ok(fill(after, limit, |issue: &Issue| issue.number, |issue| issue.description.len(), read).await?)
    }

    /// With the edit that makes the task acceptable, if one is given: both or neither is written.
    pub async fn approve_issue(&self, request: &ChangeRequest, spec: ApproveSpec) -> Result<Issue, AppError> {
        let edit = self.whole_edit(&request.caller, spec.parse()?, "/edit").await?;
        self.change(request, |issue, cause, stamp| decide::edit_and_approve(issue, edit.clone(), cause, stamp)).await
    }

    pub async fn reject_issue(&self, request: &ChangeRequest, spec: RejectSpec) -> Result<Issue, AppError> {
        let reason = spec.parse()?;
        self.change(request, |issue, cause, stamp| decide::reject(issue, reason.clone(), cause, stamp)).await
    }
}
