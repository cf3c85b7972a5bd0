//! The loss report: which fields of an issue a tracker carries in part or not at all, and why.

use serde::{Deserialize, Serialize};

use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// What of an issue a tracker may fail to carry.
    LossField {
        Title = "title", Description = "description", State = "state", CloseReason = "close_reason", Priority = "priority", Kind = "kind",
        Labels = "labels", Assignees = "assignees", Milestone = "milestone", DueOn = "due_on", Relations = "relations", Comments = "comments",
    }
}

vocabulary! {
    /// How much of it.
    LossKind {
        /// It is there in another form, or a part of it.
        Degraded = "degraded",
        /// It is not there.
        Dropped = "dropped",
    }
}

/// One field that the tracker does not carry whole. The answer and the timeline report it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    pub field: LossField,
    pub loss: LossKind,
    pub why: String,
}

/// The losses found so far.
#[derive(Debug, Default)]
pub(super) struct LossList(pub(super) Vec<Loss>);

impl LossList {
    pub(super) fn add(&mut self, field: LossField, loss: LossKind, why: impl Into<String>) {
        self.0.push(Loss { field, loss, why: why.into() });
    }
}
