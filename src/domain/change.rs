//! Everything one transaction must write. If a [`Change`] cannot say something, give it a field.

use super::event::Event;
use super::issue::Issue;
use super::sync::{ConflictWrite, DeliveriesDone, SyncProgress};
use super::tracker::{CommentLinkWrite, Link, Sighting};
use crate::domain::base::id::{CommentId, IssueId};
use crate::domain::filing::dedupe::Dedupe;
use crate::domain::issue::comment::Comment;
use crate::domain::queue::message::{Hold, NewMessage, Settle};

/// One decision, to be written whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub write: IssueWrite,
    pub events: Vec<Event>,
    pub comments: Vec<CommentWrite>,
    pub messages: Vec<NewMessage>,
    /// The links to trackers in their new state.
    pub links: Vec<Link>,
    pub comment_links: Vec<CommentLinkWrite>,
    /// What lists said of issues that are linked.
    pub heard: Vec<Sighting>,
    pub conflicts: Vec<ConflictWrite>,
    /// Deliveries that were followed.
    pub hooks_done: Option<DeliveriesDone>,
    /// How far a binding is, under the proof that it is ours: nothing of this change is written when that was lost.
    pub progress: Option<SyncProgress>,
    /// A claimed message on whose behalf this is written. If the lease is lost, nothing is written.
    /// The message stays.
    pub held: Option<Hold>,
    /// The claimed message that this change finishes. The same transaction settles it. If the lease
    /// is lost, nothing is written.
    pub settles: Option<Settle>,
}

/// What happens to the issue's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueWrite {
    /// Nothing: the change is about messages only.
    None,
    Insert {
        issue: Box<Issue>,
        dedupe: Option<Dedupe>,
    },
    /// Only if the row still has the version the decision was taken on.
    Update {
        issue: Box<Issue>,
        read_version: i64,
    },
    /// The row with all that hangs on it, for good.
    Delete {
        id: IssueId,
        read_version: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommentWrite {
    Add(Comment),
    Edit(Comment),
    Delete(CommentId),
}

impl Change {
    /// A change of that issue's row, and nothing else yet.
    #[must_use]
    pub const fn of(write: IssueWrite) -> Self {
        Self {
            write,
            events: Vec::new(),
            comments: Vec::new(),
            messages: Vec::new(),
            links: Vec::new(),
            comment_links: Vec::new(),
            heard: Vec::new(),
            conflicts: Vec::new(),
            hooks_done: None,
            progress: None,
            held: None,
            settles: None,
        }
    }

    /// Nothing but the end of a message, and the messages that follow from it.
    #[must_use]
    pub fn settling(settle: Settle, messages: Vec<NewMessage>) -> Self {
        Self { messages, settles: Some(settle), ..Self::of(IssueWrite::None) }
    }

    /// Queues a dispatch message for every event of this change.
    pub fn announce(&mut self) {
        self.messages.extend(self.events.iter().map(NewMessage::dispatch));
    }

    /// Whether there is nothing in it to be written.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::of(IssueWrite::None)
    }

    /// At most how far a binding is, and nothing else.
    #[must_use]
    pub fn is_progress(&self) -> bool {
        *self == Self { progress: self.progress.clone(), ..Self::of(IssueWrite::None) }
    }

    /// The issue as it will be, where the change writes one.
    #[must_use]
    pub fn issue(&self) -> Option<&Issue> {
        match &self.write {
            IssueWrite::Insert { issue, .. } | IssueWrite::Update { issue, .. } => Some(issue),
            IssueWrite::None | IssueWrite::Delete { .. } => None,
        }
    }

    /// Both changes as one. `next` was decided on the issue as this one leaves it.
    #[must_use]
    pub(super) fn followed_by(mut self, next: Self) -> Self {
        self.write = match (self.write, next.write) {
            (IssueWrite::None, later) => later,
            (IssueWrite::Insert { dedupe, .. }, IssueWrite::Update { issue, .. }) => IssueWrite::Insert { issue, dedupe },
            (IssueWrite::Update { read_version, .. }, IssueWrite::Update { issue, .. }) => IssueWrite::Update { issue, read_version },
            (IssueWrite::Update { read_version, .. }, IssueWrite::Delete { id, .. }) => IssueWrite::Delete { id, read_version },
            (earlier, IssueWrite::None) => earlier,
            // An issue is inserted once, one that was never written is not deleted, and nothing follows a deletion.
            (earlier @ IssueWrite::Insert { .. }, IssueWrite::Insert { .. } | IssueWrite::Delete { .. })
            | (earlier @ IssueWrite::Update { .. }, IssueWrite::Insert { .. })
            | (earlier @ IssueWrite::Delete { .. }, IssueWrite::Insert { .. } | IssueWrite::Update { .. } | IssueWrite::Delete { .. }) => {
                earlier
            }
        };
        self.events.extend(next.events);
        self.comments.extend(next.comments);
        self.messages.extend(next.messages);
        self.links.extend(next.links);
        self.comment_links.extend(next.comment_links);
        self.heard.extend(next.heard);
        self.conflicts.extend(next.conflicts);
        self.hooks_done = match (self.hooks_done, next.hooks_done) {
            (Some(earlier), Some(later)) => Some(earlier.and(later)),
            (earlier, later) => later.or(earlier),
        };
        self.progress = next.progress.or(self.progress);
        self.held = self.held.or(next.held);
        self.settles = self.settles.or(next.settles);
        self
    }
}
