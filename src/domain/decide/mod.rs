//! The rules: a state, a request and a moment in, a [`Change`] out. Every entrance calls these
//! functions.
//!
//! A decision answers `None` when the issue is already as requested (nothing is written, no event
//! is emitted), and a [`Refusal`] when the state forbids the request. To add a rule: a function
//! here or in the file of its subject, and its line in the property test.

mod bulk;
mod claim;
mod comment;
mod create;
mod edit;
mod lifecycle;
mod link;
mod remote;
mod review;

pub use bulk::{BulkChange, SetWish, StateWish, change_one_of_many};
pub use claim::{claim, release};
pub use comment::{add_comment, delete_comment, edit_comment};
pub use create::{NewIssue, create};
pub use edit::edit;
pub use lifecycle::{archive, block, close, close_saying, delete, reopen, restore, start, unblock};
pub use link::link;
pub use remote::{
    RemoteChanges, add_remote_comment, adopt, apply_remote, archive_duplicate, delete_remote_comment, edit_remote_comment, remote_gone,
    resolve,
};
pub use review::{approve, edit_and_approve, reject};

use super::change::{Change, IssueWrite};
use super::event::{self, Event, EventDetail, EventKind, IssueSnapshot};
use super::issue::Issue;
use crate::domain::base::stamp::Stamp;
use crate::domain::base::vocabulary::ReviewState;

/// The actor of a request, and its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub actor: String,
    pub trace: Option<String>,
}

/// The state forbids the request. `code` is stable; the message says what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub(in crate::domain) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What a decision comes to: a change, nothing to do, or no.
pub type Decision = Result<Option<Change>, Refusal>;

/// One step from `before`: raises the version, moves the time on, and records what differs.
fn step(before: &Issue, kind: EventKind, cause: &Cause, stamp: Stamp, mutate: impl FnOnce(&mut Issue, &mut EventDetail)) -> Change {
    let mut issue = before.clone();
    let mut detail = EventDetail::of(before);
    mutate(&mut issue, &mut detail);
    issue.version = before.version + 1;
    // A clock set back must not make an edit look older than what it edits.
    issue.updated_at = stamp.now.max(before.updated_at);
    detail.snapshot = IssueSnapshot::of(&issue);
    detail.changes = event::diff(before, &issue);
    let event = Event {
        issue_id: issue.id,
        seq: issue.version,
        id: stamp.nth(1),
        kind,
        actor: cause.actor.clone(),
        at: issue.updated_at,
        trace: cause.trace.clone(),
        detail,
    };
    Change { events: vec![event], ..Change::of(IssueWrite::Update { issue: Box::new(issue), read_version: before.version }) }
}

/// One decision after the other, written as one change: the second is taken on what the first leaves.
fn in_turn(
    issue: &Issue,
    stamp: Stamp,
    first: impl FnOnce(&Issue, Stamp) -> Decision,
    second: impl FnOnce(&Issue, Stamp) -> Decision,
) -> Decision {
    /// More than any one decision gives away.
    const IDS_OF_A_DECISION: u32 = 8;
    let Some(first) = first(issue, stamp)? else { return second(issue, stamp) };
    let second = second(first.issue().unwrap_or(issue), stamp.from_nth(IDS_OF_A_DECISION))?;
    Ok(Some(match second {
        Some(second) => first.followed_by(second),
        None => first,
    }))
}

fn not_archived(issue: &Issue) -> Result<(), Refusal> {
    if issue.archived_at.is_some() {
        return Err(Refusal::new("issue_archived", format!("issue #{} is archived; restore it first", issue.number)));
    }
    Ok(())
}

fn not_pending(issue: &Issue) -> Result<(), Refusal> {
    if issue.review.state() == ReviewState::Pending {
        return Err(Refusal::new("review_pending", format!("issue #{} waits for review; approve or reject it first", issue.number)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
