//! The link between an issue and its remote issue, and its state.
//!
//! The order is the promise: `routed` → `intended` (written before the create is sent) → `linked`
//! (written when it is there). A creation whose answer was lost is `unknown`. From `intended` and
//! `unknown` the push searches for the marker before it creates anything.

use chrono::{DateTime, Utc};

use super::draft::Draft;
use super::project::Project;
use super::remote::RemoteRef;
use crate::domain::base::id::{CommentId, IssueId};
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::FieldFlips;
use uuid::Uuid;

vocabulary! {
    LinkState {
        /// Decided; nothing was sent, or what was sent was surely refused.
        Routed = "routed",
        /// A creation may be on its way.
        Intended = "intended",
        /// A creation was sent, and its answer was lost.
        Unknown = "unknown",
        /// It is there.
        Linked = "linked",
        /// It was there, and is gone for certain. Should it be seen again, it is linked again.
        Gone = "gone",
    }
}

vocabulary! {
    /// Where the issue was made first.
    LinkOrigin { Ours = "ours", Theirs = "theirs" }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub issue_id: IssueId,
    /// The backend's configured name.
    pub backend: String,
    /// The first is the one an issue reports as its own; mirrors follow.
    pub position: i16,
    pub place: Project,
    pub state: LinkState,
    /// When the first creation that may have got through was about to be sent.
    pub intended_at: Option<DateTime<Utc>>,
    pub remote: Option<RemoteRef>,
    /// The API's id before the issue moved. Only a link with this id may change to another remote
    /// issue.
    pub moved_from: Option<String>,
    /// The base: what was sent or taken last, field by field.
    pub base: Option<Draft>,
    pub origin: LinkOrigin,
    /// Which fields went which way lately.
    pub turns: FieldFlips,
    /// Since when every complete list lacks the remote issue, by our clock. Only [`Sighting`]
    /// writes it.
    pub heard: Option<String>,
    /// Since when it is absent from every whole list, by our clock. Written by [`Sighting`] alone.
    pub missing_at: Option<DateTime<Utc>>,
}

/// A list showed a linked issue. It changes these columns of the link and no others: the holder of
/// the lane writes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub issue_id: IssueId,
    pub backend: String,
    /// `None`: as it was.
    pub heard: Option<String>,
    pub missing_at: Option<DateTime<Utc>>,
}

/// What a remote comment holds: a part of an issue's body (from the second on), or a part of a
/// comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommentSlot {
    /// The issue's id or the comment's.
    pub subject: Uuid,
    /// Counted from 1; the first part of a body lies in the issue itself.
    pub part: u16,
}

/// The link between a comment (or a part of a long text) and its remote comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentLink {
    pub issue_id: IssueId,
    pub backend: String,
    pub slot: CommentSlot,
    pub state: LinkState,
    pub intended_at: Option<DateTime<Utc>>,
    /// What the API calls it there.
    pub remote_id: Option<String>,
    /// A digest of the text sent last: a repeat of the same text is not sent.
    pub pushed: Option<String>,
    /// The base: bare, in the tracker's form. Absent if the comment is not synced.
    pub base: Option<String>,
    /// Where the comment was created.
    pub origin: LinkOrigin,
}

/// A change of a comment link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommentLinkWrite {
    Set(CommentLink),
    Remove { issue_id: IssueId, backend: String, slot: CommentSlot },
}

impl CommentSlot {
    #[must_use]
    pub const fn of_body(issue: IssueId, part: u16) -> Self {
        Self { subject: issue.0, part }
    }

    #[must_use]
    pub const fn of_comment(comment: CommentId, part: u16) -> Self {
        Self { subject: comment.0, part }
    }
}
