//! Gitea and Forgejo, which speak the same API (`/api/v1`).
//!
//! A project is `owner` and `repo`. Labels and milestones are numbers there: they are looked up by
//! name, and created if they are missing (`ids`). Editing people replaces them, so they are read
//! first. Dependencies are not used. A server may limit pages below the requested size, so only an
//! empty page, or the total that it returns, is the end.

mod convert;
mod delivery;
mod ids;
mod registration;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::client::{AuthScheme, TrackerCall, read_json, segment};
use super::http::HttpAnswer;
use super::{
    Backend, BackendError, BackendOptions, CLOCK_SKEW, ChangesPage, CheckReport, CreatedRemote, DeliveryRejected, ErrorKind, HookMade,
    ListAsk, ParsedDelivery, PreparedIssue, Resource, TrackerClient, WebhookDelivery, Workspace,
};
use crate::domain::tracker::{
    Capabilities, Draft, DraftEdit, LabelNames, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage, RemoteRef,
    SetChange, TrackerKind,
};

pub struct GiteaBackend {
    kind: TrackerKind,
    line: TrackerClient,
    names: LabelNames,
    page_size: u32,
    ids: ids::ProjectIds,
}

/// More pages than any repository has: a server that never ends its list is not believed.
const PAGES: u32 = 10_000;

impl GiteaBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().next() {
            return Err(format!("options.{name}: {} has no options of its own", options.kind));
        }
        Ok(Self {
            kind: options.kind,
            line: options.line.with_scheme(AuthScheme::Word("token")),
            names: options.names,
            page_size: options.page_size,
            ids: ids::ProjectIds::default(),
        })
    }

    async fn get<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let answer = self.line.send(call).await?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err)
    }

    /// One page, and whether there may be another. `seen` is how many came before it.
    async fn page<T: DeserializeOwned>(
        &self,
        call: TrackerCall,
        page: u32,
        seen: usize,
        what: &str,
    ) -> Result<(Vec<T>, bool), BackendError> {
        read_page(&self.line.send(self.paged(call, page)).await?, seen, what)
    }

    fn paged(&self, call: TrackerCall, page: u32) -> TrackerCall {
        call.query("page", page.to_string()).query("limit", self.page_size.to_string())
    }

    async fn all<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<Vec<T>, BackendError> {
        let mut all = Vec::new();
        for page in 1..PAGES {
            let (items, more) = self.page(call.clone(), page, all.len(), what).await?;
            all.extend(items);
            if !more {
                return Ok(all);
            }
        }
        Err(BackendError::unreadable(what, "the list does not end"))
    }

    /// Something that must be there before an issue can name it. That it was made twice is no harm, so a lost answer is no doubt.
    async fn make<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let prepared = |error: BackendError| match error.trouble {
            ErrorKind::Unknown => BackendError::new(ErrorKind::Retry { after: None }, error.message),
            ErrorKind::Retry { .. }
            | ErrorKind::Limited { .. }
            | ErrorKind::Paused
            | ErrorKind::Denied
            | ErrorKind::Stale
            | ErrorKind::Fail => error,
        };
        let answer = self.line.send(call).await.map_err(prepared)?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err).map_err(prepared)
    }

    /// One at a time is how Gitea takes labels off. One that is off already, or is gone altogether, is fine.
    async fn change_labels(&self, at: &RemoteRef, change: &SetChange) -> Result<(), BackendError> {
        let path = format!("{}/labels", issue(at));
        if !change.add.is_empty() {
            let labels = self.label_ids(&at.place, &change.add).await?;
            let answer = self.line.send(TrackerCall::post(&path).json(&wire::Labels { labels })).await?;
            wire::refusal(&answer).map_or(Ok(()), Err)?;
        }
        if change.remove.is_empty() {
            return Ok(());
        }
        let known: Vec<wire::Label> = self.get(TrackerCall::get(&path), "the issue's labels").await?;
        for id in change.remove.iter().filter_map(|name| ids::id_of(&known, name)) {
            let answer = self.line.send(TrackerCall::delete(format!("{path}/{id}"))).await?;
            if ![404, 422].contains(&answer.status) {
                wire::refusal(&answer).map_or(Ok(()), Err)?;
            }
        }
        Ok(())
    }

    async fn read_issue(&self, at: &RemoteRef) -> Result<Option<wire::Issue>, BackendError> {
        let answer = self.line.send(TrackerCall::get(issue(at))).await?;
        if [404, 410].contains(&answer.status) {
            return Ok(None);
        }
        wire::refusal(&answer).map_or_else(|| read_json(&answer, "the issue").map(Some), Err)
    }

    /// People are replaced as a whole: those that are there, with the change.
    async fn people(&self, at: &RemoteRef, edit: &DraftEdit<'_>) -> Result<Option<Vec<String>>, BackendError> {
        let Some(change) = edit.assignees() else { return Ok(None) };
        let there = self.read_issue(at).await?.and_then(|issue| issue.assignees).unwrap_or_default();
        let there: Vec<String> = there.into_iter().map(|user| user.login).collect();
        Ok(Some(change.applied_to(&there)))
    }

    fn remote(&self, issue: wire::Issue, project: &Project) -> Result<RemoteIssue, BackendError> {
        convert::remote(issue, project, &self.names).map_err(|why| BackendError::unreadable("an issue", why))
    }
}

