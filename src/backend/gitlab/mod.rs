//! GitLab, on gitlab.com or self-hosted (REST, `/api/v4`).
//!
//! A project is `owner` (a group, `acme/platform` for a subgroup) and `repo`; to the API they are
//! one name with `%2F` in it. An issue goes by its `iid`. Labels go by name, and missing ones are
//! created; milestones go by number and are looked up or created; people go by number and are
//! looked up. People are replaced, so the present ones are read first.

mod convert;
mod delivery;
mod registration;
mod relations;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::client::{AuthScheme, TrackerCall, read_json, segment};
use super::http::HttpAnswer;
use super::paging::{self, ChangesCursor, PAGES, Query, moment};
use super::{
    Backend, BackendError, BackendOptions, CLOCK_SKEW, ChangesPage, CheckReport, CreatedRemote, DeliveryRejected, ErrorKind, HookMade,
    ListAsk, ParsedDelivery, PreparedIssue, Resource, TrackerClient, WebhookDelivery, Workspace,
};
use crate::domain::base::text::fold;
use crate::domain::tracker::{
    AssigneeSupport, Capabilities, Draft, DraftEdit, LabelNames, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage,
    RemoteRef, TrackerKind,
};

pub struct GitLabBackend {
    line: TrackerClient,
    names: LabelNames,
    capabilities: Capabilities,
    page_size: usize,
}

/// GitLab gives no more in a page.
const MOST: u32 = 100;

