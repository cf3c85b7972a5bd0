//! Between GitHub's JSON and ours. Pure.

use std::time::Duration;

use super::wire;
use crate::backend::{Resource, Workspace};
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{
    AssigneeSupport, BudgetWindow, Capabilities, CarriedAs, Draft, DraftEdit, LabelNames, Markup, MilestoneSupport, Project, RemoteComment,
    RemoteIssue, RemoteRef,
};
use crate::domain::{CloseReason, StateName};

/// GitHub's own limits of texts, and of content that is made.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    states: CarriedAs::ByLabel,
    close_reasons: true,
    priority: CarriedAs::ByLabel,
    kind: CarriedAs::ByLabel,
    labels: true,
    label_limit: Some(50),
    label_bars: &[],
    milestones: MilestoneSupport::Made,
    assignees: AssigneeSupport::Many,
    due_dates: false,
    relations: &[Relation::Blocks, Relation::BlockedBy, Relation::Parent],
    comments: true,
    comment_edits: true,
    comment_deletes: true,
    deletes: false,
    webhooks: true,
    optimistic_lock: false,
    idempotent_create: false,
    title_limit: 256,
    body_limit: Some(65_536),
    markup: Markup { mentions: &['@'], references: &['#'], keys: true },
    budget: &[BudgetWindow { writes: 80, length: Duration::from_mins(1) }, BudgetWindow { writes: 500, length: Duration::from_hours(1) }],
};

pub(super) fn create<'a>(draft: &'a Draft, names: &LabelNames, milestone: Option<i64>) -> wire::CreateIssue<'a> {
    wire::CreateIssue {
        title: &draft.title,
        body: &draft.body,
        labels: draft.all_labels(names, &CAPABILITIES),
        assignees: &draft.assignees,
        milestone,
    }
}

/// What of the draft the creating request holds: an issue is born open.
pub(super) fn carried(draft: &Draft) -> Draft {
    let draft = Draft { relations: Vec::new(), ..draft.clone() };
    match draft.state {
        StateName::Closed => Draft { state: StateName::Open, close_reason: None, ..draft },
        StateName::Open | StateName::InProgress | StateName::Blocked => draft,
    }
}

/// What goes into the one request that edits; labels and people have their own. `None`: there is nothing for it to do.
pub(super) fn edit<'a>(edit: &DraftEdit<'a>, milestone: Option<serde_json::Value>) -> Option<wire::EditIssue<'a>> {
    // Between open, started and blocked only a label differs.
    let turned = edit.state().filter(|_| is_closed(edit.before) || is_closed(edit.after));
    let wanted = wire::EditIssue {
        title: edit.title(),
        body: edit.body(),
        state: turned.map(|_| if is_closed(edit.after) { "closed" } else { "open" }),
        state_reason: turned.and_then(|(_, why)| why).filter(|_| is_closed(edit.after)).map(reason),
        milestone,
    };
    (wanted != wire::EditIssue::default()).then_some(wanted)
}

/// GitHub ignores a reason if the state stays: only an open issue can be closed for another one.
pub(super) fn reopens_first(edit: &DraftEdit<'_>) -> bool {
    is_closed(edit.before) && is_closed(edit.after) && edit.state().is_some()
}

fn is_closed(draft: &Draft) -> bool {
    draft.state == StateName::Closed
}

fn reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Completed => "completed",
        CloseReason::NotPlanned => "not_planned",
        CloseReason::Duplicate => "duplicate",
    }
}

/// A closed issue without a reason was closed before there were any: it was done.
fn read_reason(reason: Option<&str>) -> CloseReason {
    match reason {
        Some("not_planned") => CloseReason::NotPlanned,
        Some("duplicate") => CloseReason::Duplicate,
        Some(_) | None => CloseReason::Completed,
    }
}

pub(super) fn remote(issue: wire::Issue, project: &Project, names: &LabelNames) -> RemoteIssue {
    let name = |label| match label {
        wire::Label::Name(name) => Some(name),
        wire::Label::Whole { name } => name,
    };
    let labels: Vec<String> = issue.labels.into_iter().filter_map(name).collect();
    let read = names.read(&labels, &CAPABILITIES);
    let closed = issue.state == "closed";
    let project = issue.repository_url.as_deref().and_then(|url| place_of(url, project)).unwrap_or_else(|| project.clone());
    RemoteIssue {
        at: at(issue.number, &project, issue.html_url),
        title: issue.title,
        body: issue.body.unwrap_or_default(),
        state: if closed { StateName::Closed } else { read.state.unwrap_or(StateName::Open) },
        close_reason: closed.then(|| read_reason(issue.state_reason.as_deref())),
        priority: read.priority,
        kind: read.kind,
        labels: read.free,
        assignees: issue.assignees.unwrap_or_default().into_iter().map(|user| user.login).collect(),
        milestone: issue.milestone.map(|milestone| milestone.title),
        due_on: None,
        relations: None,
        moved_away: false,
        comments: issue.comments,
        created_at: issue.created_at,
        updated_at: issue.updated_at,
        version: None,
    }
}

pub(super) fn place_of(url: &str, project: &Project) -> Option<Project> {
    let (rest, repo) = url.rsplit_once('/')?;
    let (_, owner) = rest.rsplit_once('/')?;
    Some(project.or_else_at(owner, repo, ""))
}

pub(super) fn at(number: i64, project: &Project, url: Option<String>) -> RemoteRef {
    RemoteRef {
        place: project.clone(),
        id: number.to_string(),
        key: key(&project.owner, &project.repo, number),
        url: url.filter(|url| !url.is_empty()),
    }
}

/// What people call it.
pub(super) fn key(owner: &str, repo: &str, number: impl std::fmt::Display) -> String {
    format!("{owner}/{repo}#{number}")
}

pub(super) fn comment(comment: wire::Comment) -> RemoteComment {
    RemoteComment {
        id: comment.id.to_string(),
        url: comment.html_url.filter(|url| !url.is_empty()),
        // The author of a closed account is shown as the ghost.
        author: Some(comment.user.map_or_else(|| "ghost".to_owned(), |user| user.login)),
        body: comment.body.unwrap_or_default(),
        created_at: comment.created_at,
        updated_at: comment.updated_at,
    }
}

pub(super) fn workspace(owner: wire::User) -> Workspace {
    Workspace {
        id: owner.id.to_string(),
        name: owner.login.clone(),
        handle: Some(owner.login),
        url: owner.html_url.filter(|url| !url.is_empty()),
    }
}

pub(super) fn resource(repo: wire::Repository) -> Resource {
    let writable = repo.archived.map(|archived| !archived && repo.has_issues != Some(false) && repo.permissions.is_none_or(|may| may.push));
    Resource {
        id: repo.id.to_string(),
        display_key: repo.full_name.filter(|name| !name.is_empty()),
        place: Project { owner: repo.owner.login.clone(), repo: repo.name.clone(), project: String::new() },
        name: repo.name,
        url: repo.html_url.filter(|url| !url.is_empty()),
        workspace_handle: Some(repo.owner.login),
        workspace_url: repo.owner.html_url.filter(|url| !url.is_empty()),
        writable,
    }
}

#[cfg(test)]
mod tests;
