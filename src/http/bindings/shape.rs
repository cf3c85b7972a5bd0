//! The shapes of `/bindings`: requests and answers, each field with its description. No handlers
//! here; those are the parent's.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::{Planned, PlannedItem, SyncPlan};
use crate::domain::sync::{
    AdoptFilter, BindingSource, BindingState, Direction, Owner, Pass, StateFilter, Strategy, SyncCounts, SyncRunRecord,
};
use crate::domain::tracker::Field;
use crate::http::schema;

/// Every binding. There are few.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingsResponse {
    pub(super) items: Vec<BindingResponse>,
}

/// A binding: its rules, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingResponse {
    #[schema(example = "tools")]
    name: String,
    /// The tracker's name in the settings.
    #[schema(example = "gitea")]
    backend: String,
    /// Of the place's parts, those that the tracker needs; the others are empty.
    #[schema(example = "acme")]
    owner: String,
    #[schema(example = "tools")]
    repo: String,
    #[schema(example = "")]
    project: String,
    /// What adopted issues carry as theirs.
    target_repo: Option<String>,
    direction: Direction,
    /// Whether issues that were made in the tracker come here.
    #[schema(example = true)]
    adopt: bool,
    filter: AdoptFilterResponse,
    /// Whose word counts, where `fields` says nothing else.
    authority: Owner,
    #[schema(value_type = BTreeMap<String, Owner>, example = json!({"labels": "local"}))]
    fields: BTreeMap<Field, Owner>,
    strategy: Strategy,
    /// How often the tracker is asked what changed.
    #[schema(example = 60)]
    every_seconds: u64,
    /// How often everything is listed, to find what is gone.
    #[schema(example = 86_400)]
    audit_every_seconds: u64,
    source: BindingSource,
    #[schema(example = false)]
    paused: bool,
    /// `idle`, `running` (a pass is under way), `paused`, or `failing` (the last pass broke off; it is tried again).
    #[schema(pattern = "^(idle|running|paused|failing)$", example = "idle")]
    state: &'static str,
    /// How long ago everything was known; `null` before the first pass was completed.
    #[schema(required = true, example = 12)]
    behind_seconds: Option<i64>,
    /// When the tracker is asked next.
    due_at: DateTime<Utc>,
    /// The pass under way, or the one that goes on where it was interrupted.
    progress: Option<ProgressResponse>,
    /// The last pass that ended.
    last_run: Option<RunResponse>,
}

/// Which issues of the tracker are adopted. Those that are here already are kept in agreement whatever they match.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdoptFilterResponse {
    /// Any of these; none: whatever they carry.
    #[schema(example = json!([]))]
    labels: Vec<String>,
    state: StateFilter,
    /// Changed there at that moment or later.
    since: Option<DateTime<Utc>>,
}

/// How far a pass is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressResponse {
    began_at: DateTime<Utc>,
    counts: CountsResponse,
}

/// A pass that ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunResponse {
    pass: Pass,
    began_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    /// Why it broke off.
    error: Option<String>,
    counts: CountsResponse,
}

/// What a pass came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountsResponse {
    /// Pages and single issues that the tracker was asked for.
    #[schema(example = 2)]
    requests: u64,
    /// Issues that it told of.
    #[schema(example = 40)]
    listed: u64,
    /// Of these, new here.
    #[schema(example = 3)]
    adopted: u64,
    /// Here already, to be brought into agreement.
    #[schema(example = 2)]
    changed: u64,
    #[schema(example = 35)]
    unchanged: u64,
    /// Not adopted, by the filters.
    #[schema(example = 0)]
    passed_over: u64,
    /// Absent from a whole list.
    #[schema(example = 0)]
    missing: u64,
}

/// All rules of a binding; those not given have their usual values.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"backend": "gitea", "owner": "acme", "repo": "tools", "target_repo": "tools", "adopt": true,
    "filter": {"state": "open"}, "fields": {"labels": "local"}, "strategy": "manual"}))]
pub struct PutBindingRequest {
    #[schema(value_type = schema::BackendKey)]
    backend: String,
    #[schema(value_type = Option<schema::PlacePart>)]
    owner: Option<String>,
    #[schema(value_type = Option<schema::PlacePart>)]
    repo: Option<String>,
    #[schema(value_type = Option<schema::PlacePart>)]
    project: Option<String>,
    /// What adopted issues carry as theirs.
    #[schema(value_type = Option<schema::TargetRepo>)]
    target_repo: Option<String>,
    /// `both` unless said otherwise.
    direction: Option<Direction>,
    /// Whether issues that were made in the tracker come here; not given: `false`.
    adopt: Option<bool>,
    filter: Option<AdoptFilterRequest>,
    /// `shared` unless said otherwise.
    authority: Option<Owner>,
    fields: Option<FieldOwnersRequest>,
    /// `external_wins` unless said otherwise.
    strategy: Option<Strategy>,
    /// 60 unless said otherwise.
    #[schema(minimum = 1, maximum = 2_592_000)]
    every_seconds: Option<i64>,
    /// 86400 unless said otherwise.
    #[schema(minimum = 1, maximum = 2_592_000)]
    audit_every_seconds: Option<i64>,
}

