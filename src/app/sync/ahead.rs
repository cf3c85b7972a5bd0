//! Pages of a list, fetched and planned while those before them are written.

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{Receiver, Sender};

use super::{Stop, Work};
use crate::backend::Changes;
use crate::domain::sync::Counts;
use crate::domain::tracker::Remote;
use crate::domain::{Change, IssueWrite};

/// How many pages may wait to be written.
pub(super) const WAITING: usize = 2;

/// A page of a list.
pub(super) struct Page {
    /// What leads to the page behind it.
    pub(super) next: Option<String>,
    pub(super) items: Vec<Remote>,
    /// Absent where the page is not of the place itself: then it has to be brought home first.
    pub(super) plan: Option<PagePlan>,
}

/// What is to be written for a page, its newest change, and how much there was.
pub(super) struct PagePlan {
    pub(super) changes: Vec<Change>,
    pub(super) newest: Option<DateTime<Utc>>,
    pub(super) counts: Counts,
}

impl PagePlan {
    /// The first half of what is adopted. It may be written before its page's turn: adopting is known by its key, so that doing it
    /// again makes nothing, and no cursor speaks of it yet.
    pub(super) fn take_early(&mut self) -> Vec<Change> {
        let adoptions = self.changes.iter().take_while(|change| matches!(change.write, IssueWrite::Insert { .. })).count();
        self.changes.drain(..adoptions / 2).collect()
    }
}

impl Work<'_> {
    /// Sends every page from `next` on, to the last one or to the first trouble.
    pub(super) async fn read_ahead(&self, since: Option<DateTime<Utc>>, mut next: Option<String>, pages: Sender<Result<Page, Stop>>) {
        while let Some(token) = next.take() {
            let page = match self.fetch(since, Some(&token), None).await {
                Ok(fetched) => self.looked_at(fetched).await,
                Err(stop) => Err(stop),
            };
            next = page.as_ref().ok().and_then(|page| page.next.clone());
            if pages.send(page).await.is_err() {
                return;
            }
        }
    }

    /// Planned, where that can be done before its turn.
    pub(super) async fn looked_at(&self, fetched: Changes) -> Result<Page, Stop> {
        let Changes { items, next, .. } = fetched;
        let home = self.bound.cursor.called.is_none() && items.iter().all(|remote| remote.at.place == self.bound.binding.place);
        let plan = if home { Some(self.planned(&items).await?) } else { None };
        Ok(Page { next, items, plan })
    }

    /// The next page, half of it written.
    pub(super) async fn begin_next(&self, pages: &mut Receiver<Result<Page, Stop>>) -> Result<Option<Page>, Stop> {
        let Some(page) = pages.recv().await else { return Ok(None) };
        let mut page = page?;
        // What was planned before somebody noticed that the place is called otherwise by now.
        page.plan = page.plan.filter(|_| self.bound.cursor.called.is_none());
        let early = page.plan.as_mut().map(PagePlan::take_early).unwrap_or_default();
        if !early.is_empty() {
            self.commit(&early).await?;
        }
        Ok(Some(page))
    }
}
