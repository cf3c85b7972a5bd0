//! Between GitLab's JSON and ours. Pure.
//!
//! A line of a text that is a command to GitLab (`/close`, `/assign @ann`) would be obeyed: it is made harmless on the way out, and
//! is what it was on the way back.

use super::wire;
use crate::backend::canonical::plain;
use crate::backend::{Resource, Workspace};
use crate::domain::StateName;
use crate::domain::base::text::fold;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{
    AssigneeSupport, Capabilities, CarriedAs, Draft, DraftEdit, LabelNames, Markup, MilestoneSupport, Project, RemoteComment, RemoteIssue,
    RemoteRef, SetChange,
};

/// GitLab keeps a million characters and some; the rest of it is for what makes commands harmless. Only paid editions let an issue
/// have more than one person, and block another one.
pub(super) const fn capabilities(assignees: AssigneeSupport) -> Capabilities {
    Capabilities {
        states: CarriedAs::ByLabel,
        close_reasons: false,
        priority: CarriedAs::ByLabel,
        kind: CarriedAs::ByLabel,
        labels: true,
        label_limit: Some(255),
        label_bars: &[','],
        milestones: MilestoneSupport::Made,
        assignees,
        due_dates: true,
        relations: match assignees {
            AssigneeSupport::Many => &[Relation::Relates, Relation::Blocks, Relation::BlockedBy],
            AssigneeSupport::One | AssigneeSupport::Not => &[Relation::Relates],
        },
        comments: true,
        comment_edits: true,
        comment_deletes: true,
        deletes: true,
        webhooks: true,
        optimistic_lock: false,
        idempotent_create: false,
        title_limit: 255,
        body_limit: Some(900_000),
        markup: Markup { mentions: &['@'], references: &['#', '!', '$'], keys: true },
        budget: &[],
    }
}

/// Put behind the slash of a command. No renderer shows it.
const NOTHING: char = '\u{200b}';

/// A line that GitLab would take for a command: a slash, a word of letters, and nothing else or a space.
fn command(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let word = line[indent..].strip_prefix('/')?;
    let end = word.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(word.len());
    let ends = word[end..].chars().next().is_none_or(char::is_whitespace);
    (end > 0 && ends).then_some(indent + 1)
}

