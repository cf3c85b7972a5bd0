//! GitHub and GitHub Enterprise (REST, version 2022-11-28).
//!
//! A project is `owner` and `repo`. Labels go by name, and missing ones are created; milestones go
//! by number and are looked up or created. The list of issues holds pull requests, which are left
//! out. The credential is a token, or the private key of an app (`app`). The line knows the server
//! (`https://api.github.com`, `https://ghe.example.org/api/v3`).

mod account;
mod app;
mod convert;
mod delivery;
mod registration;
mod relations;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use self::app::GitHubApp;
use super::client::{AuthScheme, TrackerCall, read_json, segment};
use super::http::HttpAnswer;
use super::http::header::AUTHORIZATION;
use super::paging::{self, ChangesCursor, PAGES, Query, moment};
use super::{
    Backend, BackendError, BackendOptions, CLOCK_SKEW, ChangesPage, CheckReport, CreatedRemote, DeliveryRejected, ErrorKind, HookMade,
    ListAsk, ParsedDelivery, PreparedIssue, Resource, TrackerClient, WebhookDelivery, Workspace,
};
use crate::domain::base::text::fold;
use crate::domain::tracker::{
    Capabilities, Draft, DraftEdit, LabelNames, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage, RemoteRef,
    SetChange, TrackerKind,
};

pub struct GitHubBackend {
    line: TrackerClient,
    /// Directly only: the proxy has a credential of its own.
    app: Option<GitHubApp>,
    names: LabelNames,
    page_size: usize,
}

/// GitHub gives no more in a page.
const MOST: u32 = 100;