/// What is in a page, and whether there may be another.
fn read_page<T: DeserializeOwned>(answer: &HttpAnswer, seen: usize, what: &str) -> Result<(Vec<T>, bool), BackendError> {
    if let Some(error) = wire::refusal(answer) {
        return Err(error);
    }
    let items: Vec<T> = read_json(answer, what)?;
    let more = !items.is_empty() && wire::total(answer).is_none_or(|total| seen + items.len() < total);
    Ok((items, more))
}

fn repo(project: &Project) -> String {
    format!("/api/v1/repos/{}/{}", segment(&project.owner), segment(&project.repo))
}

fn issue(at: &RemoteRef) -> String {
    format!("{}/issues/{}", repo(&at.place), segment(&at.id))
}

fn comment_path(at: &RemoteRef, comment: &str) -> String {
    format!("{}/issues/comments/{}", repo(&at.place), segment(comment))
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[async_trait]
impl Backend for GiteaBackend {
    fn kind(&self) -> TrackerKind {
        self.kind
    }

    fn capabilities(&self) -> &Capabilities {
        &convert::CAPABILITIES
    }

    fn needs(&self) -> &'static [ProjectField] {
        &[ProjectField::Owner, ProjectField::Repo]
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.line.clock_ahead()
    }

    async fn prepare(&self, project: &Project, draft: &Draft, _marker: &Marker) -> Result<PreparedIssue, BackendError> {
        let labels = self.label_ids(project, &draft.all_labels(&self.names, &convert::CAPABILITIES)).await?;
        let milestone = match &draft.milestone {
            Some(title) => Some(self.milestone_id(project, title).await?),
            None => None,
        };
        let call = TrackerCall::post(format!("{}/issues", repo(project))).json(&convert::create(draft, labels, milestone));
        Ok(PreparedIssue { call, project: project.clone(), carried: draft.clone() })
    }

    /// The server ignores an id that is gone, in silence. So the labels that the answer lacks are
    /// not carried: an update sends them again, with ids that are looked up again.
    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, mut carried } = prepared;
        let answer = self.line.send(call).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::Issue = read_json(&answer, "the new issue")?;
        let at = convert::at(made.number, &project, made.html_url);
        if let Some(labels) = made.labels {
            let before = carried.labels.len();
            carried.labels.retain(|name| ids::id_of(&labels, name).is_some());
            if carried.labels.len() < before {
                self.ids.forget(&project).await;
            }
        }
        Ok(CreatedRemote { at, carried })
    }

    async fn find_by_marker(&self, project: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        let call = TrackerCall::get(format!("{}/issues", repo(project)))
            .query("state", "all")
            .query("type", "issues")
            .query("since", moment(since - CLOCK_SKEW));
        let all: Vec<wire::Issue> = self.all(call, "issues").await?;
        let ours = |issue: &wire::Issue| issue.pull_request.is_none() && issue.body.as_deref().is_some_and(|body| marker.is_in(body));
        // The oldest, so that every search finds the same.
        let found = all.into_iter().filter(ours).min_by_key(|issue| issue.number);
        found.map(|issue| self.remote(issue, project)).transpose()
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        self.read_issue(at).await?.map(|issue| self.remote(issue, &at.place)).transpose()
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, version: Option<&str>) -> Result<(), BackendError> {
        let assignees = self.people(at, edit).await?;
        let milestone = match edit.milestone() {
            None => None,
            Some(None) => Some(0),
            Some(Some(title)) => Some(self.milestone_id(&at.place, title).await?),
        };
        if let Some(body) = convert::edit(edit, assignees, milestone, version) {
            let answer = self.line.send(TrackerCall::patch(issue(at)).json(&body)).await?;
            let error = if body.content_version.is_some() { wire::refusal_of_edition(&answer) } else { wire::refusal(&answer) };
            error.map_or(Ok(()), Err)?;
        }
        match edit.labels(&self.names, &convert::CAPABILITIES) {
            Some(change) => self.change_labels(at, &change).await,
            None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let answer = self.line.send(TrackerCall::post(format!("{}/comments", issue(at))).json(&wire::Text { body })).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(error);
        }
        let made: wire::Comment = read_json(&answer, "the new comment")?;
        convert::comment(made).map_err(|why| BackendError::new(ErrorKind::Unknown, format!("the new comment: {why}")))
    }

    async fn find_comment(&self, at: &RemoteRef, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError> {
        let call = TrackerCall::get(format!("{}/comments", issue(at))).query("since", moment(since - CLOCK_SKEW));
        let all: Vec<wire::Comment> = self.get(call, "comments").await?;
        let found = all
            .into_iter()
            .filter(|comment| comment.body.as_deref().is_some_and(|body| marker.is_in(body)))
            .min_by_key(|comment| comment.id);
        found.map(|found| convert::comment(found).map_err(|why| BackendError::unreadable("a comment", why))).transpose()
    }

    async fn edit_comment(&self, at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError> {
        let answer = self.line.send(TrackerCall::patch(comment_path(at, comment)).json(&wire::Text { body })).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        wire::refusal(&answer).map_or(Ok(true), Err)
    }

    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        let answer = self.line.send(TrackerCall::delete(comment_path(at, comment))).await?;
        if answer.status == 404 { Ok(()) } else { wire::refusal(&answer).map_or(Ok(()), Err) }
    }

    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        let mut call = TrackerCall::get(format!("{}/issues", repo(project))).query("state", "all").query("type", "issues");
        if let Some(since) = ask.since {
            call = call.query("since", moment(since));
        }
        let number = page_number(ask.page);
        let answer = self.line.send(self.paged(call, number).unless(ask.condition())).await?;
        if let Some(unchanged) = ChangesPage::none(ask, &answer) {
            return Ok(unchanged);
        }
        let (items, more): (Vec<wire::Issue>, bool) = read_page(&answer, 0, "issues")?;
        let items = items.into_iter().filter(|issue| issue.pull_request.is_none()).map(|issue| self.remote(issue, project));
        let next = more.then(|| (number + 1).to_string());
        Ok(ChangesPage::new(items.collect::<Result<_, _>>()?, next, ask, &answer))
    }

    /// Gitea gives all of them at once.
    async fn comments(&self, at: &RemoteRef, _page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let all: Vec<wire::Comment> = self.get(TrackerCall::get(format!("{}/comments", issue(at))), "comments").await?;
        let items = all.into_iter().map(|comment| convert::comment(comment).map_err(|why| BackendError::unreadable("a comment", why)));
        Ok(RemotePage { items: items.collect::<Result<_, _>>()?, next: None })
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let answer = self.line.send(TrackerCall::get("/api/v1/user")).await?;
        if answer.status == 401 {
            return Ok(CheckReport {
                account: None,
                missing: vec![
                    "the token is refused: make a new one, with the scopes write:issue, read:repository and read:user".to_owned(),
                ],
            });
        }
        let mut checked = CheckReport::default();
        match wire::refusal(&answer) {
            // A token may lack the scope that shows its user.
            Some(error) if error.trouble == ErrorKind::Denied => checked.missing.push("the token lacks the scope read:user".to_owned()),
            Some(error) => return Err(error),
            None => checked.account = Some(read_json::<wire::User>(&answer, "the account")?.login),
        }
        if let Some(project) = project {
            checked.missing.extend(self.missing_in(project).await?);
        }
        Ok(checked)
    }

    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let repos: Vec<wire::Repository> = self.all(TrackerCall::get("/api/v1/user/repos"), "repositories").await?;
        let mut items: Vec<Workspace> = Vec::new();
        for repo in repos {
            let workspace = convert::workspace(repo.owner, self.shown_base());
            if !items.iter().any(|known| known.id == workspace.id) {
                items.push(workspace);
            }
        }
        Ok(RemotePage { items, next: None })
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        let number = page_number(page);
        let (repos, more): (Vec<wire::Repository>, bool) =
            self.page(TrackerCall::get("/api/v1/user/repos"), number, 0, "repositories").await?;
        let items = repos
            .into_iter()
            .filter(|repo| repo.owner.id.to_string() == workspace)
            .map(|repo| convert::resource(repo, self.shown_base()))
            .collect();
        Ok(RemotePage { items, next: more.then(|| (number + 1).to_string()) })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(self.kind, delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }
}

