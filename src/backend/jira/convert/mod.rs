//! Between Jira's JSON and ours. Pure.
//!
//! Open, in progress and closed are the categories of a status; blocked has none. It is a status
//! that the settings name, or a label beside any status.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use super::settings::{JiraEdition, JiraSettings};
use super::{adf, relations, wiki, wire};
use crate::backend::Resource;
use crate::backend::canonical::settled;
use crate::domain::base::text::fold;
use crate::domain::tracker::{CarriedAs, Draft, DraftEdit, Project, RemoteComment, RemoteIssue, RemoteRef, SetChange};
use crate::domain::{Priority, StateName};

pub(super) fn text(body: &str, settings: &JiraSettings) -> Value {
    match settings.edition {
        JiraEdition::Cloud => adf::from_markdown(body),
        JiraEdition::DataCenter => Value::String(wiki::from_markdown(body)),
    }
}

fn our_text(body: &Value, settings: &JiraSettings) -> String {
    match (settings.edition, body.as_str()) {
        (JiraEdition::DataCenter, Some(body)) => wiki::to_markdown(body),
        (JiraEdition::Cloud, _) | (JiraEdition::DataCenter, None) => adf::to_markdown(body),
    }
}

/// A text as it comes back from there.
pub(super) fn canonical(text: &str, settings: &JiraSettings) -> String {
    settled(text, |text| our_text(&self::text(text, settings), settings))
}

/// Every label: the free ones, those that stand for something, and the one for blocked.
fn labels(draft: &Draft, settings: &JiraSettings) -> Vec<String> {
    let blocked = settings.blocked_label();
    let mut labels = draft.all_labels(&settings.names, &settings.capabilities);
    // It follows the state, not the task's own labels.
    labels.retain(|label| blocked.is_none_or(|blocked| fold(label) != fold(blocked)));
    labels.extend(blocked.filter(|_| draft.state == StateName::Blocked).map(str::to_owned));
    labels
}

pub(super) fn create(draft: &Draft, project: &str, version: Option<&str>, settings: &JiraSettings) -> wire::Write {
    let mut fields = settings.extra.clone();
    fields.insert("project".to_owned(), json!({"key": project}));
    fields.insert("issuetype".to_owned(), json!({"name": settings.issue_type}));
    fields.insert("summary".to_owned(), one_line(&draft.title));
    fields.insert("description".to_owned(), text(&draft.body, settings));
    let labels = labels(draft, settings);
    if !labels.is_empty() {
        fields.insert("labels".to_owned(), json!(labels));
    }
    if settings.capabilities.priority == CarriedAs::Natively {
        fields.insert("priority".to_owned(), json!({"name": settings.priority(draft.priority)}));
    }
    if let Some(person) = draft.assignees.first() {
        fields.insert("assignee".to_owned(), user(person, settings));
    }
    if let Some(id) = version {
        fields.insert("fixVersions".to_owned(), json!([{"id": id}]));
    }
    if let (Some(field), Some(day)) = (&settings.due_field, draft.due_on) {
        fields.insert(field.clone(), json!(day));
    }
    wire::Write { fields, ..wire::Write::default() }
}

/// Jira refuses a summary of several lines.
fn one_line(title: &str) -> Value {
    Value::String(title.split(['\n', '\r']).collect::<Vec<_>>().join(" "))
}

fn user(name: &str, settings: &JiraSettings) -> Value {
    match settings.edition {
        JiraEdition::Cloud => json!({"accountId": name}),
        JiraEdition::DataCenter => json!({"name": name}),
    }
}

/// Which versions an edit puts in and takes out, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct VersionChanges {
    pub(super) add: Option<String>,
    pub(super) remove: Option<String>,
}

/// The changed fields, without the state. `there` is the present assignee, read only if one is
/// removed.
pub(super) fn edit(edit: &DraftEdit<'_>, there: Option<&str>, versions: &VersionChanges, settings: &JiraSettings) -> wire::Write {
    let mut write = wire::Write::default();
    if let Some(title) = edit.title() {
        write.fields.insert("summary".to_owned(), one_line(title));
    }
    if let Some(body) = edit.body() {
        write.fields.insert("description".to_owned(), text(body, settings));
    }
    if let Some(priority) = edit.priority().filter(|_| settings.capabilities.priority == CarriedAs::Natively) {
        write.fields.insert("priority".to_owned(), json!({"name": settings.priority(priority)}));
    }
    if let (Some(field), Some(day)) = (&settings.due_field, edit.due_on()) {
        write.fields.insert(field.clone(), json!(day));
    }
    if let Some(change) = edit.assignees() {
        match change.add.first() {
            Some(person) => _ = write.fields.insert("assignee".to_owned(), user(person, settings)),
            // The tracker may have another assignee by now: they stay.
            None if there.is_some_and(|there| change.remove.iter().any(|gone| fold(gone) == fold(there))) => {
                write.fields.insert("assignee".to_owned(), Value::Null);
            }
            None => {}
        }
    }
    if let Some(change) = SetChange::between(&labels(edit.before, settings), &labels(edit.after, settings)) {
        let add = change.add.iter().map(|label| json!({"add": label}));
        write.update.insert("labels", add.chain(change.remove.iter().map(|label| json!({"remove": label}))).collect());
    }
    let remove = versions.remove.iter().map(|id| json!({"remove": {"id": id}}));
    let changes: Vec<Value> = remove.chain(versions.add.iter().map(|id| json!({"add": {"id": id}}))).collect();
    if !changes.is_empty() {
        write.update.insert("fixVersions", changes);
    }
    write
}

