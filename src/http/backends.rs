//! `/backends`: the trackers, what they can do, how they are, and where issues can be filed in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::AsksTracker;
use super::path::{BackendPath, WorkspacePath};
use super::problem::Problem;
use super::query::QueryFields;
use crate::app::{App, BackendState, Caller, CheckReport, Resource, Workspace};
use crate::domain::tracker::{AssigneeSupport, BudgetWindow, Capabilities, CarriedAs, MilestoneSupport, RemotePage};

/// The trackers. The first is the store itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackendsResponse {
    items: Vec<BackendResponse>,
}

/// A tracker, as this process sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackendResponse {
    /// Its name in the settings; `local` is the store alone.
    #[schema(example = "gitea")]
    name: String,
    #[schema(example = "gitea")]
    kind: String,
    /// `ok`, `paused` (its credential is refused: nothing is sent until the secret changes), `limited` (nothing is sent before `rests_until`)
    /// or `away` (it does not answer: one probe at a time goes out).
    #[schema(pattern = "^(ok|paused|limited|away)$", example = "ok")]
    health: &'static str,
    /// Why it is paused.
    #[schema(required = true)]
    pause_reason: Option<&'static str>,
    #[schema(required = true)]
    rests_until: Option<DateTime<Utc>>,
    /// Messages that wait for it, counted up to 10000.
    #[schema(example = 0)]
    waiting: u64,
    /// What of its credential's share of creating writes is used.
    budget: Vec<BudgetResponse>,
    /// `null` for the store itself, which carries everything.
    capabilities: Option<CapabilitiesResponse>,
}

/// One limit on creating writes, for all replicas together.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetResponse {
    #[schema(example = 60)]
    window_seconds: u64,
    #[schema(example = 80)]
    allowed: u32,
    #[schema(example = 12)]
    used: u64,
}

/// What a tracker can do.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub struct CapabilitiesResponse {
    /// `natively`, `by_label` or `not`: how `in_progress` and `blocked` are carried.
    #[schema(example = "by_label")]
    states: &'static str,
    close_reasons: bool,
    #[schema(example = "by_label")]
    priority: &'static str,
    #[schema(example = "by_label")]
    kind: &'static str,
    labels: bool,
    /// `made` (a missing one is made), `existing` or `not`.
    #[schema(example = "made")]
    milestones: &'static str,
    /// `many`, `one` or `not`.
    #[schema(example = "many")]
    assignees: &'static str,
    due_dates: bool,
    comments: bool,
    comment_edits: bool,
    comment_deletes: bool,
    deletes: bool,
    webhooks: bool,
    optimistic_lock: bool,
    idempotent_create: bool,
    /// Characters.
    #[schema(example = 255)]
    title_limit: usize,
    /// Characters of one body or comment; `null`: no limit is known.
    #[schema(example = 65536)]
    body_limit: Option<usize>,
}

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckResponse {
    /// Whether nothing is missing.
    #[schema(example = true)]
    ok: bool,
    /// Whose credential it is, as the tracker calls them.
    account: Option<String>,
    /// What must be mended, each with what to do.
    missing: Vec<String>,
}

/// A page of workspaces.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspacesResponse {
    items: Vec<WorkspaceResponse>,
    /// For the next page, as `page`; `null` after the last.
    next: Option<String>,
}

/// An organisation, a group, a site, a team. What the tracker does not tell is left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceResponse {
    /// Names it for good.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    workspace_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    workspace_url: Option<String>,
}

/// A page of resources.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourcesResponse {
    items: Vec<ResourceResponse>,
    /// For the next page, as `page`; `null` after the last.
    next: Option<String>,
}

/// A repository, a project: what holds issues. What the tracker does not tell is left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceResponse {
    /// Names it for good.
    id: String,
    name: String,
    /// What a route says to file there.
    owner: String,
    repo: String,
    project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    workspace_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    workspace_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    display_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resource_url: Option<String>,
    /// Whether issues can be filed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    writable: Option<bool>,
}

/// How a page is asked for.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the macro only")]
pub struct NextPageParam {
    /// What the page before gave as `next`
    page: Option<String>,
}

/// Show the backends
///
/// The store itself, as `local`, and every tracker that is configured: what it can do, whether it is well, what waits for it.
#[utoipa::path(get, path = "/backends", operation_id = "list_backends", tag = "backends",
    responses((status = 200, body = BackendsResponse, description = "Every backend")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<BackendsResponse>, Problem> {
    let states = app.backends(&caller).await?;
    Ok(Json(BackendsResponse { items: states.into_iter().map(BackendResponse::from).collect() }))
}

/// Show a backend
///
/// What it can carry, how it is, what of its share of writes is used, and why it rests, where it does.
#[utoipa::path(get, path = "/backends/{name}", operation_id = "get_backend", tag = "backends",
    params(("name" = String, Path, description = "Its name in the settings, or `local`", example = "local")),
    responses((status = 200, body = BackendResponse, description = "The backend")))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, BackendPath(name): BackendPath) -> Result<Json<BackendResponse>, Problem> {
    Ok(Json(app.backend(&caller, &name).await?.into()))
}

/// Check a backend
///
/// Asks the tracker whether the credential is let in, whose it is, and whether it may do what will be needed. Needs the scope `admin`.
#[utoipa::path(post, path = "/backends/{name}/check", operation_id = "check_backend", tag = "backends",
    params(("name" = String, Path, description = "Its name in the settings, or `local`", example = "local")),
    responses((status = 200, body = CheckResponse, description = "What was found")))]
