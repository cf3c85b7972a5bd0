//! Claims: one holder of an issue at a time, for a limited time.

use chrono::TimeDelta;

use super::{Cause, Decision, Refusal, lifecycle, not_archived, not_pending, step};
use crate::domain::base::stamp::Stamp;
use crate::domain::event::EventKind;
use crate::domain::issue::{Claim, Issue, State};

/// Takes the issue for `lease`, or renews it for its holder. Any caller may take an expired claim.
pub fn claim(issue: &Issue, holder: &str, lease: TimeDelta, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    not_pending(issue)?;
    if matches!(issue.state, State::Closed { .. }) {
        return Err(lifecycle::closed(issue));
    }
    if let Some(held) = issue.live_claim(stamp.now).filter(|claim| claim.holder != holder) {
        return Err(Refusal::new("claimed", format!("issue #{} is claimed by {} until {}", issue.number, held.holder, held.until)));
    }
    let until = stamp.now + lease;
    Ok(Some(step(issue, EventKind::Claimed, cause, stamp, |issue, _| issue.claim = Some(Claim { holder: holder.to_owned(), until }))))
}

/// Gives the issue back. Releasing an issue without a claim changes nothing.
pub fn release(issue: &Issue, holder: &str, cause: &Cause, stamp: Stamp) -> Decision {
    if let Some(held) = issue.live_claim(stamp.now).filter(|claim| claim.holder != holder) {
        return Err(Refusal::new("claimed", format!("issue #{} is claimed by {}, not by {holder}", issue.number, held.holder)));
    }
    if issue.claim.is_none() {
        return Ok(None);
    }
    Ok(Some(step(issue, EventKind::Released, cause, stamp, |issue, _| issue.claim = None)))
}
