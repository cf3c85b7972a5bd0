//! Between Linear's JSON and ours. Pure.
//!
//! `in_progress` is a workflow state of the type `started`, with any name; `blocked` is a label, in
//! any state that is not closed. So the configured name of `in_progress` is not used.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid, Variant, Version};

use super::wire;
use crate::backend::{Resource, Workspace};
use crate::domain::base::text::fold;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{
    AssigneeSupport, Capabilities, CarriedAs, Draft, DraftEdit, LabelNames, Marker, Markup, MilestoneSupport, Project, RemoteComment,
    RemoteIssue, RemoteRef, SetChange, UserMap,
};
use crate::domain::{CloseReason, Priority, StateName};

/// Linear documents no limits of its texts: these are on the safe side.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    states: CarriedAs::ByLabel,
    close_reasons: true,
    priority: CarriedAs::Natively,
    kind: CarriedAs::ByLabel,
    labels: true,
    label_limit: Some(80),
    label_bars: &[],
    milestones: MilestoneSupport::Not,
    assignees: AssigneeSupport::One,
    due_dates: true,
    relations: &[Relation::Blocks, Relation::BlockedBy, Relation::Relates, Relation::Duplicates, Relation::Parent],
    comments: true,
    comment_edits: true,
    comment_deletes: true,
    deletes: true,
    webhooks: true,
    optimistic_lock: false,
    idempotent_create: true,
    title_limit: 255,
    body_limit: Some(100_000),
    markup: Markup { mentions: &['@'], references: &[], keys: true },
    budget: &[],
};

/// The id that something of ours has there. Linear asks for the shape of version 4; a further part has an id of its own.
pub(super) fn id(marker: &str) -> Option<String> {
    let (uuid, part) = marker.strip_prefix("issue-core:").map(|name| name.split_once('/').unwrap_or((name, "")))?;
    let ours: Uuid = uuid.parse().ok()?;
    let mut bytes = *ours.as_bytes();
    if !part.is_empty() {
        let digest = Sha256::new_with_prefix(ours.as_bytes()).chain_update(part).finalize();
        bytes.copy_from_slice(&digest[..16]);
    }
    Some(Builder::from_bytes(bytes).with_variant(Variant::RFC4122).with_version(Version::Random).into_uuid().to_string())
}

/// The id for a text that holds a marker: the first word of a line, so that a quotation is none.
pub(super) fn id_in(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| id(line.split_whitespace().next()?))
}

pub(super) fn id_of(marker: &Marker) -> Option<String> {
    id(marker.as_str())
}

/// The names that are used here.
pub(super) fn names(names: LabelNames) -> LabelNames {
    LabelNames { in_progress: String::new(), ..names }
}

/// 0 is none and 1 is urgent, which we do not have.
fn priority(priority: Priority) -> u8 {
    match priority {
        Priority::High => 2,
        Priority::Medium => 3,
        Priority::Low => 4,
    }
}

fn read_priority(number: f64) -> Option<Priority> {
    [(1.0, Priority::High), (2.0, Priority::High), (3.0, Priority::Medium), (4.0, Priority::Low)]
        .into_iter()
        .find(|(known, _)| (number - known).abs() < 0.5)
        .map(|(_, priority)| priority)
}

const DUPLICATE: &str = "duplicate";

/// A team may keep duplicates in a state of their own type, or in one that is called so.
fn is_duplicate(state: &wire::State) -> bool {
    state.kind == DUPLICATE || state.kind == "canceled" && fold(&state.name) == DUPLICATE
}

fn read_state(state: &wire::State, blocked: bool) -> (StateName, Option<CloseReason>) {
    match state.kind.as_str() {
        "completed" => (StateName::Closed, Some(CloseReason::Completed)),
        "canceled" | DUPLICATE if is_duplicate(state) => (StateName::Closed, Some(CloseReason::Duplicate)),
        "canceled" => (StateName::Closed, Some(CloseReason::NotPlanned)),
        _ if blocked => (StateName::Blocked, None),
        "started" => (StateName::InProgress, None),
        _ => (StateName::Open, None),
    }
}

