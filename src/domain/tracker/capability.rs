//! What a tracker can do. Said by each tracker of itself, and held to by the contract suite: a capability that is claimed is
//! exercised, one that is not claimed is never asked for.

use super::budget::BudgetWindow;
use super::defuse::Markup;
use crate::domain::issue::relation::Relation;

/// How something of an issue lies in a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarriedAs {
    /// In a field of its own.
    Natively,
    /// As a label with a configured name ([`LabelNames`](super::LabelNames)). Needs [`Capabilities::labels`].
    ByLabel,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssigneeSupport {
    Many,
    /// The first of them only.
    One,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilestoneSupport {
    /// One that is missing is made.
    Made,
    /// Only one that is there already; another is refused or left out there.
    Existing,
    Not,
}

/// The truth about one tracker as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own, asked by name")]
pub struct Capabilities {
    /// `in_progress` and `blocked`; open and closed are had by all.
    pub states: CarriedAs,
    /// Why an issue was closed.
    pub close_reasons: bool,
    pub priority: CarriedAs,
    pub kind: CarriedAs,
    pub labels: bool,
    /// The longest label, in characters.
    pub label_limit: Option<usize>,
    /// Characters that no label may hold (a separator there).
    pub label_bars: &'static [char],
    pub milestones: MilestoneSupport,
    pub assignees: AssigneeSupport,
    pub due_dates: bool,
    /// Which relations between its issues it holds, and returns when one issue is read.
    pub relations: &'static [Relation],
    pub comments: bool,
    pub comment_edits: bool,
    pub comment_deletes: bool,
    /// Issues can be removed for good.
    pub deletes: bool,
    pub webhooks: bool,
    /// An update can fail when another client wrote first:
    /// [`RemoteIssue::version`](super::RemoteIssue) is then there.
    pub optimistic_lock: bool,
    /// The same creation sent twice makes one issue, without any looking up: the marker is the issue's id there.
    pub idempotent_create: bool,
    /// Characters.
    pub title_limit: usize,
    /// Characters of a body and of a comment; what is beyond goes into further comments.
    pub body_limit: Option<usize>,
    pub markup: Markup,
    /// What the vendor allows by default; the settings may say otherwise. Empty: no limit known.
    pub budget: &'static [BudgetWindow],
}
