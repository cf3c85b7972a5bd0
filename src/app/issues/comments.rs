//! Remarks on an issue: made, mended, taken back.

use crate::app::issues::change::DecisionInput;
use crate::app::{App, AppError, ChangeRequest, Scope};
use crate::domain::decide::{self, Cause};
use crate::domain::{Comment, CommentId, CommentSpec, Stamp};

impl App {
    pub async fn add_comment(&self, request: &ChangeRequest, spec: CommentSpec) -> Result<Comment, AppError> {
        request.caller.need(Scope::Write)?;
        let body = spec.parse()?;
        let rule = |seen: &DecisionInput, cause: &Cause, stamp: Stamp| {
            decide::add_comment(&seen.issue, body.clone(), cause, stamp).map(|(_, change)| Some(change))
        };
        let Some(comment) = self.settle(request, None, rule).await?.comment else { unreachable!("an added comment is in its change") };
        Ok(comment)
    }

    /// `If-Match` is about the comment here, not about the issue.
    pub async fn edit_comment(&self, request: &ChangeRequest, id: CommentId, spec: CommentSpec) -> Result<Comment, AppError> {
        request.caller.need(Scope::Write)?;
        let body = spec.parse()?;
        let rule = |seen: &DecisionInput, cause: &Cause, stamp: Stamp| match &seen.comment {
            Some(comment) => decide::edit_comment(&seen.issue, comment, body.clone(), cause, stamp),
            None => Ok(None),
        };
        let Some(comment) = self.settle(request, Some(id), rule).await?.comment else { unreachable!("a comment named is a comment seen") };
        Ok(comment)
    }

    pub async fn delete_comment(&self, request: &ChangeRequest, id: CommentId) -> Result<(), AppError> {
        request.caller.need(Scope::Write)?;
        self.settle(request, Some(id), |seen, cause, stamp| decide::delete_comment(&seen.issue, id, cause, stamp)).await?;
        Ok(())
    }
}
