//! Changes of sets in a tracker: elements to add and to remove, so that elements that others added
//! stay.

use serde::{Deserialize, Serialize};

use crate::domain::base::text::fold;
use crate::domain::issue::relation::Relation;

/// Whether two elements are one.
pub trait SetElement: Clone {
    fn same(&self, other: &Self) -> bool;
}

/// Case does not count.
impl SetElement for String {
    fn same(&self, other: &Self) -> bool {
        fold(self) == fold(other)
    }
}

/// The relation of a remote issue to another issue of the same tracker, by its display name
/// ([`RemoteRef::key`](super::RemoteRef)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRelation {
    pub relation: Relation,
    pub key: String,
}

impl SetElement for RemoteRelation {
    fn same(&self, other: &Self) -> bool {
        self.relation == other.relation && self.key.same(&other.key)
    }
}

/// What to add to a set and what to take out of it; what others put in stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetChange<T = String> {
    pub add: Vec<T>,
    pub remove: Vec<T>,
}

impl<T: SetElement> SetChange<T> {
    /// `None` where nothing changed.
    #[must_use]
    pub fn between(before: &[T], after: &[T]) -> Option<Self> {
        let missing = |from: &[T], of: &[T]| -> Vec<T> { of.iter().filter(|item| !has(from, item)).cloned().collect() };
        let change = Self { add: missing(before, after), remove: missing(after, before) };
        (!change.add.is_empty() || !change.remove.is_empty()).then_some(change)
    }

    /// The set `there` after the change.
    #[must_use]
    pub fn applied_to(&self, there: &[T]) -> Vec<T> {
        let mut after: Vec<T> = there.iter().filter(|item| !has(&self.remove, item)).cloned().collect();
        for item in &self.add {
            if !has(&after, item) {
                after.push(item.clone());
            }
        }
        after
    }
}

/// Whether it is among them.
pub fn has<T: SetElement>(set: &[T], item: &T) -> bool {
    set.iter().any(|other| other.same(item))
}
