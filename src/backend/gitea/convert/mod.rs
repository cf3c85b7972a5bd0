//! Between Gitea's JSON and ours. Pure.

use chrono::{DateTime, NaiveDate, Utc};

use super::wire;
use crate::backend::{Resource, Workspace};
use crate::domain::StateName;
use crate::domain::tracker::{
    AssigneeSupport, Capabilities, CarriedAs, Draft, DraftEdit, LabelNames, Markup, MilestoneSupport, Project, RemoteComment, RemoteIssue,
    RemoteRef,
};

/// Gitea keeps titles in a column of 255 characters, labels in one of 50.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
    states: CarriedAs::ByLabel,
    close_reasons: false,
    priority: CarriedAs::ByLabel,
    kind: CarriedAs::ByLabel,
    labels: true,
    label_limit: Some(50),
    label_bars: &[],
    milestones: MilestoneSupport::Made,
    assignees: AssigneeSupport::Many,
    due_dates: true,
    relations: &[],
    comments: true,
    comment_edits: true,
    comment_deletes: true,
    deletes: true,
    webhooks: true,
    optimistic_lock: true,
    idempotent_create: false,
    title_limit: 255,
    body_limit: None,
    markup: Markup { mentions: &['@'], references: &['#', '!'], keys: true },
    budget: &[],
};

pub(super) const COLOUR: &str = "#8b949e";

pub(super) fn create(draft: &Draft, labels: Vec<i64>, milestone: Option<i64>) -> wire::CreateIssue<'_> {
    wire::CreateIssue {
        title: &draft.title,
        body: &draft.body,
        closed: draft.state == StateName::Closed,
        labels,
        assignees: &draft.assignees,
        milestone,
        due_date: draft.due_on.map(moment),
    }
}

/// What goes into the one request that edits; labels have their own. `None`: there is nothing for it to do.
pub(super) fn edit<'a>(
    edit: &DraftEdit<'a>,
    assignees: Option<Vec<String>>,
    milestone: Option<i64>,
    version: Option<&str>,
) -> Option<wire::EditIssue<'a>> {
    let closed = |state: StateName| state == StateName::Closed;
    // Between open, started and blocked only a label differs.
    let turned = edit.state().filter(|_| closed(edit.before.state) != closed(edit.after.state));
    let wanted = wire::EditIssue {
        title: edit.title(),
        body: edit.body(),
        state: turned.map(|(state, _)| if closed(state) { "closed" } else { "open" }),
        assignees,
        milestone,
        due_date: edit.due_on().flatten().map(moment),
        unset_due_date: (edit.due_on() == Some(None)).then_some(true),
        content_version: None,
    };
    if wanted == wire::EditIssue::default() {
        return None;
    }
    // The edition is that of the text; where the text is not sent it guards nothing.
    let version = version.filter(|_| wanted.body.is_some()).and_then(|version| version.parse().ok());
    Some(wire::EditIssue { content_version: version, ..wanted })
}

/// Gitea takes the day out of it and drops the time.
fn moment(day: NaiveDate) -> String {
    format!("{day}T00:00:00Z")
}

/// `Err` says which part of the answer makes no sense.
pub(super) fn remote(issue: wire::Issue, project: &Project, names: &LabelNames) -> Result<RemoteIssue, String> {
    let labels: Vec<String> = issue.labels.unwrap_or_default().into_iter().map(|label| label.name).collect();
    let read = names.read(&labels, &CAPABILITIES);
    let state = if issue.state == "closed" { StateName::Closed } else { read.state.unwrap_or(StateName::Open) };
    let project = issue.repository.map_or_else(|| project.clone(), |now| project.or_else_at(&now.owner, &now.name, ""));
    Ok(RemoteIssue {
        at: at(issue.number, &project, issue.html_url),
        title: issue.title,
        body: issue.body.unwrap_or_default(),
        state,
        close_reason: None,
        priority: read.priority,
        kind: read.kind,
        labels: read.free,
        assignees: issue.assignees.unwrap_or_default().into_iter().map(|user| user.login).collect(),
        milestone: issue.milestone.map(|milestone| milestone.title),
        // The day as the server writes it, by its own clock.
        due_on: issue.due_date.as_deref().and_then(|text| text.get(..10)?.parse().ok()),
        relations: None,
        moved_away: false,
        comments: issue.comments,
        created_at: time(&issue.created_at)?,
        updated_at: time(&issue.updated_at)?,
        version: issue.content_version.map(|version| version.to_string()),
    })
}

pub(super) fn at(number: i64, project: &Project, url: Option<String>) -> RemoteRef {
    RemoteRef {
        place: project.clone(),
        id: number.to_string(),
        key: format!("{}/{}#{number}", project.owner, project.repo),
        url: url.filter(|url| !url.is_empty()),
    }
}

pub(super) fn comment(comment: wire::Comment) -> Result<RemoteComment, String> {
    Ok(RemoteComment {
        id: comment.id.to_string(),
        url: comment.html_url.filter(|url| !url.is_empty()),
        author: comment.user.map(|user| user.login),
        body: comment.body.unwrap_or_default(),
        created_at: time(&comment.created_at)?,
        updated_at: time(&comment.updated_at)?,
    })
}

pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| format!("{text:?} is no moment"))
}

pub(super) fn workspace(owner: wire::User, base: &str) -> Workspace {
    let url = owner.html_url.filter(|url| !url.is_empty()).or_else(|| (!base.is_empty()).then(|| format!("{base}/{}", owner.login)));
    Workspace { id: owner.id.to_string(), name: owner.login.clone(), handle: Some(owner.login), url }
}

pub(super) fn resource(repo: wire::Repository, base: &str) -> Resource {
    let workspace = workspace(repo.owner.clone(), base);
    let writable = repo.archived.map(|archived| !archived && repo.has_issues != Some(false));
    Resource {
        id: repo.id.to_string(),
        display_key: repo.full_name.clone().filter(|name| !name.is_empty()),
        place: Project { owner: repo.owner.login, repo: repo.name.clone(), project: String::new() },
        name: repo.name,
        url: repo.html_url.filter(|url| !url.is_empty()),
        workspace_handle: workspace.handle,
        workspace_url: workspace.url,
        writable,
    }
}

#[cfg(test)]
mod tests;
