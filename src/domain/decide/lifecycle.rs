//! From open to closed and back, into the archive and out of it.

use super::{Cause, Decision, Refusal, add_comment, in_turn, not_archived, not_pending, review, step};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::vocabulary::{CloseReason, ReviewState};
use crate::domain::change::{Change, IssueWrite};
use crate::domain::event::EventKind;
use crate::domain::issue::{Issue, Review, State};

/// Work begins: open → in progress.
pub fn start(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    not_pending(issue)?;
    match &issue.state {
        State::InProgress => Ok(None),
        State::Open => Ok(Some(step(issue, EventKind::Started, cause, stamp, |issue, _| issue.state = State::InProgress))),
        State::Blocked { .. } => Err(Refusal::new("issue_blocked", format!("issue #{} is blocked; unblock it first", issue.number))),
        State::Closed { .. } => Err(closed(issue)),
    }
}

/// Work cannot go on, and why. Blocking a blocked issue again replaces the reason and keeps its age.
pub fn block(issue: &Issue, reason: String, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    not_pending(issue)?;
    let (since, was_started) = match &issue.state {
        State::Blocked { reason: old, .. } if *old == reason => return Ok(None),
        State::Blocked { since, was_started, .. } => (*since, *was_started),
        State::Open => (stamp.now, false),
        State::InProgress => (stamp.now, true),
        State::Closed { .. } => return Err(closed(issue)),
    };
    Ok(Some(step(issue, EventKind::Blocked, cause, stamp, |issue, detail| {
        detail.reason = Some(reason.clone());
        issue.state = State::Blocked { reason, since, was_started };
    })))
}

/// Back to what it was doing before it was blocked.
pub fn unblock(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    match &issue.state {
        State::Open | State::InProgress => Ok(None),
        State::Blocked { was_started, .. } => {
            let back = if *was_started { State::InProgress } else { State::Open };
            Ok(Some(step(issue, EventKind::Unblocked, cause, stamp, |issue, _| issue.state = back)))
        }
        State::Closed { .. } => Err(closed(issue)),
    }
}

/// The end, from any state. Its claim ends with it.
pub fn close(issue: &Issue, reason: CloseReason, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    not_pending(issue)?;
    match &issue.state {
        State::Closed { reason: old, .. } if *old == reason => Ok(None),
        State::Closed { reason: old, .. } => {
            Err(Refusal::new("issue_closed", format!("issue #{} is already closed as {old}; reopen it first", issue.number)))
        }
        State::Open | State::InProgress | State::Blocked { .. } => {
            Ok(Some(step(issue, EventKind::Closed, cause, stamp, |issue, detail| {
                detail.reason = Some(reason.to_string());
                issue.state = State::Closed { reason, at: stamp.now };
                issue.claim = None;
            })))
        }
    }
}

/// [`close`] with a comment. Closing a closed issue repeats no comment, so the request can be sent
/// again.
pub fn close_saying(issue: &Issue, reason: CloseReason, comment: String, cause: &Cause, stamp: Stamp) -> Decision {
    if close(issue, reason, cause, stamp)?.is_none() {
        return Ok(None);
    }
    in_turn(
        issue,
        stamp,
        |issue, stamp| add_comment(issue, comment, cause, stamp).map(|(_, change)| Some(change)),
        |issue, stamp| close(issue, reason, cause, stamp),
    )
}

/// Closed → open. What was rejected in review waits for a new decision.
pub fn reopen(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    match &issue.state {
        State::Open | State::InProgress | State::Blocked { .. } => Ok(None),
        State::Closed { .. } => {
            let change = step(issue, EventKind::Reopened, cause, stamp, |issue, _| {
                issue.state = State::Open;
                if issue.review.state() == ReviewState::Rejected {
                    issue.review = Review::Pending;
                }
            });
            Ok(Some(review::ask_if_pending(change, cause, stamp)))
        }
    }
}

/// Out of sight, but kept: the row can be restored.
pub fn archive(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    if issue.archived_at.is_some() {
        return Ok(None);
    }
    Ok(Some(step(issue, EventKind::Archived, cause, stamp, |issue, _| {
        issue.archived_at = Some(stamp.now);
        issue.claim = None;
    })))
}

/// Out of the archive, as it was.
pub fn restore(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    if issue.archived_at.is_none() {
        return Ok(None);
    }
    Ok(Some(step(issue, EventKind::Restored, cause, stamp, |issue, _| issue.archived_at = None)))
}

/// Gone for good, history and all: only where no tracker holds a copy.
pub fn delete(issue: &Issue, local_backend: bool) -> Result<Change, Refusal> {
    if !local_backend {
        return Err(Refusal::new(
            "not_local",
            format!("issue #{} lives in {}; only issues of the local store can be deleted for good", issue.number, issue.backend),
        ));
    }
    Ok(Change::of(IssueWrite::Delete { id: issue.id, read_version: issue.version }))
}

pub(super) fn closed(issue: &Issue) -> Refusal {
    Refusal::new("issue_closed", format!("issue #{} is closed; reopen it first", issue.number))
}
