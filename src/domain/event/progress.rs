//! The events that count as progress, as State Hub receives them.

use crate::domain::base::vocabulary::vocabulary;
use crate::domain::event::EventKind;

vocabulary! {
    /// Our event types for State Hub. None of them is one of its own (`task_*`, `workstream_*`,
    /// `decision_*`).
    Progress {
        Created = "issue_created",
        Started = "issue_started",
        Blocked = "issue_blocked",
        Unblocked = "issue_unblocked",
        Closed = "issue_closed",
        Reopened = "issue_reopened",
        ReviewPending = "issue_review_pending",
        ReviewDecided = "issue_review_decided",
        SyncConflict = "issue_sync_conflict",
    }
}

impl Progress {
    /// The word for what happened; most of what happens to an issue is no progress.
    #[must_use]
    pub const fn of(kind: EventKind) -> Option<Self> {
        Some(match kind {
            EventKind::Created => Self::Created,
            EventKind::Started => Self::Started,
            EventKind::Blocked => Self::Blocked,
            EventKind::Unblocked => Self::Unblocked,
            EventKind::Closed => Self::Closed,
            EventKind::Reopened => Self::Reopened,
            EventKind::ReviewRequested => Self::ReviewPending,
            EventKind::ReviewApproved | EventKind::ReviewRejected => Self::ReviewDecided,
            EventKind::SyncConflict => Self::SyncConflict,
            EventKind::Edited
            | EventKind::Claimed
            | EventKind::Released
            | EventKind::CommentAdded
            | EventKind::CommentEdited
            | EventKind::CommentDeleted
            | EventKind::Archived
            | EventKind::Restored
            | EventKind::Linked
            | EventKind::SyncSettled
            | EventKind::RemoteGone => return None,
        })
    }
}
