//! Pages of a list, fetched and planned while those before them are written.

use std::future;
use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::mpsc::{Receiver, Sender};

use super::{SyncRun, SyncStop};
use crate::backend::ChangesPage;
use crate::domain::sync::SyncCounts;
use crate::domain::tracker::RemoteIssue;
use crate::domain::{Change, IssueWrite};

/// How many pages may wait between two stages.
pub(super) const WAITING: usize = 2;

/// How many pages are begun at once.
const BEGUN: usize = 2;

/// What the page before ended with: a list that goes on from a moment shows it once more.
#[derive(Default)]
pub(super) struct PreviousPageEnd(Vec<RemoteIssue>);

impl PreviousPageEnd {
    /// Leaves out the issues that the page before showed in the same edition. Otherwise they are
    /// counted twice, or two pages adopt one issue at once: one would wait until the other is
    /// written.
    pub(super) fn leave_out(&mut self, items: &mut Vec<RemoteIssue>) {
        let newest = items.iter().map(|remote| remote.updated_at).max();
        let end = items.iter().filter(|remote| Some(remote.updated_at) == newest).cloned().collect();
        let before = std::mem::replace(&mut self.0, end);
        items.retain(|remote| !before.contains(remote));
    }
}

/// A page of a list.
pub(super) struct FetchedPage {
    /// What leads to the page behind it.
    pub(super) next: Option<String>,
    pub(super) items: Vec<RemoteIssue>,
    /// Absent where the page shows another name of the project: then the names must be replaced
    /// first.
    pub(super) plan: Option<PagePlan>,
}

/// What is to be written for a page, its newest change, and how much there was.
pub(super) struct PagePlan {
    pub(super) changes: Vec<Change>,
    pub(super) newest: Option<DateTime<Utc>>,
    pub(super) counts: SyncCounts,
}

impl PagePlan {
    /// All that is adopted but the last one. They may be written before their page's turn: adopting is known by its key, so that doing it
    /// again makes nothing, and no cursor speaks of them yet.
    fn take_early(&mut self) -> Vec<Change> {
        let adoptions = self.changes.iter().take_while(|change| matches!(change.write, IssueWrite::Insert { .. })).count();
        self.changes.drain(..adoptions.saturating_sub(1)).collect()
    }
}

impl SyncRun<'_> {
    /// Sends every page from `next` on, to the last one or to the first failure.
    pub(super) async fn read_ahead(
        &self,
        since: Option<DateTime<Utc>>,
        mut next: Option<String>,
        mut shown: PreviousPageEnd,
        pages: Sender<Result<FetchedPage, SyncStop>>,
    ) {
        while let Some(token) = next.take() {
            let page = match self.fetch(since, Some(&token), None).await {
                Ok(mut fetched) => {
                    shown.leave_out(&mut fetched.items);
                    self.looked_at(fetched).await
                }
                Err(stop) => Err(stop),
            };
            next = page.as_ref().ok().and_then(|page| page.next.clone());
            if pages.send(page).await.is_err() {
                return;
            }
        }
    }

    /// Planned, where that can be done before its turn.
    pub(super) async fn looked_at(&self, fetched: ChangesPage) -> Result<FetchedPage, SyncStop> {
        let ChangesPage { items, next, .. } = fetched;
        let home = self.bound.cursor.called.is_none() && items.iter().all(|remote| remote.at.place == self.bound.binding.place);
        let plan = if home { Some(self.planned(&items).await?) } else { None };
        Ok(FetchedPage { next, items, plan })
    }

    /// Hands the pages on in their order, what each adopts written but for the last of it.
    pub(super) async fn begin_ahead(
        &self,
        first: FetchedPage,
        pages: Receiver<Result<FetchedPage, SyncStop>>,
        ready: Sender<Result<FetchedPage, SyncStop>>,
    ) {
        let mut beginning = pin!(self.beginning(first, pages));
        while let Some(page) = beginning.next().await {
            if ready.send(page).await.is_err() {
                return;
            }
        }
    }

    /// Some pages at once.
    fn beginning(
        &self,
        first: FetchedPage,
        pages: Receiver<Result<FetchedPage, SyncStop>>,
    ) -> impl Stream<Item = Result<FetchedPage, SyncStop>> {
        let rest = stream::unfold(pages, |mut pages| async { Some((pages.recv().await?, pages)) });
        stream::once(future::ready(Ok(first))).chain(rest).map(|page| self.begin(page)).buffered(BEGUN)
    }

    async fn begin(&self, page: Result<FetchedPage, SyncStop>) -> Result<FetchedPage, SyncStop> {
        let mut page = page?;
        let early = page.plan.as_mut().map(PagePlan::take_early).unwrap_or_default();
        if !early.is_empty() {
            self.commit(&early).await?;
        }
        Ok(page)
    }
}
