//! Jira, Cloud (`/rest/api/3`, texts as documents) and Data Center (`/rest/api/2`, wiki texts).
//!
//! A project is a `project` by its key. A state change is a transition of the project's workflow,
//! discovered for each issue. Search is an index that lags behind, on Cloud by design and between
//! the nodes of a Data Center: an absence in it is never believed (`find`).

mod adf;
mod convert;
mod delivery;
mod find;
mod registration;
mod relations;
mod settings;
mod wiki;
mod wire;

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
use settings::{JiraEdition, JiraSettings};

pub struct JiraBackend {
    line: TrackerClient,
    settings: JiraSettings,
    page_size: usize,
}

/// The one workspace: the site itself.
const SITE: &str = "site";

/// More moves than any workflow needs from one end to the other.
const MOVES: usize = 6;

/// More pages than any list has: a server that never ends its list is not believed.
const PAGES: usize = 10_000;

impl JiraBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        let settings = JiraSettings::new(&options)?;
        let scheme = settings.user.clone().map_or(AuthScheme::Bearer, |user| AuthScheme::Basic { user });
        Ok(Self { line: options.line.with_scheme(scheme), settings, page_size: options.page_size as usize })
    }

    fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.settings.root)
    }

    fn issue(&self, id: &str) -> String {
        self.path(&format!("/issue/{}", segment(id)))
    }

    fn project(&self, project: &Project) -> String {
        self.path(&format!("/project/{}", segment(&project.project)))
    }

    async fn get<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err)
    }

    /// `None` where it is not there.
    async fn get_if_there<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<Option<T>, BackendError> {
        let answer = self.line.send(call).await?;
        match wire::refusal(&answer) {
            Some(error) if answer.status == 404 && error.trouble == ErrorKind::Denied => Ok(None),
            Some(error) => Err(error),
            None => read_json(&answer, what).map(Some),
        }
    }

    async fn write(&self, call: TrackerCall) -> Result<(), BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or(Ok(()), Err)
    }

    /// The fields that are read of an issue, wherever it is read.
    fn fields(&self) -> String {
        let mut fields = "summary,description,status,priority,labels,assignee,fixVersions,created,updated".to_owned();
        if let Some(due) = &self.settings.due_field {
            fields.push(',');
            fields.push_str(due);
        }
        fields
    }

    async fn read_issue(&self, id: &str) -> Result<Option<wire::Issue>, BackendError> {
        let fields = format!("{},{}", self.fields(), relations::FIELDS);
        self.get_if_there(TrackerCall::get(self.issue(id)).query("fields", fields), "the issue").await
    }

    fn remote(&self, issue: wire::Issue, project: &Project) -> Result<RemoteIssue, BackendError> {
        convert::remote(issue, project, &self.settings).map_err(|why| BackendError::unreadable("an issue", why))
    }

    /// One page of a search. `page` is the token of Cloud, or how many came before.
    async fn search(&self, jql: &str, page: Option<&str>, most: usize) -> Result<(Vec<wire::Issue>, Option<String>), BackendError> {
        let call = |path: &str| {
            TrackerCall::get(self.path(path)).query("jql", jql).query("fields", self.fields()).query("maxResults", most.to_string())
        };
        match self.settings.edition {
            JiraEdition::Cloud => {
                let call = call("/search/jql");
                let call = if let Some(token) = page { call.query("nextPageToken", token) } else { call };
                let found: wire::Found = self.get(call, "issues").await?;
                Ok((found.issues, found.next_page_token))
            }
            JiraEdition::DataCenter => {
                let before = page.and_then(|page| page.parse::<usize>().ok()).unwrap_or_default();
                let found: wire::Found = self.get(call("/search").query("startAt", before.to_string()), "issues").await?;
                let seen = before + found.issues.len();
                let more = !found.issues.is_empty() && found.total.is_none_or(|total| seen < total);
                Ok((found.issues, more.then(|| seen.to_string())))
            }
        }
    }

    /// The version of that name, if the project has it.
    async fn version(&self, project: &Project, name: &str) -> Result<Option<String>, BackendError> {
        let all: Vec<wire::Version> = self.get(TrackerCall::get(format!("{}/versions", self.project(project))), "versions").await?;
        let named = |version: &&wire::Version| fold(&version.name) == fold(name);
        Ok(all.iter().filter(named).min_by_key(|version| version.archived).map(|version| version.id.clone()))
    }

    /// What of the milestone can be said, and whether a version is missing.
    async fn versions(&self, at: &RemoteRef, edit: &DraftEdit<'_>) -> Result<(convert::VersionChanges, bool), BackendError> {
        let Some(after) = edit.milestone() else { return Ok((convert::VersionChanges::default(), false)) };
        let mut versions = convert::VersionChanges::default();
        if let Some(before) = &edit.before.milestone {
            versions.remove = self.version(&at.place, before).await?;
        }
        if let Some(after) = after {
            versions.add = self.version(&at.place, after).await?;
        }
        let missing = after.is_some() && versions.add.is_none();
        Ok((versions, missing))
    }

    async fn assigned_to(&self, at: &RemoteRef, edit: &DraftEdit<'_>) -> Result<Option<String>, BackendError> {
        if edit.assignees().is_none_or(|change| !change.add.is_empty()) {
            return Ok(None);
        }
        let issue = self.read_issue(&at.id).await?;
        Ok(issue.and_then(|issue| issue.fields.assignee).and_then(|user| convert::their_name(user, &self.settings)))
    }

    /// Moves it through the workflow until it is in that state.
    async fn move_to(&self, at: &RemoteRef, state: StateName) -> Result<(), BackendError> {
        let issue = self.read_issue(&at.id).await?.ok_or_else(|| gone(at))?;
        let Some(mut status) = issue.fields.status else {
            return Err(BackendError::unreadable("the issue", "it has no status"));
        };
        let path = format!("{}/transitions", self.issue(&at.id));
        let mut been = Vec::new();
        while !convert::reached(state, &status, &self.settings) {
            been.push(status.name.clone());
            let moves: wire::Transitions = self.get(TrackerCall::get(&path).query("expand", "transitions.fields"), "transitions").await?;
            let step = convert::step(state, &moves.transitions, &been, &self.settings).filter(|_| been.len() <= MOVES);
            let Some(step) = step else { return Err(no_way(at, state, &been, &moves.transitions)) };
            let fields = convert::move_fields(step, &self.settings).map_err(|missing| {
                BackendError::new(
                    ErrorKind::Denied,
                    format!("the transition {:?} of {} requires {missing}: give them values in options.fields", step.name, at.key),
                )
            })?;
            self.write(TrackerCall::post(&path).json(&wire::Move { transition: wire::Id { id: &step.id }, fields })).await?;
            status = step.to.clone();
        }
        Ok(())
    }

    async fn missing_in(&self, project: &Project) -> Result<Vec<String>, BackendError> {
        let path = self.path(&format!("/issue/createmeta/{}/issuetypes", segment(&project.project)));
        let mut types = Vec::new();
        loop {
            let call = TrackerCall::get(&path).query("startAt", types.len().to_string()).query("maxResults", "50");
            let Some(page) = self.get_if_there::<wire::IssueTypes>(call, "issue types").await? else {
                return Ok(vec![format!("the project {project} is not there, or the account may not create issues in it")]);
            };
            let last = page.types.is_empty();
            types.extend(page.types);
            if last || page.total.is_none_or(|total| types.len() >= total) {
                break;
            }
        }
        let wanted = &self.settings.issue_type;
        let Some(kind) = types.iter().find(|kind| fold(&kind.name) == fold(wanted)) else {
            let names: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
            return Ok(vec![format!(
                "the project {project} has no issue type {wanted}: set options.issue_type to one of {}",
                names.join(", ")
            )]);
        };
        let screen = self.screen(&format!("{path}/{}", segment(&kind.id))).await?;
        Ok(convert::missing(&screen, &self.settings).into_iter().map(|what| format!("{project}: {what}")).collect())
    }

    async fn screen(&self, path: &str) -> Result<Vec<wire::Field>, BackendError> {
        let mut fields = Vec::new();
        for _ in 0..PAGES {
            let call = TrackerCall::get(path).query("startAt", fields.len().to_string()).query("maxResults", "200");
            let page: wire::Screen = self.get(call, "the fields of a new issue").await?;
            let last = page.fields.is_empty();
            fields.extend(page.fields);
            if last || page.total.is_none_or(|total| fields.len() >= total) {
                return Ok(fields);
            }
        }
        Err(BackendError::unreadable("the fields of a new issue", "the list does not end"))
    }
}

