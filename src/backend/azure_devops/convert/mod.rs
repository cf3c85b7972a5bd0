//! Between work items and ours. Pure.
//!
//! Open, in progress and closed are the categories of a state; blocked has none. It is a state that
//! the settings name, or a tag beside any state.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::settings::AzureDevopsSettings;
use super::{html, wire};
use crate::backend::Resource;
use crate::backend::canonical::settled;
use crate::domain::base::text::fold;
use crate::domain::tracker::{Draft, DraftEdit, Project, RemoteComment, RemoteIssue, RemoteRef, SetChange};
use crate::domain::{Priority, StateName};

pub(super) const TITLE: &str = "System.Title";
pub(super) const TYPE: &str = "System.WorkItemType";
pub(super) const PROJECT: &str = "System.TeamProject";
const STATE: &str = "System.State";
const TAGS: &str = "System.Tags";
const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
const ASSIGNED: &str = "System.AssignedTo";
const ITERATION: &str = "System.IterationPath";
const AREA: &str = "System.AreaPath";
const CREATED: &str = "System.CreatedDate";
const COMMENTS: &str = "System.CommentCount";
const CHANGED: &str = "System.ChangedDate";

/// The fields that are read in batches.
pub(super) fn fields(settings: &AzureDevopsSettings) -> Vec<&str> {
    let mut fields =
        vec![TITLE, TYPE, PROJECT, STATE, TAGS, PRIORITY, ASSIGNED, ITERATION, CREATED, CHANGED, COMMENTS, settings.body_field.as_str()];
    fields.extend(settings.due_field.as_deref());
    fields
}

fn step(op: &'static str, field: &str, value: Value) -> wire::Step {
    wire::Step { op, path: format!("/fields/{field}"), value }
}

/// Every tag: the free labels, those that stand for something, and the one for blocked.
fn tags(draft: &Draft, settings: &AzureDevopsSettings) -> Vec<String> {
    let blocked = settings.blocked_tag();
    let mut tags = draft.all_labels(&settings.names, &settings.capabilities);
    // It follows the state, not the task's own labels.
    tags.retain(|tag| blocked.is_none_or(|blocked| fold(tag) != fold(blocked)));
    tags.extend(blocked.filter(|_| draft.state == StateName::Blocked).map(str::to_owned));
    tags
}

/// The text, in the form that it has there, or that new ones get.
fn body(text: &str, markdown: bool, settings: &AzureDevopsSettings) -> Vec<wire::Step> {
    let field = &settings.body_field;
    if !markdown {
        return vec![step("add", field, json!(html::from_markdown(text)))];
    }
    let format = wire::Step { op: "add", path: format!("/multilineFieldsFormat/{field}"), value: json!("Markdown") };
    vec![step("add", field, json!(text)), format]
}

pub(super) fn create(draft: &Draft, iteration: Option<&str>, settings: &AzureDevopsSettings) -> Vec<wire::Step> {
    let mut steps = vec![step("add", TITLE, json!(draft.title))];
    steps.extend(body(&draft.body, settings.markdown, settings));
    steps.push(step("add", PRIORITY, json!(settings.priority(draft.priority))));
    let tags = tags(draft, settings);
    if !tags.is_empty() {
        steps.push(step("add", TAGS, json!(tags.join("; "))));
    }
    if let Some(person) = draft.assignees.first() {
        steps.push(step("add", ASSIGNED, json!(person)));
    }
    if let Some(path) = iteration {
        steps.push(step("add", ITERATION, json!(path)));
    }
    if let Some(area) = &settings.area {
        steps.push(step("add", AREA, json!(area)));
    }
    if let (Some(field), Some(day)) = (&settings.due_field, draft.due_on) {
        steps.push(step("add", field, json!(moment(day))));
    }
    steps
}

/// Noon: the same day in all but the last of time zones.
fn moment(day: NaiveDate) -> String {
    format!("{day}T12:00:00Z")
}

/// What an edit needs to know beside itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WorkItemEditContext {
    /// The state's name there, where it is to be another one.
    pub(super) state: Option<String>,
    /// Where the milestone changed: the iteration.
    pub(super) iteration: Option<String>,
}

