//! Changing what an issue says.

use super::{Cause, Decision, Refusal, not_archived, step};
use crate::domain::base::stamp::Stamp;
use crate::domain::event::EventKind;
use crate::domain::issue::Issue;
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::relation;

/// Closed issues may be edited too: a wrong label on a closed issue is still wrong.
pub fn edit(issue: &Issue, edit: EditIssue, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    if edit.relations.iter().any(|set| relation::issues(set).any(|id| id == issue.id)) {
        return Err(Refusal::new("relation_to_itself", format!("issue #{} cannot stand in a relation to itself", issue.number)));
    }
    let mut wished = issue.clone();
    edit.apply(&mut wished);
    if wished == *issue {
        return Ok(None);
    }
    Ok(Some(step(issue, EventKind::Edited, cause, stamp, |issue, _| *issue = wished)))
}
