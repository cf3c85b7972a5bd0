//! Changes what an issue says.

use crate::app::{App, AppError, ChangeRequest};
use crate::domain::{Faults, Issue, PatchSpec, decide};

impl App {
    pub async fn edit_issue(&self, request: &ChangeRequest, patch: PatchSpec) -> Result<Issue, AppError> {
        let mut faults = Faults::default();
        let patch = patch.parse("", &mut faults);
        faults.into_result(())?;
        let edit = self.whole_edit(&request.caller, patch, "").await?;
        self.change(request, |issue, cause, stamp| decide::edit(issue, edit.clone(), cause, stamp)).await
    }
}
