//! What a sync would do, without doing any of it: the same questions, the same merge, and nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ahead::PreviousPageEnd;
use super::page::{RemoteOwner, is_as_it_was, known};
use super::{SyncRun, SyncStop};
use crate::app::push::{MergeInputs, MergeSides, with_held};
use crate::app::{App, AppError, Caller, Scope};
use crate::backend::ListAsk;
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::decide::{self, Cause, RemoteChanges};
use crate::domain::sync::{SyncCounts, comparable_base, comparable_local, comparable_remote, words};
use crate::domain::tracker::Field;
use crate::domain::tracker::{DraftEdit, Link, LinkState, RelationTargets, RemoteIssue, RemoteRef};
use crate::domain::{Change, Issue, IssueRef};

vocabulary! {
    /// What would become of one issue.
    Planned {
        Adopt = "adopt",
        /// Fields would be pulled, pushed, or be in conflict.
        Agree = "agree",
    }
}

/// One issue about which something would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedItem {
    pub what: Planned,
    pub issue: Option<Box<Issue>>,
    pub remote: RemoteRef,
    pub title: String,
    pub taken: Vec<Field>,
    pub sent: Vec<Field>,
    /// Both changed these.
    pub clashes: Vec<Field>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncPlan {
    pub items: Vec<PlannedItem>,
    /// There are more than the plan lists.
    pub more: bool,
    pub counts: SyncCounts,
}

/// The plan lists so many.
const MOST: usize = 1000;

impl App {
    /// The plan of the next sync run of a binding.
    pub async fn plan_sync(&self, caller: &Caller, name: &str) -> Result<SyncPlan, AppError> {
        caller.need(Scope::Read)?;
        let bound = self.find_binding(name).await?;
        let Some(tracker) = self.trackers.get(&bound.binding.backend) else {
            return Err(AppError::NotFound { what: format!("backend {}", bound.binding.backend) });
        };
        let stamp = self.clock.stamp();
        let secret = tracker.secret.edition();
        let mut work = SyncRun { app: self, tracker, bound, token: stamp.id, lease: Duration::ZERO, until: stamp.now, secret };
        match work.plan_run().await {
            Ok(plan) => Ok(plan),
            Err(SyncStop::Failed(error)) => Err(error),
            Err(SyncStop::Trouble(error)) => Err(AppError::BackendAway { name: tracker.name.clone(), reason: error.message }),
            Err(SyncStop::Lost | SyncStop::Interrupted) => Err(AppError::Contended),
        }
    }
}

