//! Pure values and rules: what an issue is, what may happen to it, and what must be written when it does.
//!
//! No async, no IO, no clock, no SQL, no HTTP: time and ids come in as a [`Stamp`]. To add a rule, start in
//! [`decide`]; to add a field, start in [`issue`] and follow the compiler.

pub mod base;
pub mod change;
pub mod decide;
pub mod event;
pub mod export;
pub mod filing;
pub mod find;
pub mod issue;
pub mod queue;
pub mod request;
pub mod sync;
pub mod tracker;

pub use base::fault::{Fault, Faults};
pub use base::id::{CommentId, IssueId, IssueNumber, IssueRef};
pub use base::stamp::Stamp;
pub use base::vocabulary::{CloseReason, Kind, Priority, ReviewState, Scope, SourceType, StateName};
pub use change::{Change, CommentWrite, IssueWrite};
pub use event::notice::Notice;
pub use event::progress::Progress;
pub use event::{Event, EventKind, FieldChange, IssueSnapshot};
pub use filing::dedupe::{Dedupe, DedupeKey, Fingerprint, GivenKeys};
pub use issue::comment::Comment;
pub use issue::create::CreateIssue;
pub use issue::relation::{IssueRelation, Relation, RelationEnd, TrackerKey};
pub use issue::{Claim, Issue, Review, State, TaskOrigin};
pub use queue::attempt::{Attempt, AttemptOutcome};
pub use queue::message::{Hold, Lease, Message, MessageKind, MessageState, NewMessage, QueuePosition, Settle};
pub use queue::verdict::Verdict;
pub use request::action::{
    ApproveSpec, BlockSpec, ClaimSpec, CloseSpec, CommentSpec, DiscardSpec, NoSpec, RejectSpec, ReleaseSpec, RetrySpec, WebhookSpec,
};
pub use request::create::TaskSpec;
pub use request::edit::PatchSpec;
