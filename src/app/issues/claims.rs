//! Claims an issue for one holder, and releases it.

use crate::app::{App, AppError, ChangeRequest};
use crate::domain::{ClaimSpec, Issue, ReleaseSpec, decide};

impl App {
    /// Taken, renewed by its holder, or taken over once it has run out. The holder is the caller unless another is named.
    pub async fn claim_issue(&self, request: &ChangeRequest, spec: ClaimSpec) -> Result<Issue, AppError> {
        let claiming = spec.parse()?;
        let holder = claiming.holder.as_deref().unwrap_or(&request.caller.name);
        self.change(request, |issue, cause, stamp| decide::claim(issue, holder, claiming.lease, cause, stamp)).await
    }

    pub async fn release_issue(&self, request: &ChangeRequest, spec: ReleaseSpec) -> Result<Issue, AppError> {
        let holder = spec.parse()?;
        let holder = holder.as_deref().unwrap_or(&request.caller.name);
        self.change(request, |issue, cause, stamp| decide::release(issue, holder, cause, stamp)).await
    }
}