/// What changed, all of it or nothing, and only on the edition that it was decided on. Empty: there is nothing to do.
pub(super) fn edit(
    edit: &DraftEdit<'_>,
    there: &wire::WorkItem,
    around: WorkItemEditContext,
    settings: &AzureDevopsSettings,
) -> Vec<wire::Step> {
    let mut steps = Vec::new();
    if let Some(title) = edit.title() {
        steps.push(step("add", TITLE, json!(title)));
    }
    if let Some(text) = edit.body() {
        // A text that was converted to Markdown in the tracker cannot be converted back.
        steps.extend(body(text, settings.markdown || is_markdown(there, settings), settings));
    }
    if let Some(priority) = edit.priority() {
        steps.push(step("add", PRIORITY, json!(settings.priority(priority))));
    }
    if let Some(change) = SetChange::between(&tags(edit.before, settings), &tags(edit.after, settings)) {
        let now = split_tags(&there.fields);
        let after = change.applied_to(&now);
        if after != now {
            steps.push(step("replace", TAGS, json!(after.join("; "))));
        }
    }
    if let Some(change) = edit.assignees() {
        let now = assigned(&there.fields);
        match change.add.first() {
            Some(person) => steps.push(step("add", ASSIGNED, json!(person))),
            // The tracker may have another assignee by now: they stay.
            None if now.is_some_and(|now| change.remove.iter().any(|gone| fold(gone) == fold(&now))) => {
                steps.push(step("add", ASSIGNED, json!("")));
            }
            None => {}
        }
    }
    if let (Some(field), Some(day)) = (&settings.due_field, edit.due_on()) {
        steps.push(step("add", field, day.map_or(json!(""), |day| json!(moment(day)))));
    }
    steps.extend(around.iteration.map(|path| step("add", ITERATION, json!(path))));
    steps.extend(around.state.map(|name| step("add", STATE, json!(name))));
    if !steps.is_empty() {
        steps.insert(0, wire::Step { op: "test", path: "/rev".to_owned(), value: json!(there.rev) });
    }
    steps
}

fn is_markdown(item: &wire::WorkItem, settings: &AzureDevopsSettings) -> bool {
    let told = item.formats.as_ref().and_then(|formats| formats.get(&settings.body_field));
    told.is_some_and(|format| format.eq_ignore_ascii_case("markdown"))
}

fn word(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().map(str::to_owned)
}

