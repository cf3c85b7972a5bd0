//! Azure DevOps, Services and Server: work items (`/_apis/wit`, version 7.1).
//!
//! A project is `owner` (the organisation, or the collection) and `project`. A write is a patch,
//! done wholly or not at all, on the edition it was decided on. States, which differ by type, are
//! found by their category. An iteration is the milestone.

mod convert;
mod delivery;
mod find;
mod html;
mod registration;
mod relations;
mod settings;
mod wire;

use std::collections::HashMap;

use super::client::{AuthScheme, TrackerCall, read_json, segment};
use super::{
    Backend, BackendError, BackendOptions, ChangesPage, CheckReport, CreatedRemote, DeliveryRejected, ErrorKind, HookMade, ListAsk,
    ParsedDelivery, PreparedIssue, Resource, TrackerClient, WebhookDelivery, Workspace,
};
use crate::domain::StateName;
use crate::domain::base::text::fold;
use crate::domain::tracker::{
    Capabilities, Draft, DraftEdit, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage, RemoteRef, TrackerKind,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use settings::AzureDevopsSettings;
use tokio::sync::Mutex;

pub struct AzureDevopsBackend {
    line: TrackerClient,
    settings: AzureDevopsSettings,
    /// No more than the batch takes.
    page_size: usize,
    webhook_user: String,
    /// The states of the known types, by project. A state keeps its category; an unknown one is
    /// looked up.
    states: Mutex<HashMap<(Project, String), Vec<wire::State>>>,
}

const VERSION: &str = "7.1";
/// Comments have been a preview ever since.
const COMMENTS: &str = "7.1-preview.4";
const CONNECTION: &str = "7.1-preview";
const PATCH: &str = "application/json-patch+json";
/// Work items that one batch gives.
const BATCH: usize = 200;

const NO_ORGANISATION: &str = "which organisation is not known: set options.organization";

/// More pages than any list has: a server that never ends its list is not believed.
const PAGES: usize = 10_000;

impl AzureDevopsBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        let settings = AzureDevopsSettings::new(&options)?;
        let page_size = (options.page_size as usize).clamp(1, BATCH);
        let line = options.line.with_scheme(AuthScheme::Basic { user: String::new() });
        Ok(Self { line, settings, page_size, webhook_user: options.webhook_user, states: Mutex::default() })
    }

    async fn get<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err)
    }

    /// `None` where it is not there.
    async fn get_if_there<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<Option<T>, BackendError> {
        let answer = self.line.send(call).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what).map(Some), Err)
    }

    /// By the project it was in.
    async fn read_item(&self, at: &RemoteRef) -> Result<Option<wire::WorkItem>, BackendError> {
        self.get_if_there(whole(TrackerCall::get(item(at))), "the work item").await
    }

    /// Answers the work item after the patch. If the caller required no version, only this function
    /// did: it simply tries again.
    async fn patch(&self, at: &RemoteRef, patch: &[wire::Step], version: Option<&str>) -> Result<wire::WorkItem, BackendError> {
        let answer = self.line.send(whole(TrackerCall::patch(item(at))).json_as(PATCH, &patch)).await?;
        match wire::refusal(&answer) {
            Some(error) if error.trouble == ErrorKind::Stale && version.is_none() => {
                Err(BackendError::new(ErrorKind::Retry { after: None }, error.message))
            }
            Some(error) => Err(error),
            None => read_json(&answer, "the work item"),
        }
    }

    async fn states(&self, project: &Project, kind: &str) -> Result<Vec<wire::State>, BackendError> {
        let call = TrackerCall::get(format!("{}/workitemtypes/{}/states", wit(project), segment(kind))).query("api-version", VERSION);
        Ok(self.get::<wire::Many<wire::State>>(call, "the states of a type").await?.value)
    }

    /// What the item is, its state by the category that its type gives it.
    async fn remote(&self, item: &wire::WorkItem, project: &Project) -> Result<RemoteIssue, BackendError> {
        let key = (convert::place_of(item, project), convert::type_of(item).unwrap_or_default().to_owned());
        let met = self.states.lock().await.get(&key).filter(|states| convert::knows_state(item, states)).cloned();
        let states = if let Some(states) = met {
            states
        } else {
            let states = self.states(&key.0, &key.1).await?;
            self.states.lock().await.insert(key, states.clone());
            states
        };
        convert::remote(item, &states, project, &self.settings).map_err(|why| BackendError::unreadable("a work item", why))
    }

    /// The iteration of that name, if the project has it.
    async fn iteration(&self, project: &Project, name: &str) -> Result<Option<String>, BackendError> {
        let path: Vec<String> = name.split(['\\', '/']).filter(|part| !part.trim().is_empty()).map(segment).collect();
        if path.is_empty() {
            return Ok(None);
        }
        let call =
            TrackerCall::get(format!("{}/classificationnodes/Iterations/{}", wit(project), path.join("/"))).query("api-version", VERSION);
        let node: Option<wire::Node> = self.get_if_there(call, "the iteration").await?;
        Ok(node.as_ref().and_then(convert::iteration_path))
    }

    /// What the patch needs to know beside the edit, and whether an iteration is missing.
    async fn around(
        &self,
        at: &RemoteRef,
        edit: &DraftEdit<'_>,
        there: &wire::WorkItem,
    ) -> Result<(convert::WorkItemEditContext, bool), BackendError> {
        let mut around = convert::WorkItemEditContext::default();
        if let Some((state, _)) = edit.state() {
            let states = self.states(&at.place, convert::type_of(there).unwrap_or_default()).await?;
            around.state = convert::state_to_set(state, there, &states, &self.settings)
                .map_err(|why| BackendError::new(ErrorKind::Denied, format!("{}: {why}", at.key)))?;
        }
        let Some(milestone) = edit.milestone() else { return Ok((around, false)) };
        around.iteration = match milestone {
            Some(name) => self.iteration(&at.place, name).await?,
            None => Some(convert::project_of(there).unwrap_or(&at.place.project).to_owned()),
        };
        let missing = around.iteration.is_none();
        Ok((around, missing))
    }

    async fn missing_in(&self, project: &Project) -> Result<Vec<String>, BackendError> {
        let call = TrackerCall::get(format!("{}/workitemtypes", wit(project))).query("api-version", VERSION);
        let Some(types) = self.get_if_there::<wire::Many<wire::WorkItemType>>(call, "work item types").await? else {
            return Ok(vec![format!("the project {project} is not there, or the token may not see it")]);
        };
        let wanted = &self.settings.work_item_type;
        let Some(kind) = types.value.iter().find(|kind| fold(&kind.name) == fold(wanted)) else {
            let names: Vec<&str> = types.value.iter().map(|kind| kind.name.as_str()).collect();
            return Ok(vec![format!(
                "the project {project} has no work item type {wanted}: set options.work_item_type to one of {}",
                names.join(", ")
            )]);
        };
        Ok(convert::missing(kind, &self.settings).into_iter().map(|what| format!("{project}: {what}")).collect())
    }
}

