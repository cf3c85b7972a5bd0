//! Ends an issue, and takes it up again.

use super::{App, AppError, ChangeRequest};
use crate::domain::{CloseSpec, Issue, NoSpec, decide};

impl App {
    /// With a comment, if one is given: both or neither is written.
    pub async fn close_issue(&self, wish: &ChangeRequest, spec: CloseSpec) -> Result<Issue, AppError> {
        let closing = spec.parse()?;
        self.change(wish, |issue, cause, stamp| match closing.comment.clone() {
            Some(comment) => decide::close_saying(issue, closing.reason, comment, cause, stamp),
            None => decide::close(issue, closing.reason, cause, stamp),
        })
        .await
    }

    pub async fn reopen_issue(&self, wish: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(wish, decide::reopen).await
    }
}
