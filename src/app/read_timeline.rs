//! Shows what happened to an issue, and what was said.

use std::collections::HashMap;

use super::page::{Page, fill};
use super::{App, AppError, Caller, Scope};
use crate::domain::{Comment, CommentId, Event, IssueRef};

/// One event with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    pub event: Event,
    /// The comment it is about, as it is now; gone once it was deleted.
    pub comment: Option<Comment>,
}

impl App {
    /// Oldest first, without gaps: the events after that number.
    pub async fn timeline(&self, caller: &Caller, issue: IssueRef, after: Option<i64>, limit: u32) -> Result<Page<Happening>, AppError> {
        caller.need(Scope::Read)?;
        let issue = self.find_issue(issue).await?.id;
        let read = |after: Option<i64>, limit| self.store.events(issue, after.unwrap_or(0), limit);
        let page = fill(after, limit, |event: &Event| event.seq, Event::weight, read).await?;
        let named: Vec<CommentId> = page.items.iter().filter_map(|event| event.detail.comment_id).collect();
        let comments: HashMap<CommentId, Comment> =
            self.store.comments_named(&named).await?.into_iter().map(|comment| (comment.id, comment)).collect();
        Ok(page.map(|event| Happening { comment: event.detail.comment_id.and_then(|id| comments.get(&id).cloned()), event }))
    }
}
