//! A new issue.

use super::{Cause, review};
use crate::domain::base::stamp::Stamp;
use crate::domain::change::{Change, IssueWrite};
use crate::domain::event::{Event, EventDetail, EventKind};
use crate::domain::filing::dedupe::Dedupe;
use crate::domain::issue::Issue;
use crate::domain::tracker::RouteNote;

/// The inputs of the decision about a creation.
#[derive(Debug)]
pub struct NewIssue {
    pub issue: Issue,
    /// The dedupe key by which a repeated task is recognised.
    pub dedupe: Option<Dedupe>,
    /// The route of the issue; `None` where no tracker is configured.
    pub route: Option<RouteNote>,
}

/// The issue, its first event and its dedupe key. An issue that needs review has a second event: it enters the queue.
#[must_use]
pub fn create(new: NewIssue, cause: &Cause, stamp: Stamp) -> Change {
    let NewIssue { issue, dedupe, route } = new;
    let event = Event {
        issue_id: issue.id,
        seq: 1,
        id: stamp.nth(1),
        kind: EventKind::Created,
        actor: cause.actor.clone(),
        at: stamp.now,
        trace: cause.trace.clone(),
        detail: EventDetail { route, ..EventDetail::of(&issue) },
    };
    let change = Change { events: vec![event], ..Change::of(IssueWrite::Insert { issue: Box::new(issue), dedupe }) };
    review::ask_if_pending(change, cause, stamp)
}
