//! The plan of one page of a tracker's list: adoptions, pushes that reconcile, and nothing for
//! unchanged issues.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{SyncRun, SyncStop};
use crate::app::AppError;
use crate::domain::decide::{self, Cause};
use crate::domain::sync::{SyncCounts, adopted, comparable_local, comparable_remote, edition};
use crate::domain::tracker::FieldFlips;
use crate::domain::tracker::{Draft, Link, LinkOrigin, LinkState, Marker, Project, RelationTargets, RemoteIssue, Sighting};
use crate::domain::{Change, Dedupe, IssueId, IssueWrite, NewMessage};

/// What is to be written for a page.
#[derive(Default)]
pub(super) struct PagePlanning {
    pub(super) adoptions: Vec<Change>,
    pub(super) heard: Vec<Sighting>,
    /// The issues that get a push.
    pub(super) asked: Vec<IssueId>,
    pub(super) counts: SyncCounts,
    /// The newest change in it; not later than what must be read again.
    pub(super) newest: Option<DateTime<Utc>>,
}

/// Our issue behind a remote issue.
pub(super) enum RemoteOwner<'a> {
    Link(&'a Link),
    /// An issue of ours whose link is not written yet.
    OnItsWay,
    Nobody,
}

impl SyncRun<'_> {
    pub(super) async fn plan(&self, remotes: &[RemoteIssue]) -> Result<PagePlanning, SyncStop> {
        let links = self.links_to(remotes).await?;
        let on_their_way = self.being_created(remotes, &links).await?;
        let around = self.around(remotes, &links).await?;
        let mut planning = PagePlanning::default();
        let mut held_back: Option<DateTime<Utc>> = None;
        for remote in remotes {
            planning.counts.listed += 1;
            planning.newest = planning.newest.max(Some(remote.updated_at));
            match known(remote, &links, &on_their_way) {
                RemoteOwner::Link(link) => planning.sighted(link, self.edition(remote)),
                RemoteOwner::OnItsWay => held_back = Some(held_back.map_or(remote.updated_at, |at| at.min(remote.updated_at))),
                RemoteOwner::Nobody if self.bound.binding.adopts(remote) => {
                    planning.adoptions.push(self.adoption(remote, &around));
                    planning.counts.adopted += 1;
                }
                RemoteOwner::Nobody => planning.counts.passed_over += 1,
            }
        }
        if let Some(at) = held_back {
            planning.newest = planning.newest.map(|newest| newest.min(at));
        }
        Ok(planning)
    }

    /// Names the issues of a list by the binding's project. The project was renamed if the tracker
    /// uses one other name for all of them, and no other binding has that name: the tracker still
    /// answers to the old name, and the links keep it.
    pub(super) async fn keep_bound(&mut self, items: &mut [RemoteIssue]) -> Result<(), SyncStop> {
        let mut projects = items.iter().filter(|remote| !remote.moved_away).map(|remote| &remote.at.place);
        if let Some(called) = projects.next().cloned().filter(|first| projects.all(|project| project == first)) {
            let called = Some(called).filter(|project| *project != self.bound.binding.place);
            if called != self.bound.cursor.called && !self.is_followed(called.as_ref()).await? {
                self.app.forget_bindings();
                self.bound.cursor.called = called;
            }
        }
        for remote in items {
            remote.at.place = self.bound.home(std::mem::take(&mut remote.at.place));
        }
        Ok(())
    }

    async fn is_followed(&self, project: Option<&Project>) -> Result<bool, SyncStop> {
        let Some(project) = project else { return Ok(false) };
        let all = self.app.store.bindings().await.map_err(AppError::from)?;
        Ok(all.iter().any(|bound| bound.binding.backend == self.tracker.name && bound.binding.place == *project))
    }

    pub(super) async fn links_to(&self, remotes: &[RemoteIssue]) -> Result<HashMap<String, Link>, SyncStop> {
        let ids: Vec<String> = remotes.iter().map(|remote| remote.at.id.clone()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut links = self.app.store.links_to(&self.tracker.name, &self.bound.binding.place, &ids).await.map_err(AppError::from)?;
        if let Some(called) = &self.bound.cursor.called {
            // Linked under the new name, by a push or delivery before the list showed it.
            links.extend(self.app.store.links_to(&self.tracker.name, called, &ids).await.map_err(AppError::from)?);
        }
        Ok(links.into_iter().filter_map(|link| link.remote.as_ref().map(|at| at.id.clone()).map(|id| (id, link))).collect())
    }

    /// Of the remote issues that carry our marker: those that a push is creating right now. The link of the marker's issue to this
    /// backend is intended or unknown then, or names this remote issue since the links were read. Any other marker was copied by
    /// a person, and its issue is adopted like every other.
    pub(super) async fn being_created(&self, remotes: &[RemoteIssue], links: &HashMap<String, Link>) -> Result<BTreeSet<String>, SyncStop> {
        let marked: Vec<(IssueId, &str)> = remotes
            .iter()
            .filter(|remote| !links.contains_key(&remote.at.id))
            .filter_map(|remote| Marker::subject_in(&remote.body).map(|id| (IssueId(id), remote.at.id.as_str())))
            .collect();
        if marked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids: Vec<IssueId> = marked.iter().map(|(id, _)| *id).collect();
        let tied = self.app.store.links(&ids).await.map_err(AppError::from)?;
        let is_created_now = |id: IssueId, remote: &str| {
            let mut its = tied.iter().filter(|link| link.issue_id == id && link.backend == self.tracker.name);
            its.any(|link| match &link.remote {
                Some(at) => at.id == remote,
                None => matches!(link.state, LinkState::Intended | LinkState::Unknown),
            })
        };
        let ours = marked.iter().filter(|(id, remote)| is_created_now(*id, remote));
        Ok(ours.map(|(_, remote)| (*remote).to_owned()).collect())
    }

    /// The related issues of those that may be adopted, where the list returns relations.
    async fn around(&self, remotes: &[RemoteIssue], links: &HashMap<String, Link>) -> Result<RelationTargets, SyncStop> {
        let mut around = RelationTargets::of(&self.tracker.name);
        let new = remotes.iter().filter(|remote| !links.contains_key(&remote.at.id));
        let named: Vec<_> = new.flat_map(|remote| remote.relations.iter().flatten()).cloned().collect();
        self.app.recognise(&mut around, self.tracker, &named).await?;
        Ok(around)
    }

    fn adoption(&self, remote: &RemoteIssue, around: &RelationTargets) -> Change {
        let (terms, binding, backend) = (&self.tracker.terms, &self.bound.binding, &self.tracker.backend);
        let canon = |text: &str| backend.canonical(text);
        let stamp = self.app.clock.stamp();
        let untold = untold();
        let face = comparable_remote(remote, &untold, terms, &canon);
        let issue = adopted(remote, &face, binding, backend.kind(), terms, around, stamp);
        // A field that the tracker does not return keeps our value.
        let base = comparable_remote(remote, &comparable_local(&issue, terms, around, &canon), terms, &canon);
        // Its comments are fetched in its lane, where there are any.
        let silent = remote.comments == Some(0);
        let link = Link {
            issue_id: issue.id,
            backend: self.tracker.name.clone(),
            position: 0,
            place: remote.at.place.clone(),
            state: LinkState::Linked,
            intended_at: None,
            remote: Some(remote.at.clone()),
            moved_from: None,
            base: Some(base),
            origin: LinkOrigin::Theirs,
            turns: FieldFlips::default(),
            heard: Some(self.edition(remote)),
            missing_at: None,
        };
        let cause = Cause { actor: backend.kind().as_str().to_owned(), trace: None };
        let dedupe = Dedupe::of_remote(&self.tracker.name, &remote.at.place, &remote.at.id);
        let message = NewMessage::agree(issue.id, &self.tracker.name, stamp.now);
        let mut change = decide::adopt(issue, link, dedupe, &cause, stamp);
        if !silent && terms.capabilities.comments {
            change.messages.push(message);
        }
        // History that is taken over as a whole is not news.
        if self.bound.cursor.since.is_some() && !self.app.targets.is_empty() {
            change.announce();
        }
        change
    }

    pub(super) fn edition(&self, remote: &RemoteIssue) -> String {
        edition(remote, self.app.clock.now() + self.tracker.backend.clock_ahead())
    }

    /// What was planned, as changes of one transaction. Where a message for an issue waits already, one more says nothing new.
    pub(super) async fn changes(&self, planning: PagePlanning) -> Result<Vec<Change>, SyncStop> {
        let waiting: BTreeSet<IssueId> = if planning.asked.is_empty() {
            BTreeSet::new()
        } else {
            self.app.store.queued_pushes(&self.tracker.name, &planning.asked).await.map_err(AppError::from)?.into_iter().collect()
        };
        let now = self.app.clock.now();
        let asked = planning.asked.iter().filter(|id| !waiting.contains(id));
        let messages = asked.map(|id| NewMessage::agree(*id, &self.tracker.name, now)).collect();
        let mut changes = planning.adoptions;
        changes.push(Change { messages, heard: planning.heard, ..Change::of(IssueWrite::None) });
        Ok(changes)
    }
}