/// Which issues of the tracker are adopted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptFilterRequest {
    /// Any of these; none: whatever they carry.
    #[schema(value_type = Option<schema::Labels>)]
    labels: Option<Vec<String>>,
    /// `all` unless said otherwise.
    state: Option<StateFilter>,
    /// Changed there at that moment or later.
    since: Option<DateTime<Utc>>,
}

/// Fields that somebody else owns than `authority`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldOwnersRequest {
    title: Option<Owner>,
    description: Option<Owner>,
    state: Option<Owner>,
    priority: Option<Owner>,
    kind: Option<Owner>,
    labels: Option<Owner>,
    assignees: Option<Owner>,
    milestone: Option<Owner>,
    due_on: Option<Owner>,
    relations: Option<Owner>,
    comment: Option<Owner>,
}

/// What kind of pass is wanted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dry_run": true}))]
pub struct SyncBindingRequest {
    /// Tell what a pass would do, and do nothing; not together with the other two.
    dry_run: Option<bool>,
    /// List everything, to find what is gone.
    audit: Option<bool>,
    /// However much is missing, it is believed, once. Needs the scope `admin`.
    allow_deletions: Option<bool>,
}

/// What the next pass would come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncPlanResponse {
    /// Issues about which something would be done, at most 1,000.
    items: Vec<PlannedItemResponse>,
    /// There are others that are not told.
    #[schema(example = false)]
    more: bool,
    counts: CountsResponse,
}

/// What would become of one issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlannedItemResponse {
    /// `adopt` (it is new here) or `agree` (its fields would be taken, sent, or clash).
    #[schema(pattern = "^(adopt|agree)$", example = "agree")]
    action: &'static str,
    issue_id: Option<Uuid>,
    number: Option<i64>,
    #[schema(example = "acme/tools#12")]
    key: String,
    url: Option<String>,
    #[schema(example = "Flag stale SBOM")]
    title: String,
    /// Fields that would change here.
    taken: Vec<Field>,
    /// Fields that would change there.
    sent: Vec<Field>,
    /// Fields that both changed.
    clashes: Vec<Field>,
}

impl BindingResponse {
    pub(super) fn of(bound: BindingState, now: DateTime<Utc>) -> Self {
        let state = match &bound {
            BindingState { paused: true, .. } => "paused",
            BindingState { leased_until: Some(until), .. } if *until > now => "running",
            BindingState { last: Some(SyncRunRecord { error: Some(_), .. }), .. } => "failing",
            BindingState { .. } => "idle",
        };
        let behind_seconds = bound.behind(now).map(|behind| behind.num_seconds());
        let (binding, cursor) = (bound.binding, bound.cursor);
        Self {
            name: binding.name,
            backend: binding.backend,
            owner: binding.place.owner,
            repo: binding.place.repo,
            project: binding.place.project,
            target_repo: binding.target_repo,
            direction: binding.direction,
            adopt: binding.adopt,
            filter: binding.filter.into(),
            authority: binding.owner,
            fields: binding.fields,
            strategy: binding.strategy,
            every_seconds: binding.every.as_secs(),
            audit_every_seconds: binding.audit_every.as_secs(),
            source: bound.source,
            paused: bound.paused,
            state,
            behind_seconds,
            due_at: bound.due_at,
            progress: cursor.began_at.map(|began_at| ProgressResponse { began_at, counts: cursor.counts.into() }),
            last_run: bound.last.map(RunResponse::from),
        }
    }
}

impl From<AdoptFilter> for AdoptFilterResponse {
    fn from(AdoptFilter { labels, state, since }: AdoptFilter) -> Self {
        Self { labels, state, since }
    }
}

impl From<SyncCounts> for CountsResponse {
    fn from(counts: SyncCounts) -> Self {
        let SyncCounts { requests, listed, adopted, changed, unchanged, passed_over, missing } = counts;
        Self { requests, listed, adopted, changed, unchanged, passed_over, missing }
    }
}

impl From<SyncRunRecord> for RunResponse {
    fn from(SyncRunRecord { pass, began_at, ended_at, error, counts }: SyncRunRecord) -> Self {
        Self { pass, began_at, ended_at, error, counts: counts.into() }
    }
}

impl From<SyncPlan> for SyncPlanResponse {
    fn from(SyncPlan { items, more, counts }: SyncPlan) -> Self {
        Self { items: items.into_iter().map(PlannedItemResponse::from).collect(), more, counts: counts.into() }
    }
}

impl From<PlannedItem> for PlannedItemResponse {
    fn from(item: PlannedItem) -> Self {
        Self {
            action: Planned::as_str(item.what),
            issue_id: item.issue.as_ref().map(|issue| issue.id.0),
            number: item.issue.as_ref().map(|issue| issue.number.0),
            key: item.remote.key,
            url: item.remote.url,
            title: item.title,
            taken: item.taken,
            sent: item.sent,
            clashes: item.clashes,
        }
    }
}