impl GitLabBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().find(|name| *name != "assignees") {
            return Err(format!("options.{name}: gitlab knows only assignees"));
        }
        let assignees = match options.option("assignees") {
            None | Some("one") => AssigneeSupport::One,
            Some("many") => AssigneeSupport::Many,
            Some(other) => return Err(format!("options.assignees: must be one or many (paid editions), not {other:?}")),
        };
        Ok(Self {
            // Personal, project and group tokens are taken so too, and those of OAuth only so.
            line: options.line.with_scheme(AuthScheme::Bearer),
            names: options.names,
            capabilities: convert::capabilities(assignees),
            page_size: options.page_size.clamp(1, MOST) as usize,
        })
    }

    async fn read_at<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<Option<T>, BackendError> {
        read_if_there(&self.line.send(call).await?, what)
    }

    /// At the path, or where that leads since its project has another name.
    async fn read_issue(&self, path: String) -> Result<Option<wire::Issue>, BackendError> {
        let answer = self.line.send(TrackerCall::get(&path)).await?;
        match self.line.leads_to(&answer) {
            Some(to) => self.read_at(TrackerCall::get(to), "the issue").await,
            None => read_if_there(&answer, "the issue"),
        }
    }

    async fn moved(&self, number: i64, place: &Project) -> Result<Option<wire::Issue>, BackendError> {
        let answer = self.line.send(TrackerCall::post("/api/graphql").json(&wire::Question::whereabouts(number)).reads()).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let told: wire::Told = read_json(&answer, "where an issue was moved to")?;
        let told = told.data.and_then(|data| data.issue).and_then(|issue| convert::referenced(&issue.reference, place));
        match told {
            Some((place, iid)) => self.read_issue(format!("{}/issues/{iid}", project(&place))).await,
            None => Ok(None),
        }
    }

    async fn write_for<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err)
    }

    fn first(&self, pairs: &[(&str, &str)]) -> Query {
        let size = ("per_page".to_owned(), self.page_size.to_string());
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain([size]).collect()
    }

    /// One page, and what the next is asked for with.
    async fn page<T: DeserializeOwned>(&self, path: &str, query: &Query, what: &str) -> Result<(Vec<T>, Option<Query>), BackendError> {
        self.read_page(&self.line.send(paging::asked(TrackerCall::get(path), query)).await?, query, what)
    }

    fn read_page<T: DeserializeOwned>(
        &self,
        answer: &HttpAnswer,
        query: &Query,
        what: &str,
    ) -> Result<(Vec<T>, Option<Query>), BackendError> {
        if let Some(error) = wire::refusal(answer) {
            return Err(error);
        }
        let items: Vec<T> = read_json(answer, what)?;
        let next = paging::next(answer, query, items.len() >= self.page_size);
        Ok((items, next))
    }

    /// All pages, until one says that it is enough.
    async fn until<T: DeserializeOwned>(
        &self,
        path: &str,
        first: Query,
        what: &str,
        enough: impl Fn(&T) -> bool + Send,
    ) -> Result<Vec<T>, BackendError> {
        let (mut all, mut query) = (Vec::new(), first);
        for _ in 0..PAGES {
            let (items, next): (Vec<T>, _) = self.page(path, &query, what).await?;
            let done = items.iter().any(&enough);
            all.extend(items);
            match next.filter(|_| !done) {
                Some(next) => query = next,
                None => return Ok(all),
            }
        }
        Err(BackendError::unreadable(what, "the list does not end"))
    }

    /// The project's own, or one of the groups above it.
    async fn milestone(&self, place: &Project, title: &str) -> Result<i64, BackendError> {
        let path = format!("{}/milestones", project(place));
        let first = self.first(&[("title", title), ("include_parent_milestones", "true")]);
        let known: Vec<wire::Milestone> = self.until(&path, first, "milestones", |_| false).await?;
        if let Some(found) = known.into_iter().find(|milestone| fold(&milestone.title) == fold(title)) {
            return Ok(found.id);
        }
        // Titles are unique there: made twice, the second one is refused, so a lost answer leaves no doubt.
        let answer = self.line.send(TrackerCall::post(&path).json(&wire::NewMilestone { title }).reads()).await?;
        if wire::is_there_already(&answer) {
            let message = format!("the milestone {title:?} was created by another client just now");
            return Err(BackendError::new(ErrorKind::Retry { after: None }, message));
        }
        wire::refusal(&answer).map_or_else(|| read_json::<wire::Milestone>(&answer, "the milestone"), Err).map(|made| made.id)
    }

    /// The numbers of people by their names. Those in `known` are not looked up.
    async fn ids(&self, names: &[String], known: &[wire::User]) -> Result<Vec<i64>, BackendError> {
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            ids.push(match convert::id_of(known, name) {
                Some(id) => id,
                None => self.id(name).await?,
            });
        }
        Ok(ids)
    }

    async fn id(&self, name: &str) -> Result<i64, BackendError> {
        let (found, _): (Vec<wire::User>, _) = self.page("/api/v4/users", &self.first(&[("username", name)]), "a user").await?;
        let message = || format!("no user there is called {name:?}: correct the backend's users");
        convert::id_of(&found, name).ok_or_else(|| BackendError::new(ErrorKind::Denied, message()))
    }

    async fn assignees(&self, at: &RemoteRef, edit: &DraftEdit<'_>) -> Result<Option<Vec<i64>>, BackendError> {
        let Some(change) = edit.assignees() else { return Ok(None) };
        let there: Option<wire::Issue> = self.read_at(TrackerCall::get(issue(at)), "the issue").await?;
        let there = there.map(|issue| issue.assignees).unwrap_or_default();
        let names = convert::people(&there, &change, self.capabilities.assignees);
        self.ids(&names, &there).await.map(Some)
    }

    fn remote(&self, issue: wire::Issue, project: &Project) -> RemoteIssue {
        convert::remote(issue, project, &self.names, &self.capabilities)
    }

    async fn missing_in(&self, place: &Project) -> Result<Vec<String>, BackendError> {
        let found: Option<wire::Project> = match self.read_at(TrackerCall::get(project(place)), "the project").await {
            Err(error) if error.trouble == ErrorKind::Denied => return Ok(vec![format!("the token lacks the scope api: {error}")]),
            read => read?,
        };
        let Some(found) = found else {
            return Ok(vec![format!("{place} is not there, or the token may not see it: make its account a member")]);
        };
        let mut missing = Vec::new();
        if found.archived == Some(true) {
            missing.push(format!("{place} is archived: nothing can be filed there"));
        }
        if found.issues_enabled == Some(false) {
            missing.push(format!("{place} has no issues: switch them on in its settings"));
        }
        if convert::may_write(&found) == Some(false) {
            missing.push(format!("the account may not label or assign in {place}: give it the role of a reporter, or one above"));
        }
        Ok(missing)
    }
}

/// How often an issue may have been moved on.
const HOPS: usize = 5;

