//! What is asked of a tracker's list of issues, and what it gives.

use chrono::{DateTime, Utc};

use super::http::HttpAnswer;
use super::http::header::ETAG;
use crate::domain::tracker::RemoteIssue;

/// A page of what changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListAsk<'a> {
    /// Inclusive, by the tracker's clock; everything without it.
    pub since: Option<DateTime<Utc>>,
    /// [`ChangesPage::next`] of the page before, asked with the same `since`; the first page without it.
    pub page: Option<&'a str>,
    /// [`ChangesPage::etag`] of an earlier first page with the same `since`: used with the first
    /// page only, and where the tracker has one.
    pub etag: Option<&'a str>,
}

impl ListAsk<'_> {
    /// The `ETag` that the request is conditional on.
    #[must_use]
    pub fn condition(&self) -> Option<&str> {
        self.etag.filter(|_| self.page.is_none())
    }
}

/// A page, in the order in which the tracker gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangesPage {
    pub items: Vec<RemoteIssue>,
    /// What to ask with for the next page; none after the last. An empty page may have a next one.
    pub next: Option<String>,
    /// What the tracker calls this answer. Only of a first page that is the last one too: of any other it would say nothing of the
    /// pages behind it.
    pub etag: Option<String>,
    /// Nothing is otherwise than when [`ListAsk::etag`] was given; there are no items then.
    pub unchanged: bool,
}

impl ChangesPage {
    /// What came with that answer to that question.
    #[must_use]
    pub fn new(items: Vec<RemoteIssue>, next: Option<String>, ask: &ListAsk<'_>, answer: &HttpAnswer) -> Self {
        let told = || answer.headers.get(ETAG)?.to_str().ok().map(str::to_owned);
        let etag = if next.is_none() && ask.page.is_none() { told() } else { None };
        Self { items, next, etag, unchanged: false }
    }

    /// The answer says that nothing changed since the question's etag.
    #[must_use]
    pub fn none(ask: &ListAsk<'_>, answer: &HttpAnswer) -> Option<Self> {
        let same = answer.status == 304 && ask.condition().is_some();
        same.then(|| Self { etag: ask.etag.map(str::to_owned), unchanged: true, ..Self::default() })
    }
}