impl SyncRun<'_> {
    async fn plan_run(&mut self) -> Result<SyncPlan, SyncStop> {
        let (mut plan, mut shown) = (SyncPlan::default(), PreviousPageEnd::default());
        let mut page: Option<String> = self.bound.cursor.page.clone();
        loop {
            let ask = ListAsk { since: self.bound.cursor.since, page: page.as_deref(), etag: None };
            let mut listed = self.tracker.backend.list(&self.bound.binding.place, &ask).await?;
            plan.counts.requests += 1;
            shown.leave_out(&mut listed.items);
            self.keep_bound(&mut listed.items).await?;
            self.plan_page(&listed.items, &mut plan).await?;
            page = listed.next;
            if page.is_none() || plan.more {
                return Ok(plan);
            }
        }
    }

    async fn plan_page(&self, remotes: &[RemoteIssue], plan: &mut SyncPlan) -> Result<(), SyncStop> {
        let links = self.links_to(remotes).await?;
        let on_their_way = self.being_created(remotes, &links).await?;
        let ids: Vec<IssueRef> = links.values().map(|link| IssueRef::Id(link.issue_id)).collect();
        let issues = self.app.store.issues(&ids).await.map_err(AppError::from)?;
        let issues: BTreeMap<_, Issue> = issues.into_iter().flatten().map(|issue| (issue.id, issue)).collect();
        let mut around = RelationTargets::of(&self.tracker.name);
        self.app.load_relation_targets(&mut around, self.tracker, &issues.values().collect::<Vec<_>>()).await?;
        for remote in remotes {
            plan.counts.listed += 1;
            let item = match known(remote, &links, &on_their_way) {
                // What it came to is written down, or waits already.
                RemoteOwner::Link(link) if is_as_it_was(link, &self.edition(remote)) => None,
                RemoteOwner::Link(link) => match issues.get(&link.issue_id) {
                    Some(issue) => self.plan_issue(link, issue, remote, &around).await?,
                    None => None,
                },
                RemoteOwner::Nobody if self.bound.binding.adopts(remote) => {
                    plan.counts.adopted += 1;
                    Some(item(Planned::Adopt, None, remote))
                }
                RemoteOwner::Nobody => {
                    plan.counts.passed_over += 1;
                    continue;
                }
                RemoteOwner::OnItsWay => None,
            };
            match item {
                None => plan.counts.unchanged += 1,
                Some(item) => {
                    plan.counts.changed += u64::from(item.what == Planned::Agree);
                    plan.more |= plan.items.len() >= MOST;
                    if !plan.more {
                        plan.items.push(item);
                    }
                }
            }
        }
        Ok(())
    }

    /// By the merge of the lane, up to where it would write.
    async fn plan_issue(
        &self,
        link: &Link,
        issue: &Issue,
        remote: &RemoteIssue,
        around: &RelationTargets,
    ) -> Result<Option<PlannedItem>, SyncStop> {
        if issue.archived_at.is_some() && link.state != LinkState::Gone {
            return Ok(None);
        }
        let (terms, binding) = (&self.tracker.terms, &self.bound.binding);
        let canon = |text: &str| self.tracker.backend.canonical(text);
        let ours = comparable_local(issue, terms, around, &canon);
        let base = link.base.as_ref().map_or_else(|| ours.clone(), |base| comparable_base(base, &canon));
        let theirs = comparable_remote(remote, &base, terms, &canon);
        let sides = MergeSides { base, ours, theirs };
        let stamp = self.app.clock.stamp();
        // Only of those that changed there, and no more than the plan lists.
        let open = self.app.store.unresolved_conflicts(issue.id, &self.tracker.name).await.map_err(AppError::from)?;
        let weights = MergeInputs::of(self.app, self.tracker, binding, issue, remote, &sides, &open).await?;
        let (done, _) = weights.merge(&sides, &link.turns, stamp);
        let sent = if binding.pushes() {
            let (words, state) = (words(issue, &done.take, &remote.body, terms, around), done.take.state);
            let cause = Cause { actor: self.tracker.name.clone(), trace: None };
            let absorption = RemoteChanges { words, state, clashes: Vec::new() };
            let change = decide::apply_remote(issue, &self.tracker.name, absorption, &cause, stamp);
            let after = change.as_ref().and_then(Change::issue).unwrap_or(issue);
            let after = with_held(comparable_local(after, terms, around, &canon), &done.base, &done.held);
            DraftEdit { before: &done.base, after: &after }.fields()
        } else {
            Vec::new()
        };
        let (taken, conflicts) = (done.take.fields(), done.clashes.iter().map(|conflict| conflict.field).collect::<Vec<_>>());
        let found = !taken.is_empty() || !sent.is_empty() || !conflicts.is_empty();
        Ok(found.then(|| PlannedItem { taken, sent, clashes: conflicts, ..item(Planned::Agree, Some(issue.clone()), remote) }))
    }
}

fn item(what: Planned, issue: Option<Issue>, remote: &RemoteIssue) -> PlannedItem {
    PlannedItem {
        what,
        issue: issue.map(Box::new),
        remote: remote.at.clone(),
        title: remote.title.clone(),
        taken: Vec::new(),
        sent: Vec::new(),
        clashes: Vec::new(),
    }
}
