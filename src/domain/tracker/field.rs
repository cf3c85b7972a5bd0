//! The fields of an issue that both sides hold.

use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// What both sides hold of an issue.
    Field {
        Title = "title", Description = "description", State = "state", Priority = "priority", Kind = "kind", Labels = "labels",
        Assignees = "assignees", Milestone = "milestone", DueOn = "due_on", Relations = "relations", Comment = "comment",
    }
}
