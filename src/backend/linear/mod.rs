//! Linear (GraphQL at `/graphql`).
//!
//! A project is `project`: the key of a team (`OPS`). The marker's UUID is the issue's own id, and
//! a comment's likewise, so nothing is created twice and everything is found by its id. Workflow
//! states are the team's own and are known by their type; labels and people go by id and are looked
//! up, missing labels are created in the team. A refusal can come with any status: `wire` reads it.

mod canonical;
mod convert;
mod delivery;
mod query;
mod registration;
mod relations;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Mutex;

use super::client::{AuthScheme, TrackerCall};
use super::http::HttpAnswer;
use super::paging::{PAGES, moment};
use super::{
    Backend, BackendError, BackendOptions, ChangesPage, CheckReport, CreatedRemote, DeliveryRejected, ErrorKind, HookMade, ListAsk,
    ParsedDelivery, PreparedIssue, Resource, TrackerClient, WebhookDelivery, Workspace,
};
use crate::domain::base::text::fold;
use crate::domain::tracker::{
    Capabilities, Draft, DraftEdit, LabelNames, Marker, Project, ProjectField, RemoteComment, RemoteIssue, RemotePage, RemoteRef,
    TrackerKind, UserMap,
};
use convert::{StateChange, WantedState};
use query::GraphqlOperation;

pub struct LinearBackend {
    line: TrackerClient,
    names: LabelNames,
    users: UserMap,
    page_size: u32,
    /// Linear refuses a second label of the same name: within one process only one call at a time makes what is missing.
    making: Mutex<()>,
}

/// More at once costs more than Linear lets one question cost.
const MOST: u32 = 50;

impl LinearBackend {
    pub fn new(options: BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().find(|name| *name != "token_type") {
            return Err(format!("options.{name}: linear knows only token_type"));
        }
        let scheme = match options.option("token_type") {
            None | Some("key") => AuthScheme::Bare,
            Some("oauth") => AuthScheme::Bearer,
            Some(other) => return Err(format!("options.token_type: must be key or oauth, not {other:?}")),
        };
        Ok(Self {
            line: options.line.with_scheme(scheme),
            names: convert::names(options.names),
            users: options.users,
            page_size: options.page_size.clamp(1, MOST),
            making: Mutex::new(()),
        })
    }

    async fn ask(&self, operation: &GraphqlOperation, variables: impl Serialize + Send) -> Result<HttpAnswer, BackendError> {
        self.line.send(TrackerCall::post("/graphql").json(&wire::Question::new(operation, variables)).reads()).await
    }

    async fn get<T: DeserializeOwned>(&self, operation: &GraphqlOperation, variables: impl Serialize + Send) -> Result<T, BackendError> {
        wire::data(&self.ask(operation, variables).await?, operation.name)
    }

    /// `None` where it is not there.
    async fn find<T: DeserializeOwned>(&self, operation: &GraphqlOperation, id: &str) -> Result<Option<T>, BackendError> {
        let answer = self.ask(operation, json!({"id": id})).await?;
        if wire::is_gone(&answer) { Ok(None) } else { wire::data(&answer, operation.name).map(Some) }
    }

    async fn change(&self, operation: &GraphqlOperation, variables: impl Serialize + Send) -> Result<HttpAnswer, BackendError> {
        self.line.send(TrackerCall::post("/graphql").json(&wire::Question::new(operation, variables))).await
    }

    /// Creates a record under an id of ours. If the id is taken, an earlier request did it, or one
    /// that is still on its way: the caller searches for it.
    async fn make<T: DeserializeOwned>(&self, operation: &GraphqlOperation, variables: impl Serialize + Send) -> Result<T, BackendError> {
        made_by(&self.change(operation, variables).await?, operation.name)
    }

    async fn team(&self, key: &str) -> Result<Option<wire::Team>, BackendError> {
        let found: wire::Teams = self.get(&query::TEAM, json!({"key": key})).await?;
        Ok(found.teams.nodes.into_iter().next())
    }

    async fn state(&self, team: &wire::Team, wanted: WantedState) -> Result<String, BackendError> {
        let found: wire::States = self.get(&query::STATES, json!({"team": team.id})).await?;
        let missing = || {
            let message = format!("the team {} has no workflow state of the type {}: add one in its settings", team.key, wanted.types());
            BackendError::new(ErrorKind::Denied, message)
        };
        wanted.among(&found.workflow_states.nodes).map(|state| state.id.clone()).ok_or_else(missing)
    }