pub async fn check(State(app): State<Arc<App>>, caller: Caller, BackendPath(name): BackendPath) -> Result<Json<CheckResponse>, Problem> {
    Ok(Json(app.check_backend(&caller, &name).await?.into()))
}

/// List the workspaces of a backend
///
/// What its credential can see: organisations, groups, sites, teams.
#[utoipa::path(get, path = "/backends/{name}/workspaces", operation_id = "list_workspaces", tag = "backends",
    params(("name" = String, Path, description = "Its name in the settings, or `local`", example = "local"), NextPageParam),
    responses((status = 200, body = WorkspacesResponse, description = "A page of workspaces"), AsksTracker))]
pub async fn workspaces(
    State(app): State<Arc<App>>,
    caller: Caller,
    BackendPath(name): BackendPath,
    uri: Uri,
) -> Result<Json<WorkspacesResponse>, Problem> {
    let page = page_of(&uri)?;
    let RemotePage { items, next } = app.workspaces(&caller, &name, page.as_deref()).await?;
    Ok(Json(WorkspacesResponse { items: items.into_iter().map(WorkspaceResponse::from).collect(), next }))
}

/// List the resources of a workspace
///
/// Its repositories or projects, each with what a route must say to file there.
#[utoipa::path(get, path = "/backends/{name}/workspaces/{id}/resources", operation_id = "list_resources", tag = "backends",
    params(("name" = String, Path, description = "Its name in the settings", example = "gitea"), ("id" = String, Path, description = "The workspace's id", example = "7"), NextPageParam),
    responses((status = 200, body = ResourcesResponse, description = "A page of resources"), AsksTracker))]
pub async fn resources(
    State(app): State<Arc<App>>,
    caller: Caller,
    WorkspacePath(name, workspace): WorkspacePath,
    uri: Uri,
) -> Result<Json<ResourcesResponse>, Problem> {
    let page = page_of(&uri)?;
    let RemotePage { items, next } = app.resources(&caller, &name, &workspace, page.as_deref()).await?;
    Ok(Json(ResourcesResponse { items: items.into_iter().map(ResourceResponse::from).collect(), next }))
}

fn page_of(uri: &Uri) -> Result<Option<String>, Problem> {
    let mut fields = QueryFields::of(uri)?;
    let page = fields.read("page", |text| Ok::<_, (&'static str, String)>(text.to_owned()));
    fields.finish(page)
}

impl From<BackendState> for BackendResponse {
    fn from(state: BackendState) -> Self {
        let away = state.breaker != crate::domain::queue::breaker::BreakerState::Closed;
        let health = match (state.paused, state.rests_until, away) {
            (true, _, _) => "paused",
            (false, Some(_), _) => "limited",
            (false, None, true) => "away",
            (false, None, false) => "ok",
        };
        let used =
            |(window, used): (BudgetWindow, u64)| BudgetResponse { window_seconds: window.length.as_secs(), allowed: window.writes, used };
        Self {
            name: state.name,
            kind: state.kind,
            health,
            pause_reason: state.paused.then_some("the credential is refused; replace the token"),
            rests_until: state.rests_until,
            waiting: state.waiting,
            budget: state.spent.into_iter().map(used).collect(),
            capabilities: state.tracker.map(|tracker| (&tracker.terms.capabilities).into()),
        }
    }
}

impl From<&Capabilities> for CapabilitiesResponse {
    fn from(can: &Capabilities) -> Self {
        let carried = |carried| match carried {
            CarriedAs::Natively => "natively",
            CarriedAs::ByLabel => "by_label",
            CarriedAs::Not => "not",
        };
        Self {
            states: carried(can.states),
            close_reasons: can.close_reasons,
            priority: carried(can.priority),
            kind: carried(can.kind),
            labels: can.labels,
            milestones: match can.milestones {
                MilestoneSupport::Made => "made",
                MilestoneSupport::Existing => "existing",
                MilestoneSupport::Not => "not",
            },
            assignees: match can.assignees {
                AssigneeSupport::Many => "many",
                AssigneeSupport::One => "one",
                AssigneeSupport::Not => "not",
            },
            due_dates: can.due_dates,
            comments: can.comments,
            comment_edits: can.comment_edits,
            comment_deletes: can.comment_deletes,
            deletes: can.deletes,
            webhooks: can.webhooks,
            optimistic_lock: can.optimistic_lock,
            idempotent_create: can.idempotent_create,
            title_limit: can.title_limit,
            body_limit: can.body_limit,
        }
    }
}

impl From<CheckReport> for CheckResponse {
    fn from(CheckReport { account, missing }: CheckReport) -> Self {
        Self { ok: missing.is_empty(), account, missing }
    }
}

impl From<Workspace> for WorkspaceResponse {
    fn from(Workspace { id, name, handle, url }: Workspace) -> Self {
        Self { id, name, workspace_handle: handle, workspace_url: url }
    }
}

impl From<Resource> for ResourceResponse {
    fn from(resource: Resource) -> Self {
        Self {
            id: resource.id,
            name: resource.name,
            owner: resource.place.owner,
            repo: resource.place.repo,
            project: resource.place.project,
            workspace_handle: resource.workspace_handle,
            workspace_url: resource.workspace_url,
            display_key: resource.display_key,
            resource_url: resource.url,
            writable: resource.writable,
        }
    }
}
