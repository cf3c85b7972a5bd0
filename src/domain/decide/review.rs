//! The review queue: a pending issue is not sent to a tracker before an operator approves it.

use super::{Cause, Decision, Refusal, edit, in_turn, not_archived, step};
use crate::domain::base::stamp::Stamp;
use crate::domain::base::vocabulary::{CloseReason, ReviewState};
use crate::domain::change::Change;
use crate::domain::event::EventKind;
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::{Issue, Review, State};

/// Appends the review request to a change that puts an issue into the queue. It is an event of its
/// own, so a sink needs no other event.
pub(super) fn ask_if_pending(change: Change, cause: &Cause, stamp: Stamp) -> Change {
    let Some(issue) = change.issue().filter(|issue| issue.review.state() == ReviewState::Pending) else { return change };
    let asked = step(issue, EventKind::ReviewRequested, cause, stamp.from_nth(1), |_, _| {});
    change.followed_by(asked)
}

/// Pending → approved.
pub fn approve(issue: &Issue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    match &issue.review {
        Review::Approved => Ok(None),
        Review::Pending => Ok(Some(step(issue, EventKind::ReviewApproved, cause, stamp, |issue, _| issue.review = Review::Approved))),
        Review::None | Review::Rejected { .. } => Err(not_in_queue(issue)),
    }
}

/// [`approve`] with the edit that makes it acceptable.
pub fn edit_and_approve(issue: &Issue, changes: EditIssue, cause: &Cause, stamp: Stamp) -> Decision {
    in_turn(issue, stamp, |issue, stamp| edit(issue, changes, cause, stamp), |issue, stamp| approve(issue, cause, stamp))
}

/// Pending → rejected, and closed as not planned.
pub fn reject(issue: &Issue, reason: String, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    match &issue.review {
        Review::Rejected { .. } => Ok(None),
        Review::Pending => Ok(Some(step(issue, EventKind::ReviewRejected, cause, stamp, |issue, detail| {
            detail.reason = Some(reason.clone());
            issue.review = Review::Rejected { reason };
            issue.state = State::Closed { reason: CloseReason::NotPlanned, at: stamp.now };
        }))),
        Review::None | Review::Approved => Err(not_in_queue(issue)),
    }
}

fn not_in_queue(issue: &Issue) -> Refusal {
    Refusal::new("not_pending", format!("issue #{} is not waiting for review (its review is {})", issue.number, issue.review.state()))
}