/// What an issue's workflow state has to be. `None`: any will do, or what the team begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WantedState {
    Open,
    Started,
    Closed(CloseReason),
}

pub(super) fn wanted_at_birth(draft: &Draft) -> Option<WantedState> {
    match draft.state {
        StateName::Open | StateName::Blocked => None,
        StateName::InProgress => Some(WantedState::Started),
        StateName::Closed => Some(WantedState::Closed(draft.close_reason.unwrap_or(CloseReason::Completed))),
    }
}

pub(super) fn wanted(edit: &DraftEdit<'_>) -> Option<WantedState> {
    let (state, why) = edit.state()?;
    match state {
        // Only its label marks a blocked issue; but it has to be open.
        StateName::Blocked => (edit.before.state == StateName::Closed).then_some(WantedState::Open),
        StateName::Open => Some(WantedState::Open),
        StateName::InProgress => Some(WantedState::Started),
        StateName::Closed => Some(WantedState::Closed(why.unwrap_or(CloseReason::Completed))),
    }
}

impl WantedState {
    /// The first of the team's states that fits, in the team's own order.
    pub(super) fn among(self, states: &[wire::State]) -> Option<&wire::State> {
        let first = |fits: &dyn Fn(&wire::State) -> bool| {
            states.iter().filter(|state| fits(state)).min_by(|a, b| a.position.total_cmp(&b.position))
        };
        let of = |kind: &'static str| first(&|state: &wire::State| state.kind == kind && !is_duplicate(state));
        match self {
            Self::Open => of("unstarted").or_else(|| of("backlog")).or_else(|| of("triage")),
            Self::Started => of("started"),
            Self::Closed(CloseReason::Completed) => of("completed"),
            Self::Closed(CloseReason::NotPlanned) => of("canceled"),
            Self::Closed(CloseReason::Duplicate) => first(&is_duplicate).or_else(|| of("canceled")),
        }
    }

    pub(super) const fn types(self) -> &'static str {
        match self {
            Self::Open => "unstarted, backlog or triage",
            Self::Started => "started",
            Self::Closed(CloseReason::Completed) => "completed",
            Self::Closed(CloseReason::NotPlanned | CloseReason::Duplicate) => "canceled",
        }
    }
}

/// What was found out before a draft is sent.
pub(super) struct LinearLookups {
    pub(super) team: String,
    pub(super) labels: Vec<String>,
    pub(super) assignee: Option<String>,
    pub(super) state: Option<String>,
}

pub(super) fn create<'a>(draft: &'a Draft, id: String, found: &'a LinearLookups) -> wire::CreateIssue<'a> {
    wire::CreateIssue {
        id,
        team_id: &found.team,
        title: &draft.title,
        description: &draft.body,
        priority: priority(draft.priority),
        label_ids: found.labels.clone(),
        assignee_id: found.assignee.clone(),
        state_id: found.state.clone(),
        due_date: draft.due_on,
    }
}

/// The part of an edit that needs no lookup.
pub(super) fn edit<'a>(edit: &DraftEdit<'a>) -> wire::EditIssue<'a> {
    wire::EditIssue {
        title: edit.title(),
        description: edit.body(),
        priority: edit.priority().map(priority),
        due_date: edit.due_on().map(|day| serde_json::json!(day)),
        ..wire::EditIssue::default()
    }
}

/// The assignee after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StateChange {
    Nobody,
    Of(String),
}

/// `None`: leave it; another client chose the present assignee.
pub(super) fn assignee(there: Option<&wire::User>, change: &SetChange) -> Option<StateChange> {
    if let Some(name) = change.add.last() {
        return Some(StateChange::Of(name.clone()));
    }
    there.is_some_and(|user| change.remove.iter().any(|name| is_called(user, name))).then_some(StateChange::Nobody)
}

pub(super) fn is_called(user: &wire::User, name: &str) -> bool {
    fold(&user.display_name) == fold(name) || user.email.as_deref().is_some_and(|email| fold(email) == fold(name))
}