    /// Of the team, or of everybody; one that is missing is made in the team.
    async fn label_ids(&self, team: &wire::Team, names: &[String]) -> Result<Vec<String>, BackendError> {
        let known = self.labels(team, names).await?;
        if let Some(ids) = names.iter().map(|name| id_of(&known, name)).collect() {
            return Ok(ids);
        }
        let _turn = self.making.lock().await;
        let known = self.labels(team, names).await?;
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            ids.push(match id_of(&known, name) {
                Some(id) => id,
                None => self.make_label(team, name).await?,
            });
        }
        Ok(ids)
    }

    async fn labels(&self, team: &wire::Team, names: &[String]) -> Result<Vec<wire::Label>, BackendError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let any: Vec<_> = names.iter().map(|name| json!({"name": {"eqIgnoreCase": name}})).collect();
        let filter = json!({"and": [{"or": [{"team": {"id": {"eq": team.id}}}, {"team": {"null": true}}]}, {"or": any}]});
        let known: wire::Labels = self.get(&query::LABELS, json!({"filter": filter})).await?;
        Ok(known.issue_labels.nodes.into_iter().filter(|label| !label.is_group).collect())
    }

    /// Names are unique there: made twice, the second one is refused, so a lost answer leaves no doubt.
    async fn make_label(&self, team: &wire::Team, name: &str) -> Result<String, BackendError> {
        let answer = self.ask(&query::LABEL_CREATE, json!({"input": {"name": name, "teamId": team.id}})).await?;
        if wire::is_duplicate(&answer) {
            let message =
                format!("the label {name:?} was created by another client just now, or holds others and cannot be put on an issue");
            return Err(BackendError::new(ErrorKind::Retry { after: None }, message));
        }
        let made: wire::LabelCreate = wire::data(&answer, "the label")?;
        Ok(made.issue_label_create.issue_label.id)
    }

    async fn person(&self, name: &str) -> Result<String, BackendError> {
        let found: wire::Users = self.get(&query::PERSON, json!({"name": name})).await?;
        let message = || format!("no user there has the address or display name {name:?}: correct the backend's users");
        convert::person(found.users.nodes, name).ok_or_else(|| BackendError::new(ErrorKind::Denied, message()))
    }

    async fn found(&self, project: &Project, draft: &Draft) -> Result<convert::LinearLookups, BackendError> {
        let Some(team) = self.team(&project.project).await? else {
            return Err(BackendError::new(ErrorKind::Denied, no_team(project)));
        };
        Ok(convert::LinearLookups {
            labels: self.label_ids(&team, &draft.all_labels(&self.names, &convert::CAPABILITIES)).await?,
            assignee: match draft.assignees.first() {
                Some(name) => Some(self.person(name).await?),
                None => None,
            },
            state: match convert::wanted_at_birth(draft) {
                Some(wanted) => Some(self.state(&team, wanted).await?),
                None => None,
            },
            team: team.id,
        })
    }

    /// Where the issue is now: its team may have changed, and so have its states and labels.
    async fn with_ground(&self, at: &RemoteRef, edit: &DraftEdit<'_>, change: &mut wire::EditIssue<'_>) -> Result<(), BackendError> {
        let (wanted, labels, people) = (convert::wanted(edit), edit.labels(&self.names, &convert::CAPABILITIES), edit.assignees());
        if wanted.is_none() && labels.is_none() && people.is_none() {
            return Ok(());
        }
        let ground = self.get::<wire::OneGround>(&query::GROUND, json!({"id": at.id})).await?.issue;
        if let Some(wanted) = wanted {
            change.state_id = Some(self.state(&ground.team, wanted).await?);
        }
        if let Some(labels) = labels {
            let new: Vec<String> = labels.add.into_iter().filter(|name| id_of(&ground.labels.nodes, name).is_none()).collect();
            change.added_label_ids = self.label_ids(&ground.team, &new).await?;
            change.removed_label_ids = labels.remove.iter().filter_map(|name| id_of(&ground.labels.nodes, name)).collect();
        }
        if let Some(people) = people {
            change.assignee_id = match convert::assignee(ground.assignee.as_ref(), &people) {
                Some(StateChange::Of(name)) => Some(self.person(&name).await?.into()),
                Some(StateChange::Nobody) => Some(serde_json::Value::Null),
                None => None,
            };
        }
        Ok(())
    }

    fn remote(&self, issue: wire::Issue, project: &Project) -> RemoteIssue {
        convert::remote(issue, project, &self.names, &self.users)
    }
}

