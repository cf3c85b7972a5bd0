//! Archives an issue, restores it, or deletes it for good.

use crate::app::{App, AppError, ChangeRequest, Scope};
use crate::domain::{Issue, NoSpec, decide};

impl App {
    /// The row stays and can be restored.
    pub async fn archive_issue(&self, request: &ChangeRequest) -> Result<Issue, AppError> {
        self.change(request, decide::archive).await
    }

    pub async fn restore_issue(&self, request: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(request, decide::restore).await
    }

    /// With its history and its identity among repeats: the same task posted again is a new one.
    pub async fn delete_issue(&self, request: &ChangeRequest) -> Result<(), AppError> {
        request.caller.need(Scope::Admin)?;
        let local = self.store.name();
        self.settle(request, None, |seen, _, _| decide::delete(&seen.issue, seen.issue.backend == local).map(Some)).await?;
        Ok(())
    }
}
