//! Shows what happened to an issue, and what was said.

use std::collections::HashMap;

use crate::app::page::{ListPage, fill};
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::{Attempt, Comment, CommentId, Event, IssueId, IssueRef};

/// One event with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineItem {
    pub event: Event,
    /// The comment it is about, as it is now; gone once it was deleted.
    pub comment: Option<Comment>,
    /// The newest attempts to deliver its messages, as long as their history is kept.
    pub deliveries: Vec<Attempt>,
}

/// More attempts of one event are not shown.
const ATTEMPTS: u32 = 20;

impl App {
    /// Oldest first, without gaps: the events after that number.
    pub async fn timeline(
        &self,
        caller: &Caller,
        issue: IssueRef,
        after: Option<i64>,
        limit: u32,
    ) -> Result<ListPage<TimelineItem>, AppError> {
        caller.need(Scope::Read)?;
        let issue = self.find_issue(issue).await?.id;
        let read = |after: Option<i64>, limit| self.store.events(issue, after.unwrap_or(0), limit);
        let page = fill(after, limit, |event: &Event| event.seq, Event::weight, read).await?;
        let named: Vec<CommentId> = page.items.iter().filter_map(|event| event.detail.comment_id).collect();
        let comments: HashMap<CommentId, Comment> =
            self.store.comments_named(&named).await?.into_iter().map(|comment| (comment.id, comment)).collect();
        let mut deliveries = self.deliveries(issue, &page.items).await?;
        Ok(page.map(|event| TimelineItem {
            comment: event.detail.comment_id.and_then(|id| comments.get(&id).cloned()),
            deliveries: deliveries.remove(&event.seq).unwrap_or_default(),
            event,
        }))
    }

    async fn deliveries(&self, issue: IssueId, events: &[Event]) -> Result<HashMap<i64, Vec<Attempt>>, AppError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(HashMap::new()) };
        let mut by_event: HashMap<i64, Vec<Attempt>> = HashMap::new();
        for delivery in self.store.attempts_of(issue, first.seq..=last.seq, ATTEMPTS).await? {
            by_event.entry(delivery.event_seq).or_default().push(delivery);
        }
        Ok(by_event)
    }
}