pub(super) fn harmless(text: &str) -> String {
    let line = |line: &str| match command(line) {
        Some(at) => format!("{}{NOTHING}{}", &line[..at], &line[at..]),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn as_it_was(text: &str) -> String {
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let word = line[indent..].strip_prefix('/').and_then(|rest| rest.strip_prefix(NOTHING));
        let plain = word.map(|word| format!("{}/{word}", &line[..indent]));
        plain.filter(|plain| command(plain).is_some()).unwrap_or_else(|| line.to_owned())
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A text as it comes back from there.
pub(super) fn canonical(text: &str) -> String {
    as_it_was(&plain(text))
}

pub(super) fn create<'a>(draft: &'a Draft, labels: &[String], assignees: Vec<i64>, milestone: Option<i64>) -> wire::CreateIssue<'a> {
    wire::CreateIssue {
        title: &draft.title,
        description: harmless(&draft.body),
        labels: labels.join(","),
        assignee_ids: assignees,
        milestone_id: milestone,
        due_date: draft.due_on,
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

/// The one request that edits. `None`: there is nothing for it to do.
pub(super) fn edit<'a>(
    edit: &DraftEdit<'a>,
    labels: Option<SetChange>,
    assignees: Option<Vec<i64>>,
    milestone: Option<i64>,
) -> Option<wire::EditIssue<'a>> {
    let closed = |draft: &Draft| draft.state == StateName::Closed;
    // Between open, started and blocked only a label differs.
    let turned = closed(edit.before) != closed(edit.after);
    let labels = labels.unwrap_or_default();
    let wanted = wire::EditIssue {
        title: edit.title(),
        description: edit.body().map(harmless),
        state_event: turned.then(|| if closed(edit.after) { "close" } else { "reopen" }),
        add_labels: labels.add.join(","),
        remove_labels: labels.remove.join(","),
        assignee_ids: assignees.map(|ids| if ids.is_empty() { vec![0] } else { ids }),
        milestone_id: milestone,
        due_date: edit.due_on().map(|day| day.map(|day| day.to_string()).unwrap_or_default()),
    };
    (wanted != wire::EditIssue::default()).then_some(wanted)
}

/// The new assignees: the present ones, with the change; if only one is possible, the one that was
/// added last.
pub(super) fn people(there: &[wire::User], change: &SetChange, can: AssigneeSupport) -> Vec<String> {
    let there: Vec<String> = there.iter().map(|user| user.username.clone()).collect();
    let mut after = change.applied_to(&there);
    if can == AssigneeSupport::One {
        after.drain(..after.len().saturating_sub(1));
    }
    after
}

pub(super) fn id_of(users: &[wire::User], name: &str) -> Option<i64> {
    users.iter().find(|user| fold(&user.username) == fold(name)).map(|user| user.id)
}

pub(super) fn remote(issue: wire::Issue, project: &Project, names: &LabelNames, can: &Capabilities) -> RemoteIssue {
    let read = names.read(&issue.labels, can);
    let told = issue.references.as_ref().and_then(|told| referenced(&told.full, project));
    let project = told.map_or_else(|| project.clone(), |(now, _)| now);
    RemoteIssue {
        at: at(issue.iid, &project, issue.web_url),
        title: issue.title,
        body: as_it_was(&issue.description.unwrap_or_default()),
        state: if issue.state == "closed" { StateName::Closed } else { read.state.unwrap_or(StateName::Open) },
        close_reason: None,
        priority: read.priority,
        kind: read.kind,
        labels: read.free,
        assignees: issue.assignees.into_iter().map(|user| user.username).collect(),
        milestone: issue.milestone.map(|milestone| milestone.title),
        due_on: issue.due_date,
        relations: None,
        moved_away: issue.moved_to_id.is_some(),
        comments: issue.user_notes_count,
        created_at: issue.created_at,
        updated_at: issue.updated_at,
        version: None,
    }
}

/// `acme/platform/tools#12`: the project, and the number in it.
pub(super) fn referenced(full: &str, project: &Project) -> Option<(Project, i64)> {
    let (path, iid) = full.rsplit_once('#')?;
    let (owner, repo) = path.rsplit_once('/')?;
    Some((project.or_else_at(owner, repo, ""), iid.parse().ok()?))
}

pub(super) fn at(iid: i64, project: &Project, url: Option<String>) -> RemoteRef {
    RemoteRef {
        place: project.clone(),
        id: iid.to_string(),
        key: format!("{}/{}#{iid}", project.owner, project.repo),
        url: url.filter(|url| !url.is_empty()),
    }
}

pub(super) fn comment(note: wire::Note, at: &RemoteRef) -> RemoteComment {
    RemoteComment {
        id: note.id.to_string(),
        url: at.url.as_ref().map(|url| format!("{url}#note_{}", note.id)),
        author: note.author.map(|user| user.username),
        body: as_it_was(&note.body.unwrap_or_default()),
        created_at: note.created_at,
        updated_at: note.updated_at,
    }
}

pub(super) fn workspace(group: wire::Namespace) -> Workspace {
    Workspace {
        id: group.id.to_string(),
        name: group.name,
        handle: Some(group.full_path),
        url: group.web_url.filter(|url| !url.is_empty()),
    }
}

/// The lowest role that may label and assign: a reporter.
const REPORTER: i64 = 20;

/// `None`: the server does not say.
pub(super) fn may_write(project: &wire::Project) -> Option<bool> {
    let access = project.permissions?;
    let levels = [access.project_access, access.group_access];
    Some(levels.into_iter().flatten().any(|access| access.access_level >= REPORTER))
}

/// `None` for one that lies nowhere.
pub(super) fn resource(project: wire::Project) -> Option<Resource> {
    let open = project.archived.map(|archived| !archived && project.issues_enabled != Some(false));
    let writable = open.map(|open| open && may_write(&project) != Some(false));
    let group = project.namespace?;
    Some(Resource {
        id: project.id.to_string(),
        name: project.name,
        place: Project { owner: group.full_path.clone(), repo: project.path, project: String::new() },
        display_key: project.path_with_namespace.filter(|path| !path.is_empty()),
        url: project.web_url.filter(|url| !url.is_empty()),
        workspace_handle: Some(group.full_path),
        workspace_url: group.web_url.filter(|url| !url.is_empty()),
        writable,
    })
}

#[cfg(test)]
mod tests;