/// An address belongs to one only; a name may belong to more, and then the active one is meant.
pub(super) fn person(found: Vec<wire::User>, name: &str) -> Option<String> {
    let mut found: Vec<wire::User> = found.into_iter().filter(|user| is_called(user, name)).collect();
    found.sort_by_key(|user| (user.email.as_deref().map(fold) != Some(fold(name)), user.active == Some(false), user.id.clone()));
    found.into_iter().next().map(|user| user.id)
}

/// By the name of the user table, else by the name that Linear shows.
fn called(user: wire::User, users: &UserMap) -> String {
    let is_known = |name: &String| users.local_name(name).is_some();
    match user.email {
        Some(email) if is_known(&email) && !is_known(&user.display_name) => email,
        Some(_) | None => user.display_name,
    }
}

pub(super) fn remote(issue: wire::Issue, project: &Project, names: &LabelNames, users: &UserMap) -> RemoteIssue {
    let labels: Vec<String> = issue.labels.nodes.into_iter().map(|label| label.name).collect();
    let read = names.read(&labels, &CAPABILITIES);
    let (state, close_reason) = read_state(&issue.state, read.state == Some(StateName::Blocked));
    let project = issue.identifier.rsplit_once('-').map_or_else(|| project.clone(), |(team, _)| project.or_else_at("", "", team));
    let project = &project;
    let said_at = issue.comments.nodes.iter().map(|comment| comment.updated_at).max();
    RemoteIssue {
        at: at(issue.id, issue.identifier, project, issue.url),
        title: issue.title,
        body: issue.description.unwrap_or_default(),
        state,
        close_reason,
        priority: read_priority(issue.priority),
        kind: read.kind,
        labels: read.free,
        assignees: issue.assignee.map(|user| called(user, users)).into_iter().collect(),
        milestone: None,
        due_on: issue.due_date,
        relations: None,
        moved_away: false,
        comments: None,
        created_at: issue.created_at,
        updated_at: said_at.map_or(issue.updated_at, |said_at| said_at.max(issue.updated_at)),
        version: None,
    }
}

pub(super) fn at(id: String, key: String, project: &Project, url: Option<String>) -> RemoteRef {
    RemoteRef { place: project.clone(), id, key, url: url.filter(|url| !url.is_empty()) }
}

pub(super) fn comment(comment: wire::Comment) -> RemoteComment {
    RemoteComment {
        id: comment.id,
        url: comment.url.filter(|url| !url.is_empty()),
        author: comment.user.map(|user| user.display_name).or_else(|| comment.bot_actor?.name),
        body: comment.body,
        created_at: comment.created_at,
        updated_at: comment.updated_at,
    }
}

/// For either order of the answer. For two of one moment the answer's order shows which was first.
pub(super) fn oldest_first(mut comments: Vec<RemoteComment>) -> Vec<RemoteComment> {
    if comments.first().map(|first| first.created_at) >= comments.last().map(|last| last.created_at) {
        comments.reverse();
    }
    comments.sort_by_key(|comment| comment.created_at);
    comments
}

fn home(organisation: &wire::Organisation) -> String {
    format!("https://linear.app/{}", organisation.url_key)
}

pub(super) fn workspace(organisation: wire::Organisation) -> Workspace {
    let url = Some(home(&organisation));
    Workspace { id: organisation.id, name: organisation.name, handle: Some(organisation.url_key), url }
}

pub(super) fn resource(team: wire::Team, organisation: &wire::Organisation) -> Resource {
    Resource {
        url: Some(format!("{}/team/{}", home(organisation), team.key)),
        id: team.id,
        name: team.name,
        place: Project { owner: String::new(), repo: String::new(), project: team.key.clone() },
        display_key: Some(team.key),
        workspace_handle: Some(organisation.url_key.clone()),
        workspace_url: Some(home(organisation)),
        writable: Some(team.retired_at.is_none()),
    }
}

#[cfg(test)]
mod tests;
