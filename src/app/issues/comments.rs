//! Comments on an issue: shown, added, edited, deleted.

use crate::app::issues::change::DecisionInput;
use crate::app::page::{ListPage, fill};
use crate::app::{App, AppError, Caller, ChangeRequest, Scope};
use crate::domain::decide::{self, Cause};
use crate::domain::{Comment, CommentId, CommentSpec, Issue, IssueRef, Stamp};

impl App {
    /// Oldest first.
    pub async fn comments(
        &self,
        caller: &Caller,
        issue: IssueRef,
        after: Option<CommentId>,
        limit: u32,
    ) -> Result<ListPage<Comment>, AppError> {
        caller.need(Scope::Read)?;
        let issue = self.find_issue(issue).await?.id;
        let read = |after, limit| self.store.comments(issue, after, limit);
        Ok(fill(after, limit, |comment: &Comment| comment.id, |comment| comment.body.len(), read).await?)
    }

    pub async fn comment(&self, caller: &Caller, issue: IssueRef, id: CommentId) -> Result<Comment, AppError> {
        caller.need(Scope::Read)?;
        let issue = self.find_issue(issue).await?;
        self.find_comment(&issue, id).await
    }

    pub(in crate::app) async fn find_comment(&self, issue: &Issue, id: CommentId) -> Result<Comment, AppError> {
        let found = self.store.comment(id).await?.filter(|comment| comment.issue_id == issue.id);
        found.ok_or_else(|| AppError::NotFound { what: format!("comment {id} on issue #{}", issue.number) })
    }

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
