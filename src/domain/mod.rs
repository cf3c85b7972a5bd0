//! Pure values and rules: what an issue is, what may happen to it, and what must be written when it does.
//!
//! No async, no IO, no clock, no SQL, no HTTP: time and ids come in as a [`Stamp`]. To add a rule, start in
//! [`decide`]; to add a field, start in [`issue`] and follow the compiler.

pub mod action;
pub mod attempt;
pub mod backoff;
pub mod breaker;
pub mod change;
pub mod comment;
pub mod create;
pub mod decide;
pub mod dedupe;
pub mod event;
pub mod facet;
pub mod fault;
pub mod find;
pub mod id;
pub mod input;
pub mod issue;
pub mod message;
pub mod notice;
pub mod patch;
pub mod progress;
pub mod query;
pub mod quota;
pub mod record;
pub mod relation;
pub mod search;
pub mod stamp;
pub mod sync;
pub mod text;
pub mod tracker;
pub mod verdict;
pub mod vocabulary;

pub use action::{
    ApproveSpec, BlockSpec, ClaimSpec, CloseSpec, CommentSpec, DiscardSpec, NoSpec, RejectSpec, ReleaseSpec, RetrySpec, WebhookSpec,
};
pub use attempt::{Attempt, AttemptOutcome};
pub use change::{Change, CommentWrite, Hold, IssueWrite, Settle};
pub use comment::Comment;
pub use create::{CreateIssue, TaskSpec};
pub use dedupe::{Dedupe, DedupeKey, Fingerprint, GivenKeys};
pub use event::{Event, EventKind, FieldChange, IssueSnapshot};
pub use fault::{Fault, Faults};
pub use id::{CommentId, IssueId, IssueNumber, IssueRef};
pub use issue::{Claim, Issue, Review, State, TaskOrigin};
pub use message::{Lease, Message, MessageKind, MessageState, NewMessage, QueuePosition};
pub use notice::Notice;
pub use patch::PatchSpec;
pub use progress::Progress;
pub use relation::{IssueRelation, Relation, RelationEnd, TrackerKey};
pub use stamp::Stamp;
pub use verdict::Verdict;
pub use vocabulary::{CloseReason, Kind, Priority, ReviewState, Scope, SourceType, StateName};
