//! One sync run over a tracker's list, from the cursor's page to the last one.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::{self, Receiver};

use super::ahead::{FetchedPage, PagePlan, PreviousPageEnd, WAITING};
use super::{SyncRun, SyncStop};
use crate::app::AppError;
use crate::backend::{BackendError, ChangesPage, ErrorKind, ListAsk};
use crate::domain::sync::{Pass, SyncCounts, SyncCursor, SyncProgress, SyncRunRecord};
use crate::domain::tracker::{RemoteIssue, Sighting};
use crate::domain::{Change, IssueWrite, NewMessage};
use crate::store::{BindingLease, CommitOutcome};

/// Each run begins this much before the newest change that was seen: lists may lag, and trackers
/// cut moments to seconds.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// Links checked together after an audit.
const LINKS: u32 = 500;

/// The ids of a whole list, each in eight bytes.
#[derive(Default)]
struct SeenIds(HashSet<u64>);

impl SyncRun<'_> {
    pub(super) fn next_run_kind(&self, now: DateTime<Utc>) -> Pass {
        let cursor = &self.bound.cursor;
        // What changed first, to its end: an audit is for what is gone.
        if cursor.since.is_none() || (cursor.page.is_some() && cursor.began_at.is_some()) {
            return Pass::Changes;
        }
        let due = cursor.audited_at.is_none_or(|at| at + self.bound.binding.audit_every <= now);
        if due || cursor.audit_wanted { Pass::Audit } else { Pass::Changes }
    }

    /// `None`: it was a turn for deliveries only.
    pub(super) async fn run_once(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<SyncRunRecord>, SyncStop> {
        let now = self.app.clock.now();
        let pass = self.next_run_kind(now);
        if self.bound.cursor.began_at.is_none() {
            self.bound.cursor.began_at = Some(now);
            self.bound.cursor.counts = SyncCounts::default();
            self.bound.cursor.newest = self.bound.cursor.newest.filter(|_| self.bound.cursor.since.is_some());
        }
        match pass {
            Pass::Changes => self.read_changes(stop).await?,
            Pass::Audit => self.read_all(stop).await?,
        }
        let cursor = &mut self.bound.cursor;
        let run = SyncRunRecord {
            pass,
            began_at: cursor.began_at.take().unwrap_or(now),
            ended_at: self.app.clock.now(),
            error: None,
            counts: std::mem::take(&mut cursor.counts),
        };
        Ok(Some(run))
    }

    /// Three things go on at once: pages are fetched and planned, what the next ones adopt is written, and one is finished, with the
    /// cursor behind it.
    async fn read_changes(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), SyncStop> {
        let began = self.bound.cursor.clone();
        let mut first = self.fetch(began.since, began.page.as_deref(), began.etag.as_deref()).await?;
        if first.unchanged {
            self.bound.cursor.counts.requests += 1;
            return Ok(());
        }
        let (etag, mut shown) = (first.etag.clone(), PreviousPageEnd::default());
        shown.leave_out(&mut first.items);
        let reader = self.clone();
        let first = reader.looked_at(first).await?;
        let (fetched, pages) = mpsc::channel(WAITING);
        let (ready, ready_pages) = mpsc::channel(WAITING);
        let next = first.next.clone();
        // Their troubles come with the page they are about, behind those that are sound.
        let ahead = async {
            tokio::join!(reader.read_ahead(began.since, next, shown, fetched), reader.begin_ahead(first, pages, ready));
            Ok(())
        };
        let writing = self.write_pages(ready_pages, (&began, etag), stop);
        tokio::try_join!(ahead, writing).map(|((), ())| ())
    }

    async fn write_pages(
        &mut self,
        mut pages: Receiver<Result<FetchedPage, SyncStop>>,
        (began, etag): (&SyncCursor, Option<String>),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), SyncStop> {
        let mut next = pages.recv().await;
        while let Some(page) = next {
            let mut page = page?;
            // Without the plan that was made before the new name of the project was noticed.
            let plan = if let Some(plan) = page.plan.filter(|_| self.bound.cursor.called.is_none()) {
                plan
            } else {
                self.keep_bound(&mut page.items).await?;
                self.planned(&page.items).await?
            };
            let cursor = &mut self.bound.cursor;
            cursor.newest = cursor.newest.max(plan.newest);
            cursor.counts.add(plan.counts);
            cursor.counts.requests += 1;
            cursor.page = page.next;
            if cursor.page.is_none() {
                // A project without any issue is read to its end too.
                let newest = cursor.newest.map_or(DateTime::UNIX_EPOCH, |newest| newest - OVERLAP);
                cursor.since = cursor.since.max(Some(newest));
                cursor.etag = etag.clone().filter(|_| cursor.since == began.since);
                // The first run listed everything.
                cursor.audited_at = cursor.audited_at.or_else(|| began.since.is_none().then(|| self.app.clock.now()));
            }
            self.write(plan.changes).await?;
            next = pages.recv().await;
            if next.is_some() && stop() {
                return Err(SyncStop::Interrupted);
            }
            self.renew().await?;
        }
        Ok(())
    }

    /// The whole list, for what is gone. What changed is noticed on the way.
    async fn read_all(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), SyncStop> {
        let (mut seen, mut shown) = (SeenIds::default(), PreviousPageEnd::default());
        let mut page = self.fetch(None, None, None).await?;
        loop {
            shown.leave_out(&mut page.items);
            self.keep_bound(&mut page.items).await?;
            seen.note(&page.items);
            let next = page.next.clone();
            let (plan, fetched) = tokio::join!(self.planned(&page.items), self.fetch_next(next.as_deref()));
            let plan = plan?;
            self.bound.cursor.counts.add(plan.counts);
            self.bound.cursor.counts.requests += 1;
            self.write(plan.changes).await?;
            let Some(fetched) = fetched else { break };
            page = fetched?;
            if stop() {
                self.bound.cursor.began_at = None;
                return Err(SyncStop::Interrupted);
            }
            self.renew().await?;
        }
        self.mark_missing(&seen).await?;
        let cursor = &mut self.bound.cursor;
        cursor.audited_at = Some(self.app.clock.now());
        (cursor.audit_wanted, cursor.brake_off) = (false, false);
        Ok(())
    }

    /// The issues that the whole list lacked are read one by one. If too many are missing, the list
    /// itself is suspect, and no issue counts as deleted until an operator says so.
    async fn mark_missing(&mut self, seen: &SeenIds) -> Result<(), SyncStop> {
        const FEW: u64 = 10;
        const SHARE: u64 = 10;
        const MOST: u32 = 1_000_000;
        let (name, project) = (self.tracker.name.clone(), self.bound.binding.place.clone());
        let all = self.app.store.count_links(&name, &project, MOST).await.map_err(AppError::from)?;
        let mut after = None;
        let mut missing = Vec::new();
        let brake = if self.bound.cursor.brake_off { u64::MAX } else { FEW.max(all / SHARE) };
        loop {
            let links = self.app.store.links_of_place(&name, &project, after, LINKS).await.map_err(AppError::from)?;
            let absent = links.iter().filter(|link| link.remote.as_ref().is_some_and(|at| !seen.has(&at.id)));
            missing.extend(absent.map(|link| link.issue_id));
            if missing.len() as u64 > brake {
                self.bound.cursor.audit_wanted = false;
                self.bound.cursor.audited_at = Some(self.app.clock.now());
                let text = format!(
                    "more than {brake} of {all} issues are absent from {project}: nothing is believed to be gone; if that is true, sync again with allow_deletions"
                );
                return Err(BackendError::new(ErrorKind::Denied, text).into());
            }
            match links.last() {
                Some(last) if links.len() == LINKS as usize => after = Some(last.issue_id),
                Some(_) | None => break,
            }
        }
        self.bound.cursor.counts.missing = missing.len() as u64;
        let now = self.app.clock.now();
        for some in missing.chunks(LINKS as usize) {
            let heard = some.iter().map(|id| Sighting { issue_id: *id, backend: name.clone(), heard: None, missing_at: Some(now) });
            let messages = some.iter().map(|id| NewMessage::agree(*id, &name, now));
            let change = Change { heard: heard.collect(), messages: messages.collect(), ..Change::of(IssueWrite::None) };
            self.write(vec![change]).await?;
        }
        Ok(())
    }

    pub(super) async fn fetch(
        &self,
        since: Option<DateTime<Utc>>,
        page: Option<&str>,
        etag: Option<&str>,
    ) -> Result<ChangesPage, SyncStop> {
        let ask = ListAsk { since, page, etag: etag.filter(|_| page.is_none()) };
        Ok(self.tracker.backend.list(&self.bound.binding.place, &ask).await?)
    }

    async fn fetch_next(&self, page: Option<&str>) -> Option<Result<ChangesPage, SyncStop>> {
        Some(self.fetch(None, Some(page?), None).await)
    }

    pub(super) async fn planned(&self, items: &[RemoteIssue]) -> Result<PagePlan, SyncStop> {
        let planning = self.plan(items).await?;
        let (newest, counts) = (planning.newest, planning.counts);
        Ok(PagePlan { changes: self.changes(planning).await?, newest, counts })
    }

    /// All of it with how far the list was read, or nothing.
    pub(super) async fn write(&self, mut changes: Vec<Change>) -> Result<(), SyncStop> {
        let progress = SyncProgress { binding: self.bound.binding.name.clone(), token: self.token, cursor: self.bound.cursor.clone() };
        // A quiet page of a list that goes on nowhere is not worth a write.
        let quiet = changes.iter().all(Change::is_nothing) && progress.cursor.page.is_none();
        if quiet {
            return Ok(());
        }
        changes.push(Change { progress: Some(progress), ..Change::of(IssueWrite::None) });
        let outcomes = self.commit(&changes).await?;
        if outcomes.last() == Some(&CommitOutcome::ClaimLost) { Err(SyncStop::Lost) } else { Ok(()) }
    }

    pub(super) async fn commit(&self, changes: &[Change]) -> Result<Vec<CommitOutcome>, SyncStop> {
        let outcomes = self.app.store.commit(changes).await.map_err(AppError::from)?;
        let adopted = outcomes.iter().filter(|outcome| matches!(outcome, CommitOutcome::Inserted(_))).count();
        self.app.metrics.sync.items.with_label_values(&[&self.tracker.name, "adopted"]).inc_by(adopted as u64);
        if changes.iter().any(|change| !change.messages.is_empty()) {
            self.app.wake.ring(&self.tracker.name);
            self.app.wake.ring(crate::domain::MessageKind::Dispatch.as_str());
        }
        Ok(outcomes)
    }

    /// The hold lasts for as long as there is something to do.
    async fn renew(&mut self) -> Result<(), SyncStop> {
        let now = self.app.clock.now();
        if now + self.lease / 2 < self.until {
            return Ok(());
        }
        let until = now + self.lease;
        let request = BindingLease { now, until, token: self.token, now_or_later: true };
        let renewed = self.app.store.lease_binding(&self.bound.binding.name, request).await.map_err(AppError::from)?;
        if renewed.is_none() {
            return Err(SyncStop::Lost);
        }
        self.until = until;
        Ok(())
    }
}

impl SeenIds {
    fn note(&mut self, items: &[RemoteIssue]) {
        self.0.extend(items.iter().map(|remote| Self::short(&remote.at.id)));
    }

    fn has(&self, id: &str) -> bool {
        self.0.contains(&Self::short(id))
    }

    fn short(id: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    }
}
