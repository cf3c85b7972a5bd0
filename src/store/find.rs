//! Finding issues: lists, searches, counts, facets, lookups.
//!
//! They are never outdated: [`Store::commit`](super::Store::commit) writes tags, words and counts
//! together with the issue.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::Issue;
use crate::domain::find::facet::{FacetQuery, ShownFacetValue};
use crate::domain::find::{FoundIssue, IssueLookup, IssueQuery, ListFilter, SearchMatch};

/// Finds issues by what they say.
#[async_trait]
pub trait FindStore: Send + Sync + 'static {
    /// One page in the order asked, of at most `query.limit` issues, ended early before its descriptions outgrow
    /// [`PAGE_BYTES`](crate::domain::find::PAGE_BYTES). Not for [`Sort::Relevance`](crate::domain::find::Sort): only
    /// [`Self::matches`] knows that order, so it is taken as by number.
    async fn list(&self, query: &IssueQuery) -> Result<IssuePage, StoreError>;

    /// The newest matches of a filter with a text, by number, at most `most` of them; none newer than `newest`.
    async fn matches(&self, filter: &ListFilter, newest: Option<i64>, most: u32) -> Result<Vec<SearchMatch>, StoreError>;

    /// How many issues the filter admits; counting stops at `most`.
    async fn count(&self, filter: &ListFilter, most: u32) -> Result<u64, StoreError>;

    /// The values of a facet with their counts, which are exact at all times.
    async fn facet(&self, query: &FacetQuery) -> Result<Vec<ShownFacetValue>, StoreError>;

    /// The issues filed for each of the ids, in the order of the ids, newest first.
    async fn lookup(&self, asked: &IssueLookup) -> Result<Vec<FoundIssue>, StoreError>;
}

/// Issues in the order asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuePage {
    pub issues: Vec<Issue>,
    /// There are others after the last of them.
    pub more: bool,
}
