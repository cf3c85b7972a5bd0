//! The states of an issue: started, blocked, unblocked, closed, reopened.

use crate::app::{App, AppError, ChangeRequest};
use crate::domain::{BlockSpec, CloseSpec, Issue, NoSpec, decide};

impl App {
    pub async fn start_issue(&self, request: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(request, decide::start).await
    }

    pub async fn block_issue(&self, request: &ChangeRequest, spec: BlockSpec) -> Result<Issue, AppError> {
        let reason = spec.parse()?;
        self.change(request, |issue, cause, stamp| decide::block(issue, reason.clone(), cause, stamp)).await
    }

    pub async fn unblock_issue(&self, request: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(request, decide::unblock).await
    }

    /// With a comment, if one is given: both or neither is written.
    pub async fn close_issue(&self, request: &ChangeRequest, spec: CloseSpec) -> Result<Issue, AppError> {
        let closing = spec.parse()?;
        self.change(request, |issue, cause, stamp| match closing.comment.clone() {
            Some(comment) => decide::close_saying(issue, closing.reason, comment, cause, stamp),
            None => decide::close(issue, closing.reason, cause, stamp),
        })
        .await
    }

    pub async fn reopen_issue(&self, request: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(request, decide::reopen).await
    }
}
