//! What a tracker is asked to hold ([`Draft`]), what it holds ([`Remote`]), and what of an issue it can carry.
//!
//! Nothing here knows any tracker: what differs between them is in [`Capabilities`] (what one can do) and [`Terms`] (how it is
//! set up). Whatever is not carried whole is said in a [`Loss`], by the function that leaves it out ([`fit`]).

mod around;
mod body;
mod budget;
mod capability;
mod draft;
mod fit;
mod glob;
mod link;
mod names;
mod note;
mod place;
mod remote;
mod route;
mod set;

pub use around::{RelationTargets, LinkSummary};
pub use body::{Marker, Markup, TextRules, defused, first_part, parts};
pub use budget::{BudgetWindow, expected};
pub use capability::{AssigneeSupport, Capabilities, CarriedAs, MilestoneSupport};
pub use draft::{Draft, DraftEdit};
pub use fit::{FittedDraft, Loss, LossField, LossKind, BackendTerms, beyond_first, fit, fit_comment, label_there, without_footer};
pub use glob::Glob;
pub use link::{CommentLink, CommentLinkWrite, Sighting, Link, LinkOrigin, LinkState, CommentSlot};
pub use names::{LabelNames, LabelReading, UserMap};
pub use note::{LinkNote, LossNote, RouteNote};
pub use place::{Project, ProjectField, ProjectTemplate};
pub use remote::{RemotePage, RemoteIssue, RemoteComment, RemoteRef};
pub use route::{ConsideredRule, RouteDestination, ProjectDefaults, LOCAL, RouteDecision, RouteTable, RouteRule, RuleName, RouteCondition, route};
pub use set::{RemoteRelation, SetElement, SetChange, has};

use super::vocabulary::vocabulary;

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
