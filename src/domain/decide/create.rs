//! A new issue.

use super::{Cause, review};
use crate::domain::base::id::{IssueId, IssueNumber};
use crate::domain::base::stamp::Stamp;
use crate::domain::change::{Change, IssueWrite};
use crate::domain::event::{Event, EventDetail, EventKind, IssueSnapshot};
use crate::domain::filing::dedupe::Dedupe;
use crate::domain::issue::create::CreateIssue;
use crate::domain::issue::relation::IssueRelation;
use crate::domain::issue::{Issue, Review, State};
use crate::domain::tracker::RouteNote;

/// The issue, its first event and its dedupe key. `backend` is the kind of tracker that will hold
/// it. The caller looks up the related issues and passes them to [`related`].
///
/// One that needs review has a second event: it enters the queue.
#[must_use]
pub fn create(command: CreateIssue, backend: &str, dedupe: Option<Dedupe>, cause: &Cause, stamp: Stamp) -> Change {
    let issue = Issue {
        id: IssueId(stamp.id),
        number: IssueNumber::UNASSIGNED,
        due_on: command.due.map(|due| due.date(stamp.now.date_naive())),
        title: command.title,
        description: command.description,
        state: State::Open,
        priority: command.priority,
        kind: command.kind,
        labels: command.labels,
        assignees: command.assignees,
        milestone: command.milestone,
        relations: Vec::new(),
        target_repo: command.target_repo,
        backend: backend.to_owned(),
        url: None,
        origin: command.origin,
        review: if command.review_required { Review::Pending } else { Review::None },
        claim: None,
        version: 1,
        created_at: stamp.now,
        updated_at: stamp.now,
        archived_at: None,
    };
    let event = Event {
        issue_id: issue.id,
        seq: 1,
        id: stamp.nth(1),
        kind: EventKind::Created,
        actor: cause.actor.clone(),
        at: stamp.now,
        trace: cause.trace.clone(),
        detail: EventDetail::of(&issue),
    };
    let change = Change { events: vec![event], ..Change::of(IssueWrite::Insert { issue: Box::new(issue), dedupe }) };
    review::ask_if_pending(change, cause, stamp)
}

/// The new issue as one that stands so to others.
#[must_use]
pub fn related(mut change: Change, relations: Vec<IssueRelation>) -> Change {
    if let IssueWrite::Insert { issue, .. } = &mut change.write {
        issue.relations = relations;
    }
    change
}

/// The new issue as one that goes where the note says, and is held by that kind of backend.
#[must_use]
pub fn routed(mut change: Change, backend: &str, note: RouteNote) -> Change {
    if let IssueWrite::Insert { issue, .. } = &mut change.write {
        backend.clone_into(&mut issue.backend);
        for event in &mut change.events {
            event.detail.snapshot = IssueSnapshot::of(issue);
        }
    }
    if let Some(created) = change.events.first_mut() {
        created.detail.route = Some(note);
    }
    change
}
