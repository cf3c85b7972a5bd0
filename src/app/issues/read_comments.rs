//! Shows what was said about an issue.

use crate::app::page::{ListPage, fill};
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::{Comment, CommentId, Issue, IssueRef};

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
}