/// Whether an issue of that status is where it shall be.
pub(super) fn reached(state: StateName, status: &wire::Status, settings: &JiraSettings) -> bool {
    if let Some(name) = settings.status(state) {
        return fold(name) == fold(&status.name);
    }
    let others = settings.statuses.iter().flatten().any(|name| fold(name) == fold(&status.name));
    !others
        && match state {
            StateName::Open => status.category.key == "new",
            StateName::InProgress => status.category.key == "indeterminate",
            StateName::Closed => status.category.key == "done",
            // The label says it.
            StateName::Blocked => status.category.key != "done",
        }
}

/// The next move towards the state: straight there, or through work in progress. Never to where it was already.
pub(super) fn step<'a>(
    state: StateName,
    moves: &'a [wire::Transition],
    been: &[String],
    settings: &JiraSettings,
) -> Option<&'a wire::Transition> {
    let fresh = |step: &&wire::Transition| !been.contains(&step.to.name);
    let straight = moves.iter().find(|step| reached(state, &step.to, settings));
    let halfway = || moves.iter().filter(fresh).find(|step| step.to.category.key == "indeterminate");
    straight.or_else(halfway).or_else(|| moves.iter().find(fresh))
}

/// The fields of a transition: the resolution, if it asks for one, and the fields from the
/// settings. The error names the required fields without a value.
pub(super) fn move_fields(step: &wire::Transition, settings: &JiraSettings) -> Result<Map<String, Value>, String> {
    let mut given = Map::new();
    let mut missing = Vec::new();
    for (id, field) in &step.fields {
        if id == "resolution" {
            given.insert(id.clone(), resolution(field, settings));
        } else if let Some(value) = settings.extra.get(id) {
            given.insert(id.clone(), value.clone());
        } else if field.required && !field.has_default {
            missing.push(format!("{} ({id})", field.name));
        }
    }
    if missing.is_empty() { Ok(given) } else { Err(missing.join(", ")) }
}

fn resolution(field: &wire::Field, settings: &JiraSettings) -> Value {
    let names: Vec<&str> = field.allowed.iter().flatten().filter_map(|value| value["name"].as_str()).collect();
    let chosen = names.iter().find(|name| fold(name) == fold(&settings.resolution)).or(names.first());
    json!({"name": chosen.copied().unwrap_or(&settings.resolution)})
}

/// `Err` says which part of the answer makes no sense.
pub(super) fn remote(issue: wire::Issue, place: &Project, settings: &JiraSettings) -> Result<RemoteIssue, String> {
    let fields = issue.fields;
    let blocked = settings.blocked_label();
    let (marked, labels): (Vec<String>, Vec<String>) =
        fields.labels.unwrap_or_default().into_iter().partition(|label| blocked.is_some_and(|blocked| fold(blocked) == fold(label)));
    let read = settings.names.read(&labels, &settings.capabilities);
    let by_field = fields.priority.and_then(|priority| our_priority(&priority.name?, settings));
    let due = settings.due_field.as_ref().and_then(|field| fields.others.get(field)).and_then(Value::as_str);
    let place = issue.key.rsplit_once('-').map_or_else(|| place.clone(), |(project, _)| place.or_else_at("", "", project));
    Ok(RemoteIssue {
        at: at(&issue.id, &issue.key, &place, settings),
        title: fields.summary.ok_or("there is no summary")?,
        body: fields.description.as_ref().map(|body| our_text(body, settings)).unwrap_or_default(),
        state: fields.status.map_or(StateName::Open, |status| our_state(&status, !marked.is_empty(), settings)),
        close_reason: None,
        priority: if settings.capabilities.priority == CarriedAs::Natively { by_field } else { read.priority },
        kind: read.kind,
        labels: read.free,
        assignees: fields.assignee.and_then(|user| their_name(user, settings)).into_iter().collect(),
        milestone: fields.fix_versions.unwrap_or_default().into_iter().next().map(|version| version.name),
        due_on: due.and_then(|text| text.get(..10)?.parse::<NaiveDate>().ok()),
        relations: relations::told(fields.links.as_deref(), fields.parent.as_ref(), settings),
        moved_away: false,
        comments: None,
        created_at: time(fields.created.as_deref())?,
        updated_at: time(fields.updated.as_deref())?,
        version: None,
    })
}