fn no_team(project: &Project) -> String {
    format!("there is no team with the key {}, or the credential may not see it", project.project)
}

fn id_of(labels: &[wire::Label], name: &str) -> Option<String> {
    labels.iter().find(|label| fold(&label.name) == fold(name)).map(|label| label.id.clone())
}

fn no_id(marker: &impl std::fmt::Display) -> BackendError {
    BackendError::new(ErrorKind::Fail, format!("the marker {marker} holds no id"))
}

/// The answer to a creation under an id of ours. An id that is taken may be ours, from a request whose answer was lost.
fn made_by<T: DeserializeOwned>(answer: &HttpAnswer, name: &str) -> Result<T, BackendError> {
    if wire::is_taken(answer) {
        return Err(BackendError::new(ErrorKind::Unknown, "something with this id is there already"));
    }
    wire::data(answer, name)
}

#[async_trait]
impl Backend for LinearBackend {
    fn kind(&self) -> TrackerKind {
        TrackerKind::Linear
    }

    fn capabilities(&self) -> &Capabilities {
        &convert::CAPABILITIES
    }

    fn needs(&self) -> &'static [ProjectField] {
        &[ProjectField::Project]
    }

    fn canonical(&self, text: &str) -> String {
        canonical::form(text)
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.line.clock_ahead()
    }

    async fn prepare(&self, project: &Project, draft: &Draft, marker: &Marker) -> Result<PreparedIssue, BackendError> {
        let id = convert::id_of(marker).ok_or_else(|| no_id(marker))?;
        let found = self.found(project, draft).await?;
        let variables = json!({"input": convert::create(draft, id, &found)});
        let call = TrackerCall::post("/graphql").json(&wire::Question::new(&query::ISSUE_CREATE, variables));
        Ok(PreparedIssue { call, project: project.clone(), carried: Draft { relations: Vec::new(), ..draft.clone() } })
    }

    async fn create(&self, prepared: PreparedIssue) -> Result<CreatedRemote, BackendError> {
        let PreparedIssue { call, project, carried } = prepared;
        let made: wire::IssueCreate = made_by(&self.line.send(call).await?, query::ISSUE_CREATE.name)?;
        let issue = made.issue_create.issue;
        Ok(CreatedRemote { at: convert::at(issue.id, issue.identifier, &project, issue.url), carried })
    }

    /// By its id, whenever it was made and wherever it has been moved to.
    async fn find_by_marker(&self, project: &Project, marker: &Marker, _since: DateTime<Utc>) -> Result<Option<RemoteIssue>, BackendError> {
        let id = convert::id_of(marker).ok_or_else(|| no_id(marker))?;
        self.whole_or_binned(&id, project).await
    }

    async fn read(&self, at: &RemoteRef) -> Result<Option<RemoteIssue>, BackendError> {
        self.whole(&at.id, &at.place).await
    }

    async fn update(&self, at: &RemoteRef, edit: &DraftEdit<'_>, _version: Option<&str>) -> Result<(), BackendError> {
        let mut change = convert::edit(edit);
        self.with_ground(at, edit, &mut change).await?;
        if change != wire::EditIssue::default() {
            let answer = self.change(&query::ISSUE_UPDATE, json!({"id": at.id, "input": change})).await?;
            wire::refusal(&answer).map_or(Ok(()), Err)?;
        }
        match edit.relations() {
            Some(change) => self.relate(at, &change).await,
            None => Ok(()),
        }
    }

    async fn add_comment(&self, at: &RemoteRef, body: &str) -> Result<RemoteComment, BackendError> {
        let input = wire::CreateComment { id: convert::id_in(body), issue_id: &at.id, body };
        let made: wire::CommentCreate = self.make(&query::COMMENT_CREATE, json!({"input": input})).await?;
        Ok(convert::comment(made.comment_create.comment))
    }

    async fn find_comment(&self, _at: &RemoteRef, marker: &Marker, _since: DateTime<Utc>) -> Result<Option<RemoteComment>, BackendError> {
        let id = convert::id_of(marker).ok_or_else(|| no_id(marker))?;
        let found: Option<wire::OneComment> = self.find(&query::COMMENT, &id).await?;
        Ok(found.map(|found| convert::comment(found.comment)))
    }

    async fn edit_comment(&self, _at: &RemoteRef, comment: &str, body: &str) -> Result<bool, BackendError> {
        let answer = self.change(&query::COMMENT_UPDATE, json!({"id": comment, "input": {"body": body}})).await?;
        if wire::is_gone(&answer) { Ok(false) } else { wire::refusal(&answer).map_or(Ok(true), Err) }
    }

    async fn delete_comment(&self, _at: &RemoteRef, comment: &str) -> Result<(), BackendError> {
        let answer = self.change(&query::COMMENT_DELETE, json!({"id": comment})).await?;
        if wire::is_gone(&answer) { Ok(()) } else { wire::refusal(&answer).map_or(Ok(()), Err) }
    }

    async fn list(&self, project: &Project, ask: &ListAsk<'_>) -> Result<ChangesPage, BackendError> {
        let mut filter = json!({"team": {"key": {"eq": project.project}}});
        if let Some(since) = ask.since {
            let changed = json!({"updatedAt": {"gte": moment(since)}});
            filter["or"] = json!([changed, {"comments": {"some": changed}}]);
        }
        let found: wire::Issues = self.get(&query::ISSUES, json!({"filter": filter, "first": self.page_size, "after": ask.page})).await?;
        let wire::Page { nodes, page_info } = found.issues;
        let there = nodes.into_iter().filter(|issue| issue.trashed != Some(true));
        let items = there.map(|issue| self.remote(issue, project)).collect();
        Ok(ChangesPage { items, next: page_info.next()?, ..ChangesPage::default() })
    }

    /// All of them at once: Linear does not say in which order its pages come.
    async fn comments(&self, at: &RemoteRef, _page: Option<&str>) -> Result<RemotePage<RemoteComment>, BackendError> {
        let (mut items, mut after): (Vec<RemoteComment>, Option<String>) = (Vec::new(), None);
        for _ in 0..PAGES {
            let variables = json!({"id": at.id, "first": self.page_size, "after": after});
            let wire::Page { nodes, page_info } = self.get::<wire::Comments>(&query::COMMENTS, variables).await?.issue.comments;
            items.extend(nodes.into_iter().map(convert::comment));
            after = page_info.next()?;
            if after.is_none() {
                return Ok(RemotePage { items: convert::oldest_first(items), next: None });
            }
        }
        Err(BackendError::unreadable("comments", "the list does not end"))
    }

    async fn check(&self, project: Option<&Project>) -> Result<CheckReport, BackendError> {
        let viewer = match self.get::<wire::Viewer>(&query::VIEWER, json!({})).await {
            Ok(found) => found.viewer,
            Err(error) if error.trouble == ErrorKind::Paused => {
                let missing = "the credential is refused: make a new API key (or, with token_type = \"oauth\", a new token)";
                return Ok(CheckReport { account: None, missing: vec![missing.to_owned()] });
            }
            Err(error) => return Err(error),
        };
        let missing = match project {
            Some(project) if self.team(&project.project).await?.is_none() => vec![no_team(project)],
            Some(_) | None => Vec::new(),
        };
        Ok(CheckReport { account: Some(viewer.display_name), missing })
    }

    async fn workspaces(&self, _page: Option<&str>) -> Result<RemotePage<Workspace>, BackendError> {
        let found: wire::OneOrganisation = self.get(&query::ORGANISATION, json!({})).await?;
        Ok(RemotePage { items: vec![convert::workspace(found.organization)], next: None })
    }

    async fn resources(&self, workspace: &str, page: Option<&str>) -> Result<RemotePage<Resource>, BackendError> {
        let variables = json!({"first": self.page_size, "after": page});
        let wire::TeamsOf { organization, teams } = self.get(&query::TEAMS, variables).await?;
        if organization.id != workspace {
            return Err(BackendError::new(ErrorKind::Fail, format!("the credential belongs to another workspace than {workspace}")));
        }
        let items = teams.nodes.into_iter().map(|team| convert::resource(team, &organization)).collect();
        Ok(RemotePage { items, next: teams.page_info.next()? })
    }

    fn hear(&self, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
        delivery::hear(delivery, secrets)
    }

    async fn add_webhook(&self, project: &Project, url: &str, secret: &SecretString) -> Result<HookMade, BackendError> {
        self.hook(project, url, secret).await
    }
}