impl GitHubBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().find(|name| !["app_id", "installation_id"].contains(&name.as_str())) {
            return Err(format!("options.{name}: github knows only app_id and installation_id"));
        }
        let app = match (options.option("app_id"), options.option("installation_id")) {
            (Some(id), Some(installation)) => Some(GitHubApp::new(id, installation)),
            (None, None) => None,
            (Some(_), None) => return Err("options.installation_id: is needed with app_id".to_owned()),
            (None, Some(_)) => return Err("options.app_id: is needed with installation_id".to_owned()),
        };
        let scheme = if app.is_some() { AuthScheme::Own } else { AuthScheme::Bearer };
        let line = options.line.with_scheme(scheme);
        let line = line.with_header("accept", "application/vnd.github+json").with_header("x-github-api-version", "2022-11-28");
        let app = app.filter(|_| line.is_direct());
        Ok(Self { line, app, names: options.names, page_size: options.page_size.clamp(1, MOST) as usize })
    }

    async fn send(&self, call: TrackerCall) -> Result<HttpAnswer, BackendError> {
        let Some(app) = &self.app else { return self.line.send(call).await };
        let pass = app.pass(&self.line).await?;
        let answer = self.line.send(call.header(AUTHORIZATION, &format!("Bearer {}", pass.token.expose_secret()))).await?;
        if answer.status == 401 {
            app.forget(&pass.token).await;
            if !pass.fresh {
                let message = "the installation's token is no longer taken: the next attempt makes another";
                return Err(BackendError::new(ErrorKind::Retry { after: None }, message));
            }
        }
        Ok(answer)
    }

    async fn read_at<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<Option<T>, BackendError> {
        read_if_there(&self.send(call).await?, what)
    }

    /// Any successful answer is enough.
    async fn write(&self, call: TrackerCall) -> Result<(), BackendError> {
        wire::refusal(&self.send(call).await?).map_or(Ok(()), Err)
    }

    async fn write_for<T: DeserializeOwned>(&self, call: TrackerCall, what: &str) -> Result<T, BackendError> {
        let answer = self.send(call).await?;
        wire::refusal(&answer).map_or_else(|| read_json(&answer, what), Err)
    }

    /// Something may be gone already.
    async fn take_away(&self, call: TrackerCall) -> Result<(), BackendError> {
        let answer = self.send(call).await?;
        if [404, 410].contains(&answer.status) { Ok(()) } else { wire::refusal(&answer).map_or(Ok(()), Err) }
    }

    fn first(&self, pairs: &[(&str, String)]) -> Query {
        let size = ("per_page".to_owned(), self.page_size.to_string());
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain([size]).collect()
    }

    /// One page, and what the next is asked for with.
    async fn page<T: DeserializeOwned>(&self, path: &str, query: &Query, what: &str) -> Result<(Vec<T>, Option<Query>), BackendError> {
        self.read_page(&self.send(paging::asked(TrackerCall::get(path), query)).await?, query, what)
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

    async fn milestone(&self, project: &Project, title: &str) -> Result<i64, BackendError> {
        let path = format!("{}/milestones", repo(project));
        let first = self.first(&[("state", "all".to_owned())]);
        let known: Vec<wire::Milestone> = self.until(&path, first, "milestones", |_| false).await?;
        if let Some(found) = known.into_iter().find(|milestone| fold(&milestone.title) == fold(title)) {
            return Ok(found.number);
        }
        // Titles are unique there: made twice, the second one is refused, so a lost answer leaves no doubt.
        let answer = self.send(TrackerCall::post(&path).json(&wire::NewMilestone { title }).reads()).await?;
        if wire::is_there_already(&answer) {
            let message = format!("the milestone {title:?} was created by another client just now");
            return Err(BackendError::new(ErrorKind::Retry { after: None }, message));
        }
        wire::refusal(&answer).map_or_else(|| read_json::<wire::Milestone>(&answer, "the milestone"), Err).map(|made| made.number)
    }

    async fn change_labels(&self, at: &RemoteRef, change: &SetChange) -> Result<(), BackendError> {
        let path = format!("{}/labels", issue(at));
        if !change.add.is_empty() {
            self.write(TrackerCall::post(&path).json(&wire::Labels { labels: &change.add })).await?;
        }
        for label in &change.remove {
            self.take_away(TrackerCall::delete(format!("{path}/{}", segment(label)))).await?;
        }
        Ok(())
    }

    async fn change_people(&self, at: &RemoteRef, change: &SetChange) -> Result<(), BackendError> {
        let path = format!("{}/assignees", issue(at));
        if !change.add.is_empty() {
            self.write(TrackerCall::post(&path).json(&wire::Assignees { assignees: &change.add })).await?;
        }
        if !change.remove.is_empty() {
            self.write(TrackerCall::delete(&path).json(&wire::Assignees { assignees: &change.remove })).await?;
        }
        Ok(())
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

fn repo(project: &Project) -> String {
    format!("/repos/{}/{}", segment(&project.owner), segment(&project.repo))
}

fn issue(at: &RemoteRef) -> String {
    format!("{}/issues/{}", repo(&at.place), segment(&at.id))
}

fn comment_path(at: &RemoteRef, comment: &str) -> String {
    format!("{}/issues/comments/{}", repo(&at.place), segment(comment))
}

#[async_trait]
impl Backend for GitHubBackend {
    fn kind(&self) -> TrackerKind {
        TrackerKind::GitHub
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
        let milestone = match &draft.milestone {
            Some(title) => Some(self.milestone(project, title).await?),
            None => None,
        };
        let call = TrackerCall::post(format!("{}/issues", repo(project))).json(&convert::create(draft, &self.names, milestone));
        Ok(PreparedIssue { call, project: project.clone(), carried: convert::carried(draft) })
    }

    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, carried } = prepared;
        let made: wire::Made = self.write_for(call, "the new issue").await?;
        Ok(CreatedRemote { at: convert::at(made.number, &project, made.html_url), carried })
    }

    /// Newest first, down to the moment: what is made meanwhile moves the rest further back, where it is still to be read.
    async fn find_by_marker(&self, project: &Project, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        let first = self.first(&[("state", "all".to_owned()), ("sort", "created".to_owned()), ("direction", "desc".to_owned())]);
        let (path, since) = (format!("{}/issues", repo(project)), since - CLOCK_SKEW);
        let all = self.until(&path, first, "issues", |issue: &wire::Issue| issue.created_at < since).await?;
        let ours = |issue: &wire::Issue| issue.pull_request.is_none() && issue.body.as_deref().is_some_and(|body| marker.is_in(body));
        // The oldest, so that every search finds the same.
        let found = all.into_iter().filter(ours).min_by_key(|issue| issue.number);
        Ok(found.map(|issue| convert::remote(issue, project, &self.names)))
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        let mut path = issue(at);
        for _ in 0..HOPS {
            let answer = self.send(TrackerCall::get(&path)).await?;
            let Some(to) = self.line.leads_to(&answer) else {
                let Some(found): Option<wire::Issue> = read_if_there(&answer, "the issue")? else { return Ok(None) };
                let parent = relations::parent(&found);
                let remote = convert::remote(found, &at.place, &self.names);
                let relations = self.relations(&remote.at, parent).await?;
                return Ok(Some(RemoteIssue { relations, ..remote }));
            };
            path = to;
        }
        Err(BackendError::unreadable("the issue", "it is always somewhere else"))
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, _version: Option<&str>) -> Result<(), BackendError> {
        let milestone = match edit.milestone() {
            None => None,
            Some(None) => Some(serde_json::Value::Null),
            Some(Some(title)) => Some(self.milestone(&at.place, title).await?.into()),
        };
        if convert::reopens_first(edit) {
            self.write(TrackerCall::patch(issue(at)).json(&wire::EditIssue { state: Some("open"), ..wire::EditIssue::default() })).await?;
        }
        if let Some(body) = convert::edit(edit, milestone) {
            self.write(TrackerCall::patch(issue(at)).json(&body)).await?;
        }
        if let Some(change) = edit.labels(&self.names, &convert::CAPABILITIES) {
            self.change_labels(at, &change).await?;
        }
        if let Some(change) = edit.assignees() {
            self.change_people(at, &change).await?;
        }
        match edit.relations() {
            Some(change) => self.relate(at, &change).await,
            None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let call = TrackerCall::post(format!("{}/comments", issue(at))).json(&wire::Text { body });
        self.write_for(call, "the new comment").await.map(convert::comment)
    }

    async fn find_comment(&self, at: &RemoteRef, marker: &Marker, since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError> {
        let first = self.first(&[("since", moment(since - CLOCK_SKEW))]);
        let all: Vec<wire::Comment> = self.until(&format!("{}/comments", issue(at)), first, "comments", |_| false).await?;
        let ours = |comment: &wire::Comment| comment.body.as_deref().is_some_and(|body| marker.is_in(body));
        Ok(all.into_iter().filter(ours).min_by_key(|comment| comment.id).map(convert::comment))
    }

    async fn edit_comment(&self, at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError> {
        let answer = self.send(TrackerCall::patch(comment_path(at, comment)).json(&wire::Text { body })).await?;
        if [404, 410].contains(&answer.status) { Ok(false) } else { wire::refusal(&answer).map_or(Ok(true), Err) }
    }

    async fn delete_comment(&self, at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        self.take_away(TrackerCall::delete(comment_path(at, comment))).await
    }

    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        let turn = ChangesCursor::new(ask.since, ask.page);
        let words = [("state", "all"), ("sort", "updated"), ("direction", "asc")].map(|(name, value)| (name, value.to_owned()));
        let mut query = self.first(&words);
        query.extend(turn.since.map(|since| ("since".to_owned(), moment(since))));
        query.push(("page".to_owned(), turn.page.to_string()));
        let call = paging::asked(TrackerCall::get(format!("{}/issues", repo(project))), &query);
        let answer = self.send(call.unless(ask.condition())).await?;
        if let Some(unchanged) = ChangesPage::none(ask, &answer) {
            return Ok(unchanged);
        }
        let (items, next): (Vec<wire::Issue>, _) = self.read_page(&answer, &query, "issues")?;
        let next = next.map(|_| turn.after(items.last().map(|last| last.updated_at)).to_string());
        let issues = items.into_iter().filter(|issue| issue.pull_request.is_none());
        Ok(ChangesPage::new(issues.map(|issue| convert::remote(issue, project, &self.names)).collect(), next, ask, &answer))
    }

    async fn comments(&self, at: &RemoteRef, page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let query = page.map_or_else(|| self.first(&[]), paging::read);
        let (items, next): (Vec<wire::Comment>, _) = self.page(&format!("{}/comments", issue(at)), &query, "comments").await?;
        Ok(RemotePage { items: items.into_iter().map(convert::comment).collect(), next: next.as_ref().map(paging::written) })
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let account = match self.account().await? {
            Ok(account) => account,
            Err(missing) => return Ok(CheckReport { account: None, missing: vec![missing] }),
        };
        let missing = match project {
            Some(project) => self.missing_in(project).await?,
            None => Vec::new(),
        };
        Ok(CheckReport { account, missing })
    }

    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let (mut items, mut query): (Vec<Workspace>, _) = (Vec::new(), self.first(&[]));
        for _ in 0..PAGES {
            let (repos, next) = self.repository_page(&query).await?;
            for workspace in repos.into_iter().map(|repo| convert::workspace(repo.owner)) {
                if !items.iter().any(|known| known.id == workspace.id) {
                    items.push(workspace);
                }
            }
            match next {
                Some(next) => query = next,
                None => return Ok(RemotePage { items, next: None }),
            }
        }
        Err(BackendError::unreadable("repositories", "the list does not end"))
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        let query = page.map_or_else(|| self.first(&[]), paging::read);
        let (repos, next) = self.repository_page(&query).await?;
        let items = repos.into_iter().filter(|repo| repo.owner.id.to_string() == workspace).map(convert::resource).collect();
        Ok(RemotePage { items, next: next.as_ref().map(paging::written) })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }

    async fn redeliver(&self, project: &Project, url: &str, since: DateTime<Utc>) -> Result<u64, BackendError> {
        self.send_again(project, url, since).await
    }
}
