//! How an issue here and the same issue in a tracker come to agree again. Pure.
//!
//! Both sides change on their own. What they last agreed on, the base, tells which of them changed what: an unchanged side yields,
//! sets and texts are merged, and only a true clash is a conflict, which is kept as a record. Everything is compared in the
//! tracker's own words ([`Draft`](super::tracker::Draft)), so that what it cannot carry is no difference. To add a field: its word
//! in [`Field`](super::tracker::Field), its line in `comparable` and in `merge`.

mod binding;
mod comment;
mod comparable;
mod conflict;
mod cursor;
mod edition;
mod merge;
mod stored_delivery;
mod taken;

pub use binding::{AdoptFilter, Binding, BindingSource, BindingState, Direction, MAX_BINDING_NAME, Owner, StateFilter, Strategy};
pub use comment::{CommentOutcome, comment_outcome};
pub use comparable::{comparable_base, comparable_local, comparable_remote, quoted_author, without_our_signature};
pub use conflict::{Conflict, ConflictCause, ConflictFilter, ConflictNote, ConflictState, ConflictWrite, Resolution};
pub use cursor::{Pass, SyncCounts, SyncCursor, SyncProgress, SyncRunRecord};
pub use edition::edition;
pub use merge::{FieldConflict, MergeRules, Merged, TakenFields, TakenText, merge, merged_text};
pub use stored_delivery::{DeliveriesDone, DeliverySubject, DeliverySubjectKind, NewDelivery, StoredDelivery};
pub use taken::{adopted, words};