fn our_state(status: &wire::Status, marked: bool, settings: &JiraSettings) -> StateName {
    let named = StateName::ALL.iter().find(|state| settings.status(**state).is_some_and(|name| fold(name) == fold(&status.name)));
    let state = named.copied().unwrap_or(match status.category.key.as_str() {
        "indeterminate" => StateName::InProgress,
        "done" => StateName::Closed,
        _ => StateName::Open,
    });
    if marked && state != StateName::Closed { StateName::Blocked } else { state }
}

/// The names of the settings, then Jira's default names.
fn our_priority(name: &str, settings: &JiraSettings) -> Option<Priority> {
    let chosen = Priority::ALL.iter().find(|priority| fold(settings.priority(**priority)) == fold(name));
    chosen.copied().or_else(|| match fold(name).as_str() {
        "highest" | "high" | "critical" | "blocker" | "urgent" => Some(Priority::High),
        "medium" | "major" | "normal" => Some(Priority::Medium),
        "low" | "lowest" | "minor" | "trivial" => Some(Priority::Low),
        _ => None,
    })
}

pub(super) fn their_name(user: wire::User, settings: &JiraSettings) -> Option<String> {
    match settings.edition {
        JiraEdition::Cloud => user.account_id,
        JiraEdition::DataCenter => user.name,
    }
}

/// By the number that it keeps when it is moved to another project.
pub(super) fn at(id: &str, key: &str, project: &Project, settings: &JiraSettings) -> RemoteRef {
    let url = (!settings.site.is_empty()).then(|| format!("{}/browse/{key}", settings.site));
    RemoteRef { place: project.clone(), id: id.to_owned(), key: key.to_owned(), url }
}

pub(super) fn comment(comment: wire::Comment, at: &RemoteRef, settings: &JiraSettings) -> Result<RemoteComment, String> {
    let created_at = time(Some(&comment.created))?;
    Ok(RemoteComment {
        url: at.url.as_ref().map(|url| format!("{url}?focusedCommentId={}", comment.id)),
        author: comment.author.and_then(|user| user.display_name.clone().or_else(|| their_name(user, settings))),
        body: our_text(&comment.body, settings),
        created_at,
        updated_at: comment.updated.as_deref().map_or(Ok(created_at), |text| time(Some(text)))?,
        id: comment.id,
    })
}

/// `2026-06-16T07:00:05.123+0000`, or with a colon in it.
pub(super) fn time(text: Option<&str>) -> Result<DateTime<Utc>, String> {
    let text = text.ok_or("a moment is missing")?;
    let read = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").or_else(|_| DateTime::parse_from_rfc3339(text));
    read.map(|time| time.to_utc()).map_err(|_| format!("{text:?} is no moment"))
}

/// The number in a key.
pub(super) fn number(key: &str) -> Option<u64> {
    key.rsplit_once('-')?.1.parse().ok()
}

pub(super) fn resource(project: wire::Project, settings: &JiraSettings) -> Resource {
    Resource {
        id: project.id,
        place: Project { project: project.key.clone(), ..Project::default() },
        url: (!settings.site.is_empty()).then(|| format!("{}/browse/{}", settings.site, project.key)),
        display_key: Some(project.key),
        name: project.name,
        workspace_handle: host(&settings.site),
        workspace_url: Some(settings.site.clone()).filter(|site| !site.is_empty()),
        writable: project.archived.map(|archived| !archived),
    }
}

/// What a site is called.
pub(super) fn host(site: &str) -> Option<String> {
    let host = site.split("://").nth(1)?.trim_end_matches('/');
    (!host.is_empty()).then(|| host.to_owned())
}

/// A string in JQL.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What stands in the way of a new issue, by the screen it is made on.
pub(super) fn missing(screen: &[wire::Field], settings: &JiraSettings) -> Vec<String> {
    let ours = ["project", "issuetype", "summary", "description", "labels", "reporter"];
    let has = |id: &str| screen.iter().any(|field| field.id == id);
    let given = |id: &str| {
        ours.contains(&id) || settings.extra.contains_key(id) || id == "priority" && settings.capabilities.priority == CarriedAs::Natively
    };
    let mut missing: Vec<String> = screen
        .iter()
        .filter(|field| field.required && !field.has_default && !given(&field.id))
        .map(|field| format!("it requires {0} ({1}): give it a value in options.fields, {{\"{1}\": …}}", field.name, field.id))
        .collect();
    let mut wanted = vec!["description", "labels"];
    wanted.extend((settings.capabilities.priority == CarriedAs::Natively).then_some("priority"));
    wanted.extend(settings.due_field.as_deref());
    for id in wanted.into_iter().filter(|id| !has(id)) {
        let instead = match id {
            "priority" => ", or set options.priority_field to \"none\", and it becomes a label",
            "description" | "labels" => "",
            _ => ", or set options.due_field to \"none\"",
        };
        missing.push(format!(
            "the field {id} is not on the screen on which issues of type {} are made: put it there{instead}",
            settings.issue_type
        ));
    }
    missing
}

#[cfg(test)]
mod tests;
