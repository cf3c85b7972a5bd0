//! Remarks: each is an event of its issue too.

use chrono::TimeDelta;

use super::{Cause, Decision, Refusal, not_archived, step};
use crate::domain::base::id::CommentId;
use crate::domain::base::stamp::Stamp;
use crate::domain::change::{Change, CommentWrite};
use crate::domain::event::EventKind;
use crate::domain::issue::Issue;
use crate::domain::issue::comment::Comment;

pub fn add_comment(issue: &Issue, body: String, cause: &Cause, stamp: Stamp) -> Result<(Comment, Change), Refusal> {
    not_archived(issue)?;
    let comment =
        Comment { id: CommentId(stamp.id), issue_id: issue.id, author: cause.actor.clone(), body, created_at: stamp.now, edited_at: None };
    let mut change = step(issue, EventKind::CommentAdded, cause, stamp, |_, detail| detail.comment_id = Some(comment.id));
    change.comments.push(CommentWrite::Add(comment.clone()));
    Ok((comment, change))
}

pub fn edit_comment(issue: &Issue, comment: &Comment, body: String, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    if comment.body == body {
        return Ok(None);
    }
    // Later than before even when the clock was set back: the time is the name of the edition.
    let edited_at = stamp.now.max(comment.written_at() + TimeDelta::microseconds(1));
    let edited = Comment { body, edited_at: Some(edited_at), ..comment.clone() };
    let mut change = step(issue, EventKind::CommentEdited, cause, stamp, |_, detail| detail.comment_id = Some(comment.id));
    change.comments.push(CommentWrite::Edit(edited));
    Ok(Some(change))
}

pub fn delete_comment(issue: &Issue, comment: CommentId, cause: &Cause, stamp: Stamp) -> Decision {
    not_archived(issue)?;
    let mut change = step(issue, EventKind::CommentDeleted, cause, stamp, |_, detail| detail.comment_id = Some(comment));
    change.comments.push(CommentWrite::Delete(comment));
    Ok(Some(change))
}