fn wit(project: &Project) -> String {
    format!("/{}/{}/_apis/wit", segment(&project.owner), segment(&project.project))
}

fn item(at: &RemoteRef) -> String {
    format!("{}/workitems/{}", wit(&at.place), segment(&at.id))
}

/// With its relations.
fn whole(call: TrackerCall) -> TrackerCall {
    call.query("$expand", "relations").query("api-version", VERSION)
}

fn comments(at: &RemoteRef) -> String {
    format!("{}/workItems/{}/comments", wit(&at.place), segment(&at.id))
}

#[async_trait]
impl Backend for AzureDevopsBackend {
    fn kind(&self) -> TrackerKind {
        TrackerKind::AzureDevops
    }

    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    fn needs(&self) -> &'static [ProjectField] {
        &[ProjectField::Owner, ProjectField::Project]
    }

    fn canonical(&self, text: &str) -> String {
        convert::canonical(text)
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.line.clock_ahead()
    }

    /// A new work item is in the first state of its type, and in no iteration that is not there.
    async fn prepare(&self, project: &Project, draft: &Draft, _marker: &Marker) -> Result<PreparedIssue, BackendError> {
        let iteration = match &draft.milestone {
            Some(name) => self.iteration(project, name).await?,
            None => None,
        };
        let milestone = draft.milestone.clone().filter(|_| iteration.is_some());
        let carried = Draft { state: StateName::Open, close_reason: None, milestone, relations: Vec::new(), ..draft.clone() };
        let call = TrackerCall::post(format!("{}/workitems/${}", wit(project), segment(&self.settings.work_item_type)))
            .query("api-version", VERSION)
            .json_as(PATCH, &convert::create(&carried, iteration.as_deref(), &self.settings));
        Ok(PreparedIssue { call, project: project.clone(), carried })
    }

    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, carried } = prepared;
        let answer = self.line.send(call).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::WorkItem = read_json(&answer, "the new work item")?;
        Ok(CreatedRemote { at: convert::at(made.id, &project, &self.settings), carried })
    }

    async fn find_by_marker(&self, project: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        find::by_marker(self, project, marker, since).await
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        let mut found = self.read_item(at).await?;
        if found.is_none() {
            // In its own project only it is found by that project; it may have been moved to another one.
            let path = format!("/{}/_apis/wit/workitems/{}", segment(&at.place.owner), segment(&at.id));
            found = self.get_if_there(whole(TrackerCall::get(path)), "the work item").await?;
        }
        let Some(item) = found else { return Ok(None) };
        let relations = self.relations(&item, &at.place).await?;
        Ok(Some(RemoteIssue { relations: Some(relations), ..self.remote(&item, &at.place).await? }))
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, version: Option<&str>) -> Result<(), BackendError> {
        if edit.is_empty() {
            return Ok(());
        }
        let gone = || BackendError::new(ErrorKind::Denied, format!("{} is not there, or not to be seen with this token", at.key));
        let there = self.read_item(at).await?.ok_or_else(gone)?;
        if version.is_some_and(|version| version != there.rev.to_string()) {
            return Err(BackendError::new(ErrorKind::Stale, "another client wrote there in between"));
        }
        let (around, missing) = self.around(at, edit, &there).await?;
        let patch = convert::edit(edit, &there, around, &self.settings);
        let there = if patch.is_empty() { there } else { self.patch(at, &patch, version).await? };
        if let Some(change) = edit.relations() {
            self.relate(at, &change, there, version).await?;
        }
        match &edit.after.milestone {
            Some(name) if missing => Err(BackendError::new(
                ErrorKind::Denied,
                format!("the project {} has no iteration {name:?}: make it there; everything else of {} was sent", at.place, at.key),
            )),
            Some(_) | None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let call = TrackerCall::post(comments(at)).query("api-version", COMMENTS).json(&convert::comment_text(body));
        let answer = self.line.send(call).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::Comment = read_json(&answer, "the new comment")?;
        convert::comment(made, at).map_err(|why| BackendError::new(ErrorKind::Unknown, format!("the new comment: {why}")))
    }

    async fn find_comment(&self, at: &RemoteRef, marker: &Marker, _since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError> {
        let mut page = None;
        for _ in 0..PAGES {
            let listing = self.comments(at, page.as_deref()).await?;
            if let Some(found) = listing.items.into_iter().find(|comment| marker.is_in(&comment.body)) {
                return Ok(Some(found));
            }
            page = listing.next;
            if page.is_none() {
                return Ok(None);
            }
        }
        Err(BackendError::unreadable("comments", "the list does not end"))
    }

    async fn edit_comment(&self, at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError> {
        let call = TrackerCall::patch(format!("{}/{}", comments(at), segment(comment)))
            .query("api-version", COMMENTS)
            .json(&convert::comment_text(body));
        let answer = self.line.send(call).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        wire::refusal(&answer).map_or(Ok(true), Err)
    }

    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        let call = TrackerCall::delete(format!("{}/{}", comments(at), segment(comment))).query("api-version", COMMENTS);
        let answer = self.line.send(call).await?;
        if answer.status == 404 { Ok(()) } else { wire::refusal(&answer).map_or(Ok(()), Err) }
    }

    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        find::list(self, project, ask).await
    }

    async fn comments(&self, at: &RemoteRef, page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let mut call = TrackerCall::get(comments(at)).query("$top", self.page_size.to_string()).query("order", "asc");
        if let Some(token) = page {
            call = call.query("continuationToken", token);
        }
        let found: wire::Comments = self.get(call.query("api-version", COMMENTS), "comments").await?;
        let items = found
            .comments
            .into_iter()
            .map(|comment| convert::comment(comment, at).map_err(|why| BackendError::unreadable("a comment", why)));
        Ok(RemotePage { items: items.collect::<Result<_, _>>()?, next: found.next.filter(|token| !token.is_empty()) })
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let Some(owner) = project.map(|project| &project.owner).or(self.settings.organisation.as_ref()) else {
            return Ok(CheckReport { account: None, missing: vec![NO_ORGANISATION.to_owned()] });
        };
        let call = TrackerCall::get(format!("/{}/_apis/connectionData", segment(owner))).query("api-version", CONNECTION);
        let answer = self.line.send(call).await?;
        match wire::refusal(&answer) {
            Some(error) if error.trouble == ErrorKind::Paused => {
                let missing =
                    "the token is refused: make a new personal access token with the scope Work Items (read and write)".to_owned();
                return Ok(CheckReport { account: None, missing: vec![missing] });
            }
            Some(error) => return Err(error),
            None => {}
        }
        let connection: wire::Connection = read_json(&answer, "the account")?;
        let mut checked = CheckReport { account: connection.user.and_then(|user| user.name), missing: Vec::new() };
        if let Some(project) = project {
            checked.missing.extend(self.missing_in(project).await?);
        }
        Ok(checked)
    }

    /// A token lies in one organisation, and this host does not list organisations: it is the
    /// configured one.
    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let Some(name) = self.settings.organisation.clone() else { return Err(BackendError::new(ErrorKind::Fail, NO_ORGANISATION)) };
        let url = Some(format!("{}/{}", self.settings.site, segment(&name)));
        Ok(RemotePage { items: vec![Workspace { id: name.clone(), handle: Some(name.clone()), name, url }], next: None })
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        let mut call = TrackerCall::get(format!("/{}/_apis/projects", segment(workspace))).query("$top", self.page_size.to_string());
        if let Some(token) = page {
            call = call.query("continuationToken", token);
        }
        let answer = self.line.send(call.query("api-version", VERSION)).await?;
        if answer.status == 404 {
            return Err(BackendError::new(ErrorKind::Fail, format!("there is no organisation {workspace:?}, or the token may not see it")));
        }
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let next = wire::continuation(&answer);
        let projects: wire::Many<wire::Project> = read_json(&answer, "projects")?;
        let items = projects.value.into_iter().map(|project| convert::resource(project, workspace, &self.settings)).collect();
        Ok(RemotePage { items, next })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(&self.webhook_user, delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }
}
