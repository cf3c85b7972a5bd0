//! A new issue.

use super::{Cause, review};
use crate::domain::base::stamp::Stamp;
use crate::domain::change::{Change, IssueWrite};
use crate::domain::event::{Event, EventDetail, EventKind};
use crate::domain::filing::dedupe::Dedupe;
use crate::domain::issue::Issue;
use crate::domain::tracker::RouteNote;

/// Everything that a creation is decided on.
#[derive(Debug)]
pub struct NewIssue {
    pub issue: Issue,
    /// How the issue is recognised when its task is filed again.
    pub dedupe: Option<Dedupe>,
    /// Where the issue goes; `None` where there are no trackers.
    pub route: Option<RouteNote>,
}

/// The issue, its first event and its identity among repeats. An issue that needs review has a second event: it enters the queue.
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