fn split_tags(fields: &Map<String, Value>) -> Vec<String> {
    let all = word(fields, TAGS).unwrap_or_default();
    all.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// A name, or the name within a description of the person.
fn assigned(fields: &Map<String, Value>) -> Option<String> {
    let value = fields.get(ASSIGNED)?;
    value["uniqueName"].as_str().or_else(|| value.as_str()).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The type and the state of a work item.
pub(super) fn type_of(item: &wire::WorkItem) -> Option<&str> {
    item.fields.get(TYPE)?.as_str()
}

pub(super) fn project_of(item: &wire::WorkItem) -> Option<&str> {
    item.fields.get(PROJECT)?.as_str()
}

/// Where it is now: numbers are the organisation's, and stay when a work item is moved to another project.
pub(super) fn place_of(item: &wire::WorkItem, place: &Project) -> Project {
    project_of(item).map_or_else(|| place.clone(), |project| place.or_else_at(&place.owner, "", project))
}

/// Whether the state it is in is among these.
pub(super) fn knows_state(item: &wire::WorkItem, states: &[wire::State]) -> bool {
    let now = word(&item.fields, STATE).unwrap_or_default();
    states.iter().any(|known| fold(&known.name) == fold(&now))
}

/// The name of the state to put it in; none where it is there already. The error says what is missing.
pub(super) fn state_to_set(
    state: StateName,
    item: &wire::WorkItem,
    states: &[wire::State],
    settings: &AzureDevopsSettings,
) -> Result<Option<String>, String> {
    let now = word(&item.fields, STATE).unwrap_or_default();
    let current = states.iter().find(|known| fold(&known.name) == fold(&now));
    if current.is_some_and(|current| reached(state, current, settings)) {
        return Ok(None);
    }
    let found = states.iter().find(|known| reached(state, known, settings));
    let names = || states.iter().map(|known| format!("{} ({})", known.name, known.category)).collect::<Vec<_>>().join(", ");
    found.map(|found| Some(found.name.clone())).ok_or_else(|| {
        let kind = type_of(item).unwrap_or_default();
        format!("no state of {kind} stands for {state}: it has {}; name one in options.state_{state}", names())
    })
}

fn reached(state: StateName, known: &wire::State, settings: &AzureDevopsSettings) -> bool {
    if let Some(name) = settings.state(state) {
        return fold(name) == fold(&known.name);
    }
    let others = settings.states.iter().flatten().any(|name| fold(name) == fold(&known.name));
    !others
        && match (state, known.category.as_str()) {
            // A tag says it.
            (StateName::Blocked, category) => ["Proposed", "InProgress", "Resolved"].contains(&category),
            (StateName::Open, category) => category == "Proposed",
            // What waits to be verified is still being worked on.
            (StateName::InProgress, category) => ["InProgress", "Resolved"].contains(&category),
            (StateName::Closed, category) => ["Completed", "Removed"].contains(&category),
        }
}

fn our_state(item: &Map<String, Value>, states: &[wire::State], marked: bool, settings: &AzureDevopsSettings) -> StateName {
    let now = word(item, STATE).unwrap_or_default();
    let named = StateName::ALL.iter().find(|state| settings.state(**state).is_some_and(|name| fold(name) == fold(&now)));
    let category = states.iter().find(|known| fold(&known.name) == fold(&now)).map(|known| known.category.as_str());
    let state = named.copied().unwrap_or(match category {
        Some("InProgress" | "Resolved") => StateName::InProgress,
        Some("Completed" | "Removed") => StateName::Closed,
        Some(_) | None => StateName::Open,
    });
    if marked && state != StateName::Closed { StateName::Blocked } else { state }
}

/// `Err` says which part of the answer makes no sense.
pub(super) fn remote(
    item: &wire::WorkItem,
    states: &[wire::State],
    project: &Project,
    settings: &AzureDevopsSettings,
) -> Result<RemoteIssue, String> {
    let fields = &item.fields;
    let blocked = settings.blocked_tag();
    let (marked, tags): (Vec<String>, Vec<String>) =
        split_tags(fields).into_iter().partition(|tag| blocked.is_some_and(|blocked| fold(blocked) == fold(tag)));
    let read = settings.names.read(&tags, &settings.capabilities);
    let due = settings.due_field.as_ref().and_then(|field| word(fields, field));
    let project = place_of(item, project);
    Ok(RemoteIssue {
        at: at(item.id, &project, settings),
        title: word(fields, TITLE).ok_or("there is no title")?,
        body: our_text(item, settings),
        state: our_state(fields, states, !marked.is_empty(), settings),
        close_reason: None,
        priority: fields.get(PRIORITY).and_then(Value::as_i64).map(|number| our_priority(number, settings)),
        kind: read.kind,
        labels: read.free,
        assignees: assigned(fields).into_iter().collect(),
        milestone: word(fields, ITERATION).and_then(|path| Some(path.split_once('\\')?.1.to_owned())),
        due_on: due.and_then(|text| text.get(..10)?.parse().ok()),
        relations: None,
        moved_away: false,
        comments: fields.get(COMMENTS).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()),
        created_at: time(word(fields, CREATED).as_deref())?,
        updated_at: time(word(fields, CHANGED).as_deref())?,
        version: Some(item.rev.to_string()),
    })
}

/// The text of a work item, in our writing.
pub(super) fn our_text(item: &wire::WorkItem, settings: &AzureDevopsSettings) -> String {
    let text = word(&item.fields, &settings.body_field).unwrap_or_default();
    if is_markdown(item, settings) || !html::is_html(&text) { text } else { html::to_markdown(&text) }
}

/// A text as the tracker returns it. Comments are HTML whatever the work items are, so this is the
/// form of all texts.
pub(super) fn canonical(text: &str) -> String {
    settled(text, |text| html::to_markdown(&html::from_markdown(text)))
}

/// The nearest one that was chosen: 4 is low where 3 is.
fn our_priority(number: i64, settings: &AzureDevopsSettings) -> Priority {
    let [high, medium, _] = settings.priorities;
    match number {
        n if n <= high => Priority::High,
        n if n <= medium => Priority::Medium,
        _ => Priority::Low,
    }
}

pub(super) fn at(id: i64, project: &Project, settings: &AzureDevopsSettings) -> RemoteRef {
    let part = crate::backend::client::segment;
    let url = format!("{}/{}/{}/_workitems/edit/{id}", settings.site, part(&project.owner), part(&project.project));
    RemoteRef { place: project.clone(), id: id.to_string(), key: key(&project.project, id), url: Some(url) }
}

/// What people call it.
pub(super) fn key(project: &str, id: i64) -> String {
    format!("{project}#{id}")
}

pub(super) fn comment_text(text: &str) -> wire::Text {
    wire::Text { text: html::from_markdown(text) }
}

pub(super) fn comment(comment: wire::Comment, at: &RemoteRef) -> Result<RemoteComment, String> {
    let text = comment.text.unwrap_or_default();
    let markdown = comment.format.is_some_and(|format| format.eq_ignore_ascii_case("markdown")) || !html::is_html(&text);
    let created_at = time(Some(&comment.created))?;
    Ok(RemoteComment {
        id: comment.id.to_string(),
        url: at.url.as_ref().map(|url| format!("{url}#{}", comment.id)),
        author: comment.author.and_then(|user| user.display_name.or(user.unique_name)),
        body: if markdown { text } else { html::to_markdown(&text) },
        created_at,
        updated_at: comment.modified.as_deref().map_or(Ok(created_at), |text| time(Some(text)))?,
    })
}

pub(super) fn time(text: Option<&str>) -> Result<DateTime<Utc>, String> {
    let text = text.ok_or("a moment is missing")?;
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| format!("{text:?} is no moment"))
}