fn read_if_there<T: DeserializeOwned>(answer: &HttpAnswer, what: &str) -> Result<Option<T>, BackendError> {
    if [404, 410].contains(&answer.status) {
        return Ok(None);
    }
    wire::refusal(answer).map_or_else(|| read_json(answer, what).map(Some), Err)
}

fn project(project: &Project) -> String {
    format!("/api/v4/projects/{}", segment(&format!("{}/{}", project.owner, project.repo)))
}

fn issue(at: &RemoteRef) -> String {
    format!("{}/issues/{}", project(&at.place), segment(&at.id))
}

fn notes(at: &RemoteRef) -> String {
    format!("{}/notes", issue(at))
}

/// What the credential is a member of; read by number, so that nothing is passed over.
const MEMBER_OF: &[(&str, &str)] = &[("membership", "true"), ("pagination", "keyset"), ("order_by", "id"), ("sort", "asc")];

#[async_trait]
impl Backend for GitLabBackend {
    fn kind(&self) -> TrackerKind {
        TrackerKind::GitLab
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn needs(&self) -> &'static [ProjectField] {
        &[ProjectField::Owner, ProjectField::Repo]
    }

    fn canonical(&self, text: &str) -> String {
        convert::canonical(text)
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.line.clock_ahead()
    }