/// A word that is no number of ours begins at the beginning.
fn page_number(page: Option<&str>) -> u32 {
    page.and_then(|page| page.parse().ok()).unwrap_or(1)
}

impl GiteaBackend {
    /// Where people see it; through the proxy that is not known.
    fn shown_base(&self) -> &str {
        if self.line.is_direct() { self.line.base() } else { "" }
    }

    async fn missing_in(&self, project: &Project) -> Result<Vec<String>, BackendError> {
        let answer = self.line.send(TrackerCall::get(repo(project))).await?;
        if answer.status == 404 {
            return Ok(vec![format!("{project} is not there, or the token's account may not see it")]);
        }
        if let Some(error) = wire::refusal(&answer) {
            return if error.trouble == ErrorKind::Denied {
                Ok(vec!["the token lacks the scope read:repository".to_owned()])
            } else {
                Err(error)
            };
        }
        let found: wire::Repository = read_json(&answer, "the repository")?;
        let mut missing = Vec::new();
        if found.archived == Some(true) {
            missing.push(format!("{project} is archived: nothing can be filed there"));
        }
        if found.has_issues == Some(false) {
            missing.push(format!("{project} has no issues: switch them on in its settings"));
        }
        if found.permissions.is_some_and(|may| !may.push) {
            missing.push(format!(
                "the token's account may not write to {project}, which labels and milestones need: make it a collaborator with write access"
            ));
        }
        Ok(missing)
    }
}