/// A moment in a query, quoted.
pub(super) fn since(time: DateTime<Utc>) -> String {
    format!("'{}'", time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// What an iteration is called in a work item: `\Project\Iteration\v1` is `Project\v1`.
pub(super) fn iteration_path(node: &wire::Node) -> Option<String> {
    let mut parts = node.path.trim_start_matches('\\').splitn(3, '\\');
    let (project, _, rest) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{project}\\{rest}"))
}

pub(super) fn resource(project: wire::Project, organisation: &str, settings: &AzureDevopsSettings) -> Resource {
    let part = crate::backend::client::segment;
    Resource {
        url: Some(format!("{}/{}/{}", settings.site, part(organisation), part(&project.name))),
        place: Project { owner: organisation.to_owned(), project: project.name.clone(), ..Project::default() },
        display_key: Some(format!("{organisation}/{}", project.name)),
        workspace_handle: Some(organisation.to_owned()),
        workspace_url: Some(format!("{}/{}", settings.site, part(organisation))),
        writable: project.state.map(|state| state == "wellFormed"),
        id: project.id,
        name: project.name,
    }
}

/// What stands in the way of a new work item, by its type.
pub(super) fn missing(kind: &wire::WorkItemType, settings: &AzureDevopsSettings) -> Vec<String> {
    let Some(fields) = &kind.fields else { return Vec::new() };
    let ours =
        [TITLE, STATE, PRIORITY, ITERATION, AREA, "System.Id", "System.IterationId", "System.AreaId", "System.Reason", PROJECT, TYPE];
    let filled =
        |field: &wire::Field| ours.contains(&field.id.as_str()) || field.id.starts_with("System.") || field.id == settings.body_field;
    let mut missing: Vec<String> = fields
        .iter()
        .filter(|field| field.required && field.default.as_ref().is_none_or(Value::is_null) && !filled(field))
        .map(|field| {
            format!(
                "{} requires {} ({}), which has no value: give it a default in the tracker",
                kind.name,
                field.name.as_deref().unwrap_or("a field"),
                field.id
            )
        })
        .collect();
    let has = |id: &str| fields.iter().any(|field| field.id == id);
    if let Some(field) = settings.due_field.as_ref().filter(|field| !has(field)) {
        missing.push(format!("{} has no field {field}: add it there, or leave options.due_field empty", kind.name));
    }
    if !has(&settings.body_field) {
        missing.push(format!("{} has no field {}: set options.body_field to one it has", kind.name, settings.body_field));
    }
    missing
}

#[cfg(test)]
mod tests;
