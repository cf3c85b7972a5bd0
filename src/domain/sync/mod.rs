//! How an issue and its remote issue are reconciled. Pure.
//!
//! Both sides change on their own. The base, the values that both had last, shows which side
//! changed a field. An unchanged side yields; sets and texts are merged; only a true conflict is
//! kept as a record. Values are compared in the tracker's own form
//! ([`Draft`](super::tracker::Draft)), so that a value it cannot carry is no difference. To add a
//! field: its word in [`Field`](super::tracker::Field), its line in `comparable` and in `merge`.

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
