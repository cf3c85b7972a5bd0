//! A webhook delivery: it says that an issue changed, never the change itself.

use chrono::{DateTime, Utc};

use crate::domain::base::vocabulary::vocabulary;
use crate::domain::tracker::Project;

vocabulary! {
    DeliverySubjectKind {
        /// The issue, or what was said on it.
        Changed = "changed",
        /// Said to be gone: to be proved by a whole list.
        Deleted = "deleted",
    }
}

/// One issue that a delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySubject {
    pub kind: DeliverySubjectKind,
    /// What the delivery says of the project; a part that it does not name is empty.
    pub place: Project,
    /// The API's id of the issue within its project.
    pub remote_id: String,
}

/// A delivery that was let in, about to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    pub backend: String,
    /// The vendor's name of the delivery, or a digest where it has none: a repeat is not kept again.
    pub delivery: String,
    pub event: String,
    pub received_at: DateTime<Utc>,
    /// As it came.
    pub body: Vec<u8>,
    /// None: it is about nothing that is followed here (a ping, a push of code).
    pub hint: Option<DeliverySubject>,
}

/// Deliveries that were followed, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveriesDone {
    pub ids: Vec<i64>,
    pub at: DateTime<Utc>,
}

/// A delivery that waits to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    pub id: i64,
    pub backend: String,
    pub received_at: DateTime<Utc>,
    pub hint: DeliverySubject,
}

impl DeliveriesDone {
    /// Both as one; the later moment is that of all.
    #[must_use]
    pub(in crate::domain) fn and(mut self, next: Self) -> Self {
        self.ids.extend(next.ids);
        Self { at: self.at.max(next.at), ..self }
    }
}
