//! Links of issues and comments to trackers. [`Store::commit`](super::Store::commit) writes them.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::domain::IssueId;
use crate::domain::tracker::{CommentLink, Link, LinkSummary, Project};

/// Reads links, from our issue to the tracker and back.
#[async_trait]
pub trait LinkStore: Send + Sync + 'static {
    /// The links of these issues, by issue and position.
    async fn links(&self, issues: &[IssueId]) -> Result<Vec<Link>, StoreError>;

    /// The links of these issues to any tracker, without their bases, in no particular order.
    async fn link_summaries(&self, issues: &[IssueId]) -> Result<Vec<LinkSummary>, StoreError>;

    /// The links to one tracker by the keys that people there use. Gone ones too, in no particular order.
    async fn link_summaries_by_key(&self, backend: &str, keys: &[String]) -> Result<Vec<LinkSummary>, StoreError>;

    /// The links to these issues of one project, by the ids of the tracker's API. Gone ones too, in no particular order.
    async fn links_to(&self, backend: &str, project: &Project, remote_ids: &[String]) -> Result<Vec<Link>, StoreError>;

    /// The links to one project that are [`LinkState::Linked`](crate::domain::tracker::LinkState), by issue, after the one
    /// named, at most `limit`.
    async fn links_of_place(&self, backend: &str, project: &Project, after: Option<IssueId>, limit: u32) -> Result<Vec<Link>, StoreError>;

    /// How many links to one project are linked; counting stops at `most`.
    async fn count_links(&self, backend: &str, project: &Project, most: u32) -> Result<u64, StoreError>;

    /// The links of these comments (and parts of the issue's text) to comments in one tracker.
    async fn comment_links(&self, issue: IssueId, backend: &str, subjects: &[Uuid]) -> Result<Vec<CommentLink>, StoreError>;

    /// Every link of an issue's comments to comments in one tracker.
    async fn comment_links_of(&self, issue: IssueId, backend: &str) -> Result<Vec<CommentLink>, StoreError>;
}
