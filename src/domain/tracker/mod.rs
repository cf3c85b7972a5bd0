//! What a tracker is asked to hold ([`Draft`]), what it holds ([`RemoteIssue`]), and what of an issue it can carry.
//!
//! Nothing here knows any tracker: what differs between them is in [`Capabilities`] (what one can
//! do) and [`BackendTerms`] (how it is set up). The function that leaves something out ([`fit()`])
//! reports it as a [`Loss`].

mod budget;
mod capability;
mod defuse;
mod draft;
mod field;
mod fit;
mod flips;
mod footer;
mod glob;
mod label_names;
mod link;
mod loss;
mod note;
mod project;
mod relation_targets;
mod remote;
mod route;
mod set;

pub use budget::{BudgetWindow, expected};
pub use capability::{AssigneeSupport, Capabilities, CarriedAs, MilestoneSupport};
pub use defuse::{Markup, TextRules, defused, first_part, parts};
pub use draft::{Draft, DraftEdit};
pub use field::Field;
pub use fit::{BackendTerms, FittedDraft, beyond_first, fit, fit_comment, label_there};
pub use flips::{FieldFlips, FlipDirection};
pub use footer::{Marker, without_footer, without_our_footer};
pub use glob::Glob;
pub use label_names::{LabelNames, LabelReading, UserMap};
pub use link::{CommentLink, CommentLinkWrite, CommentSlot, Link, LinkOrigin, LinkState, Sighting};
pub use loss::{Loss, LossField, LossKind};
pub use note::{LinkNote, LossNote, RouteNote};
pub use project::{Project, ProjectField, ProjectTemplate, leaves_its_folder};
pub use relation_targets::{LinkSummary, RelationTargets};
pub use remote::{RemoteComment, RemoteIssue, RemotePage, RemoteRef};
pub use route::{
    ConsideredRule, LOCAL, ProjectDefaults, RouteCondition, RouteDecision, RouteDestination, RouteRule, RouteTable, RuleName, route,
};
pub use set::{RemoteRelation, SetChange, SetElement, has};

use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// The kinds of trackers: what `kind` says in `[backends.NAME]`, and what an issue's `backend` says once it is there.
    TrackerKind {
        Gitea = "gitea",
        Forgejo = "forgejo",
        GitHub = "github",
        GitLab = "gitlab",
        Jira = "jira",
        Linear = "linear",
        AzureDevops = "azure_devops",
    }
}
