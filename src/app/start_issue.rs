//! Says how work on an issue goes: begun, stuck, going on.

use super::{App, AppError, ChangeRequest};
use crate::domain::{BlockSpec, Issue, NoSpec, decide};

impl App {
    pub async fn start_issue(&self, wish: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(wish, decide::start).await
    }

    pub async fn block_issue(&self, wish: &ChangeRequest, spec: BlockSpec) -> Result<Issue, AppError> {
        let reason = spec.parse()?;
        self.change(wish, |issue, cause, stamp| decide::block(issue, reason.clone(), cause, stamp)).await
    }

    pub async fn unblock_issue(&self, wish: &ChangeRequest, spec: NoSpec) -> Result<Issue, AppError> {
        spec.parse()?;
        self.change(wish, decide::unblock).await
    }
}
