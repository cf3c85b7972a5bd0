//! Issues and what hangs on them: reading by id, number and key, events, comments, the review queue.
//!
//! Writing is [`Store::commit`](super::Store::commit) alone. Lists and searches are [`super::find`].

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Comment, CommentId, DedupeKey, Event, Fingerprint, Issue, IssueId, IssueNumber, IssueRef};

/// Reads issues, their events and their comments.
#[async_trait]
pub trait IssueStore: Send + Sync + 'static {
    /// The issues named, in the order asked, `None` for each that does not exist. Archived ones are found too.
    async fn issues(&self, refs: &[IssueRef]) -> Result<Vec<Option<Issue>>, StoreError>;

    /// The id and the number of each of these issues that exists, in no particular order.
    async fn numbers(&self, refs: &[IssueRef]) -> Result<Vec<(IssueId, IssueNumber)>, StoreError>;

    /// The issue filed under each key, in the order asked, `None` where the key is free.
    async fn filed_under(&self, keys: &[DedupeKey]) -> Result<Vec<Option<FiledIssue>>, StoreError>;

    /// An issue's events with `seq > after_seq`, oldest first, at most `limit`.
    async fn events(&self, issue: IssueId, after_seq: i64, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// An issue's comments after the one named (ids sort by age), oldest first, at most `limit`.
    async fn comments(&self, issue: IssueId, after: Option<CommentId>, limit: u32) -> Result<Vec<Comment>, StoreError>;

    /// The comment of that id, `None` if it does not exist.
    async fn comment(&self, id: CommentId) -> Result<Option<Comment>, StoreError>;

    /// The comments named that exist, in no particular order.
    async fn comments_named(&self, ids: &[CommentId]) -> Result<Vec<Comment>, StoreError>;

    /// The issues that wait for review and are not archived, with numbers above the one named, oldest first, at most `limit`.
    async fn pending_reviews(&self, after: Option<IssueNumber>, limit: u32) -> Result<Vec<Issue>, StoreError>;
}

/// The issue under a dedupe key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledIssue {
    pub issue: Issue,
    /// The digest of the first body, where a repeat must say the same.
    pub fingerprint: Option<Fingerprint>,
}
