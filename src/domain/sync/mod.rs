//! How an issue here and the same issue in a tracker come to agree again. Pure.
//!
//! Both sides change on their own. What they last agreed on, the base, tells which of them changed what: an unchanged side yields,
//! sets and texts are merged, and only a true clash is a conflict, which is kept as a record. Everything is compared in the
//! tracker's own words ([`Draft`](super::tracker::Draft)), so that what it cannot carry is no difference. To add a field: its word
//! in [`Field`], its line in `face` and in `merge`.

mod binding;
mod conflict;
mod cursor;
mod edition;
mod face;
mod hook;
mod merge;
mod spec;
mod take;
mod turns;

use super::vocabulary::vocabulary;

pub use binding::{AdoptFilter, Binding, BindingSource, BindingState, Direction, MAX_BINDING_NAME, Owner, StateFilter, Strategy};
pub use conflict::{Conflict, ConflictFilter, ConflictNote, ConflictState, ConflictWrite, Resolution};
pub use cursor::{SyncCounts, SyncCursor, Pass, SyncProgress, SyncRunRecord};
pub use edition::edition;
pub use face::{agreed_face, bare, bare_comment, our_face, said_by, their_face};
pub use hook::{DeliverySubject, DeliverySubjectKind, StoredDelivery, DeliveriesDone, NewDelivery};
pub use merge::{Merged, FieldConflict, MergeRules, TakenFields, TakenText, absorb, merged_text};
pub use spec::{
    BindingSpec, DEFAULT_AUDIT_EVERY, DEFAULT_EVERY, ConflictDecision, AdoptFilterSpec, MAX_EVERY, MAX_FILTER_LABELS, ResolveSpec, SyncSpec, SyncRequest,
};
pub use take::{adopted, words};
pub use turns::{FlipDirection, FieldFlips};

vocabulary! {
    /// What both sides hold of an issue.
    Field {
        Title = "title", Description = "description", State = "state", Priority = "priority", Kind = "kind", Labels = "labels",
        Assignees = "assignees", Milestone = "milestone", DueOn = "due_on", Relations = "relations", Comment = "comment",
    }
}