fn gone(at: &RemoteRef) -> BackendError {
    BackendError::new(ErrorKind::Denied, format!("{} is not there, or not to be seen with this credential", at.key))
}

fn no_way(at: &RemoteRef, state: StateName, been: &[String], moves: &[wire::Transition]) -> BackendError {
    let offered: Vec<String> = moves.iter().map(|step| format!("{:?} to {:?}", step.name, step.to.name)).collect();
    let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
    BackendError::new(
        ErrorKind::Denied,
        format!(
            "the workflow offers no way for {} from {} to a status for {state}: it offers {offered}. Add a transition there, or name a status in options.status_{state}",
            at.key,
            been.join(", ")
        ),
    )
}

#[async_trait]
impl Backend for JiraBackend {
    fn kind(&self) -> TrackerKind {
        TrackerKind::Jira
    }

    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    fn needs(&self) -> &'static [ProjectField] {
        &[ProjectField::Project]
    }

    fn canonical(&self, text: &str) -> String {
        convert::canonical(text, &self.settings)
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.line.clock_ahead()
    }

    /// A new issue is where its workflow begins, and in no version that is not there.
    async fn prepare(&self, project: &Project, draft: &Draft, _marker: &Marker) -> Result<PreparedIssue, BackendError> {
        let version = match &draft.milestone {
            Some(name) => self.version(project, name).await?,
            None => None,
        };
        let milestone = draft.milestone.clone().filter(|_| version.is_some());
        let carried = Draft { state: StateName::Open, close_reason: None, milestone, relations: Vec::new(), ..draft.clone() };
        let call =
            TrackerCall::post(self.path("/issue")).json(&convert::create(&carried, &project.project, version.as_deref(), &self.settings));
        Ok(PreparedIssue { call, project: project.clone(), carried })
    }

    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, carried } = prepared;
        let answer = self.line.send(call).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::Made = read_json(&answer, "the new issue")?;
        Ok(CreatedRemote { at: convert::at(&made.id, &made.key, &project, &self.settings), carried })
    }

    async fn find_by_marker(&self, project: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        find::by_marker(self, project, marker, since).await
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        self.read_issue(&at.id).await?.map(|issue| self.remote(issue, &at.place)).transpose()
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, _version: Option<&str>) -> Result<(), BackendError> {
        let there = self.assigned_to(at, edit).await?;
        let (versions, missing) = self.versions(at, edit).await?;
        let write = convert::edit(edit, there.as_deref(), &versions, &self.settings);
        if write != wire::Write::default() {
            self.write(TrackerCall::put(self.issue(&at.id)).json(&write)).await?;
        }
        if let Some((state, _)) = edit.state() {
            self.move_to(at, state).await?;
        }
        if let Some(change) = edit.relations() {
            self.relate(at, &change).await?;
        }
        match &edit.after.milestone {
            Some(name) if missing => Err(BackendError::new(
                ErrorKind::Denied,
                format!("the project {} has no version {name:?}: make it there; everything else of {} was sent", at.place, at.key),
            )),
            Some(_) | None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let text = wire::Text { body: convert::text(body, &self.settings) };
        let answer = self.line.send(TrackerCall::post(format!("{}/comment", self.issue(&at.id))).json(&text)).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::Comment = read_json(&answer, "the new comment")?;
        convert::comment(made, at, &self.settings).map_err(|why| BackendError::new(ErrorKind::Unknown, format!("the new comment: {why}")))
    }

    /// Comments are read from the database, not from the index.
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
        let text = wire::Text { body: convert::text(body, &self.settings) };
        let call = TrackerCall::put(format!("{}/comment/{}", self.issue(&at.id), segment(comment))).json(&text);
        let answer = self.line.send(call).await?;
        match wire::refusal(&answer) {
            Some(error) if answer.status == 404 && error.trouble == ErrorKind::Denied => Ok(false),
            Some(error) => Err(error),
            None => Ok(true),
        }
    }

    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        let answer = self.line.send(TrackerCall::delete(format!("{}/comment/{}", self.issue(&at.id), segment(comment)))).await?;
        match wire::refusal(&answer) {
            Some(error) if answer.status == 404 && error.trouble == ErrorKind::Denied => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        find::list(self, project, ask).await
    }

    async fn comments(&self, at: &RemoteRef, page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let before = page.and_then(|page| page.parse::<usize>().ok()).unwrap_or_default();
        let call = TrackerCall::get(format!("{}/comment", self.issue(&at.id)))
            .query("startAt", before.to_string())
            .query("maxResults", self.page_size.to_string())
            .query("orderBy", "created");
        let found: wire::Comments = self.get(call, "comments").await?;
        let seen = before + found.comments.len();
        let next = (!found.comments.is_empty() && seen < found.total).then(|| seen.to_string());
        let items = found
            .comments
            .into_iter()
            .map(|comment| convert::comment(comment, at, &self.settings).map_err(|why| BackendError::unreadable("a comment", why)));
        Ok(RemotePage { items: items.collect::<Result<_, _>>()?, next })
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let answer = self.line.send(TrackerCall::get(self.path("/myself"))).await?;
        match wire::refusal(&answer) {
            Some(error) if error.trouble == ErrorKind::Paused => {
                let missing = match self.settings.edition {
                    JiraEdition::Cloud => {
                        "the token is refused: make a new API token, and set options.user to the address of the account it belongs to"
                    }
                    JiraEdition::DataCenter => {
                        "the token is refused: make a new personal access token (without options.user), or check options.user"
                    }
                };
                return Ok(CheckReport { account: None, missing: vec![missing.to_owned()] });
            }
            Some(error) => return Err(error),
            None => {}
        }
        let user: wire::User = read_json(&answer, "the account")?;
        let mut checked =
            CheckReport { account: user.display_name.clone().or_else(|| convert::their_name(user, &self.settings)), missing: Vec::new() };
        if let Some(project) = project {
            checked.missing.extend(self.missing_in(project).await?);
        }
        Ok(checked)
    }

    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let server: wire::Server = self.get(TrackerCall::get(self.path("/serverInfo")), "the site").await?;
        let site = Some(self.settings.site.clone()).filter(|site| !site.is_empty()).or(server.base_url);
        let handle = site.as_deref().and_then(convert::host);
        let name = server.title.or_else(|| handle.clone()).unwrap_or_else(|| "Jira".to_owned());
        Ok(RemotePage { items: vec![Workspace { id: SITE.to_owned(), name, handle, url: site }], next: None })
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        if workspace != SITE {
            return Err(BackendError::new(ErrorKind::Fail, format!("there is no workspace {workspace:?}: a Jira has one, {SITE:?}")));
        }
        let resource = |project| convert::resource(project, &self.settings);
        if self.settings.edition == JiraEdition::DataCenter {
            let all: Vec<wire::Project> = self.get(TrackerCall::get(self.path("/project")), "projects").await?;
            return Ok(RemotePage { items: all.into_iter().map(resource).collect(), next: None });
        }
        let before = page.and_then(|page| page.parse::<usize>().ok()).unwrap_or_default();
        let call = TrackerCall::get(self.path("/project/search"))
            .query("startAt", before.to_string())
            .query("maxResults", self.page_size.to_string())
            .query("orderBy", "key");
        let found: wire::Projects = self.get(call, "projects").await?;
        let seen = before + found.values.len();
        let next = (!found.values.is_empty() && found.total.is_none_or(|total| seen < total)).then(|| seen.to_string());
        Ok(RemotePage { items: found.values.into_iter().map(resource).collect(), next })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }
}