impl PagePlanning {
    /// A linked issue: it gets a push if it changed since the last one was queued, or if it is
    /// back.
    fn sighted(&mut self, link: &Link, edition: String) {
        if is_as_it_was(link, &edition) {
            self.counts.unchanged += 1;
            return;
        }
        self.counts.changed += 1;
        self.asked.push(link.issue_id);
        self.heard.push(Sighting { issue_id: link.issue_id, backend: link.backend.clone(), heard: Some(edition), missing_at: None });
    }
}

/// Whether the last queued push was for the same edition.
pub(super) fn is_as_it_was(link: &Link, edition: &str) -> bool {
    link.heard.as_deref() == Some(edition) && link.missing_at.is_none() && link.state != LinkState::Gone
}

pub(super) fn known<'a>(remote: &RemoteIssue, links: &'a HashMap<String, Link>, on_their_way: &BTreeSet<String>) -> RemoteOwner<'a> {
    match links.get(&remote.at.id) {
        Some(link) => RemoteOwner::Link(link),
        None if on_their_way.contains(&remote.at.id) => RemoteOwner::OnItsWay,
        None => RemoteOwner::Nobody,
    }
}

/// Stands for every field that a tracker does not return of an issue that is not adopted yet.
fn untold() -> Draft {
    use crate::domain::{Kind, Priority, StateName};
    Draft {
        title: String::new(),
        body: String::new(),
        state: StateName::Open,
        close_reason: None,
        priority: Priority::Medium,
        kind: Kind::Task,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        due_on: None,
        relations: Vec::new(),
    }
}