    async fn prepare(&self, place: &Project, draft: &Draft, _marker: &Marker) -> Result<PreparedIssue, BackendError> {
        let people = self.ids(&draft.assignees, &[]).await?;
        let milestone = match &draft.milestone {
            Some(title) => Some(self.milestone(place, title).await?),
            None => None,
        };
        let labels = draft.all_labels(&self.names, &self.capabilities);
        let call = TrackerCall::post(format!("{}/issues", project(place))).json(&convert::create(draft, &labels, people, milestone));
        Ok(PreparedIssue { call, project: place.clone(), carried: convert::carried(draft) })
    }

    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, carried } = prepared;
        let made: wire::Made = self.write_for(call, "the new issue").await?;
        Ok(CreatedRemote { at: convert::at(made.iid, &project, made.web_url), carried })
    }

    /// In the order of creation: what is made meanwhile comes last.
    async fn find_by_marker(&self, place: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        let since = moment(since - CLOCK_SKEW);
        let first = self.first(&[("created_after", &since), ("order_by", "created_at"), ("sort", "asc")]);
        let all: Vec<wire::Issue> = self.until(&format!("{}/issues", project(place)), first, "issues", |_| false).await?;
        let ours = |issue: &wire::Issue| issue.description.as_deref().is_some_and(|body| marker.is_in(body));
        // The oldest, so that every search finds the same.
        let found = all.into_iter().filter(ours).min_by_key(|issue| issue.iid);
        Ok(found.map(|issue| self.remote(issue, place)))
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        let Some(mut found) = self.read_issue(issue(at)).await? else { return Ok(None) };
        for _ in 0..HOPS {
            let Some(moved) = found.moved_to_id else { break };
            // Where it went may not be for our eyes: then what is left of it is all there is.
            let Some(next) = self.moved(moved, &at.place).await? else { break };
            found = next;
        }
        let mut remote = self.remote(found, &at.place);
        if !remote.moved_away {
            remote.relations = self.relations(&remote.at).await?;
        }
        Ok(Some(remote))
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, _version: Option<&str>) -> Result<(), BackendError> {
        let people = self.assignees(at, edit).await?;
        let milestone = match edit.milestone() {
            None => None,
            Some(None) => Some(0),
            Some(Some(title)) => Some(self.milestone(&at.place, title).await?),
        };
        let labels = edit.labels(&self.names, &self.capabilities);
        if let Some(body) = convert::edit(edit, labels, people, milestone) {
            let answer = self.line.send(TrackerCall::put(issue(at)).json(&body)).await?;
            wire::refusal(&answer).map_or(Ok(()), Err)?;
        }
        match edit.relations() {
            Some(change) => self.relate(at, &change).await,
            None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let call = TrackerCall::post(notes(at)).json(&wire::Text { body: convert::harmless(body) });
        let made: wire::Note = self.write_for(call, "the new comment").await?;
        Ok(convert::comment(made, at))
    }

    /// Newest first, down to the moment: what is written meanwhile moves the rest further back, where it is still to be read.
    async fn find_comment(&self, at: &RemoteRef, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError> {
        let first = self.first(&[("order_by", "created_at"), ("sort", "desc")]);
        let since = since - CLOCK_SKEW;
        let all = self.until(&notes(at), first, "comments", |note: &wire::Note| note.created_at < since).await?;
        let ours = |note: &wire::Note| !note.system && note.body.as_deref().is_some_and(|body| marker.is_in(body));
        Ok(all.into_iter().filter(ours).min_by_key(|note| note.id).map(|note| convert::comment(note, at)))
    }

    async fn edit_comment(&self, at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError> {
        let call = TrackerCall::put(format!("{}/{}", notes(at), segment(comment))).json(&wire::Text { body: convert::harmless(body) });
        let answer = self.line.send(call).await?;
        if answer.status == 404 { Ok(false) } else { wire::refusal(&answer).map_or(Ok(true), Err) }
    }

    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        let answer = self.line.send(TrackerCall::delete(format!("{}/{}", notes(at), segment(comment)))).await?;
        if answer.status == 404 { Ok(()) } else { wire::refusal(&answer).map_or(Ok(()), Err) }
    }

    async fn list(&self, place: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        let turn = ChangesCursor::new(ask.since, ask.page);
        let mut query = self.first(&[("order_by", "updated_at"), ("sort", "asc")]);
        query.extend(turn.since.map(|since| ("updated_after".to_owned(), moment(since))));
        query.push(("page".to_owned(), turn.page.to_string()));
        let call = paging::asked(TrackerCall::get(format!("{}/issues", project(place))), &query);
        let answer = self.line.send(call.unless(ask.condition())).await?;
        if let Some(unchanged) = ChangesPage::none(ask, &answer) {
            return Ok(unchanged);
        }
        let (items, next): (Vec<wire::Issue>, _) = self.read_page(&answer, &query, "issues")?;
        let next = next.map(|_| turn.after(items.last().map(|last| last.updated_at)).to_string());
        Ok(ChangesPage::new(items.into_iter().map(|issue| self.remote(issue, place)).collect(), next, ask, &answer))
    }

    async fn comments(&self, at: &RemoteRef, page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let query = page.map_or_else(|| self.first(&[("order_by", "created_at"), ("sort", "asc")]), paging::read);
        let (items, next): (Vec<wire::Note>, _) = self.page(&notes(at), &query, "comments").await?;
        let said = items.into_iter().filter(|note| !note.system);
        Ok(RemotePage { items: said.map(|note| convert::comment(note, at)).collect(), next: next.as_ref().map(paging::written) })
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let answer = self.line.send(TrackerCall::get("/api/v4/user")).await?;
        let mut checked = CheckReport::default();
        match wire::refusal(&answer) {
            Some(error) if error.trouble == ErrorKind::Paused => {
                checked.missing.push("the token is refused: make a new one, with the scope api".to_owned());
                return Ok(checked);
            }
            Some(error) if error.trouble == ErrorKind::Denied => checked.missing.push("the token lacks the scope api".to_owned()),
            Some(error) => return Err(error),
            None => checked.account = Some(read_json::<wire::User>(&answer, "the account")?.username),
        }
        if let Some(project) = project {
            checked.missing.extend(self.missing_in(project).await?);
        }
        Ok(checked)
    }

    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let projects: Vec<wire::Project> = self.until("/api/v4/projects", self.first(MEMBER_OF), "projects", |_| false).await?;
        let mut items: Vec<Workspace> = Vec::new();
        for workspace in projects.into_iter().filter_map(|project| project.namespace).map(convert::workspace) {
            if !items.iter().any(|known| known.id == workspace.id) {
                items.push(workspace);
            }
        }
        Ok(RemotePage { items, next: None })
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        let query = page.map_or_else(|| self.first(MEMBER_OF), paging::read);
        let (projects, next): (Vec<wire::Project>, _) = self.page("/api/v4/projects", &query, "projects").await?;
        let there = |project: &wire::Project| project.namespace.as_ref().is_some_and(|group| group.id.to_string() == workspace);
        let items = projects.into_iter().filter(there).filter_map(convert::resource).collect();
        Ok(RemotePage { items, next: next.as_ref().map(paging::written) })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }
}
