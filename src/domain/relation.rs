//! How one issue stands to another. A plain reference: nothing is drawn from it, and the other issue need not know of it.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What this issue is to the other one.
    Relation {
        Blocks = "blocks",
        BlockedBy = "blocked_by",
        Relates = "relates",
        Duplicates = "duplicates",
        /// The other one is the parent of this one, of which there is one at most.
        Parent = "parent",
    }
}
