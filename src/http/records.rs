//! `/export` and `/import`: whole issues out of one store and into another, nothing lost on the way.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use uuid::Uuid;

use super::body::{JsonBytes, first, read};
use super::dry_run::{DryRun, DryRunParam};
use super::page::{PageParams, PageQuery, PageResponse};
use super::problem::Problem;
use crate::app::{App, AppError, Caller, ImportItem, MAX_IMPORT};
use crate::domain::export::record::{ExportLine, IssueRecord};
use crate::domain::{Fault, Faults, IssueNumber};

/// The most faults listed for one item: a hostile import must not buy a huge answer.
const MOST_FAULTS: usize = 10;

/// An issue with its events and comments, in the form that an import takes.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct RecordResponse(ExportLine);

impl utoipa::PartialSchema for RecordResponse {
    fn schema() -> RefOr<Schema> {
        let text = "An issue with its whole history. To be kept and given back as it is; its form is the service's own business.";
        let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(text));
        Schema::Object(object.additional_properties(Some(AdditionalProperties::FreeForm(true))).build()).into()
    }
}

impl ToSchema for RecordResponse {}

impl From<IssueRecord> for RecordResponse {
    fn from(record: IssueRecord) -> Self {
        Self(record.into())
    }
}

/// Issues as `/export` gave them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportRequest {
    #[schema(max_items = 1000, example = json!([]))]
    items: Vec<RecordResponse>,
}

/// What became of each, in order.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ImportResponse {
    /// Nothing was written: the items say what would become of them.
    dry_run: bool,
    #[schema(minimum = 0, example = 1)]
    imported: usize,
    #[schema(minimum = 0, example = 0)]
    present: usize,
    #[schema(minimum = 0, example = 0)]
    failed: usize,
    items: Vec<ImportItemResponse>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ImportItemResponse {
    /// `imported` (in a dry run: would be), `present` (it is here already, in the same version) or `failed`.
    #[schema(pattern = "^(imported|present|failed)$", example = "imported")]
    status: &'static str,
    id: Option<Uuid>,
    number: Option<i64>,
    /// Why not: a code of `docs/problems.md`.
    code: Option<&'static str>,
    detail: Option<String>,
    /// At most ten, each with its pointer into the item.
    errors: Vec<Fault>,
}

/// The body, its items judged one by one.
#[derive(Debug)]
pub struct ImportBody(Vec<Result<IssueRecord, Faults>>);

#[derive(Deserialize)]
struct RecordsEnvelope<'a> {
    #[serde(borrow)]
    items: Option<&'a RawValue>,
}

impl<S: Send + Sync> FromRequest<S> for ImportBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        let RecordsEnvelope { items } = read(&bytes)?;
        let items = list(items.map_or("null", RawValue::get)).map_err(AppError::from)?;
        Ok(Self(items.into_iter().map(|item| record(item.get())).collect()))
    }
}

fn list(items: &str) -> Result<Vec<&RawValue>, Faults> {
    match first(items.as_bytes()) {
        Some(b'[') => {}
        Some(b'n') | None => return Err(Faults::one("/items", "missing", "is required")),
        Some(_) => return Err(Faults::one("/items", "wrong_type", "must be an array of issues")),
    }
    let items: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    if items.len() > MAX_IMPORT {
        return Err(Faults::one("/items", "too_many", format!("must hold at most {MAX_IMPORT} issues; send several imports")));
    }
    Ok(items)
}

fn record(json: &str) -> Result<IssueRecord, Faults> {
    let line: ExportLine = serde_json::from_str(json)
        .map_err(|error| Faults::one("", "malformed", format!("is not an issue as an export writes it: {error}")))?;
    line.read()
}

impl From<ImportItem> for ImportItemResponse {
    fn from(item: ImportItem) -> Self {
        match item {
            ImportItem::Imported(id, number) => Self { status: "imported", id: Some(id.0), number: Some(number.0), ..Self::default() },
            ImportItem::Present(id, number) => Self { status: "present", id: Some(id.0), number: Some(number.0), ..Self::default() },
            ImportItem::Failed(error) => {
                let (code, detail) = (Some(error.code()), Some(error.public()));
                let faults = if let AppError::Invalid(faults) = error { faults.into_vec() } else { Vec::new() };
                Self { status: "failed", code, detail, errors: faults.into_iter().take(MOST_FAULTS).collect(), ..Self::default() }
            }
        }
    }
}

/// Export issues
///
/// By number, with their events and comments, archived ones too. What still waits to be told outside is not part of it. Needs the
/// scope `admin`.
#[utoipa::path(get, path = "/export", operation_id = "export_issues", tag = "operate", params(PageParams),
    responses((status = 200, body = PageResponse<RecordResponse>, description = "A page of issues")))]
pub async fn export(State(app): State<Arc<App>>, caller: Caller, query: PageQuery<i64>) -> Result<Response, Problem> {
    let page = app.export_issues(&caller, query.after.map(IssueNumber), query.limit).await?;
    Ok(query.answer(page, |record: &IssueRecord| record.issue.number.0, RecordResponse::from))
}

/// Import issues
///
/// With the numbers, ids and times they had. An issue that is here already stays as it is, so an import may be repeated. Nobody outside
/// is told. Needs the scope `admin`.
#[utoipa::path(post, path = "/import", operation_id = "import_issues", tag = "operate", request_body = ImportRequest, params(DryRunParam),
    responses((status = 200, body = ImportResponse, description = "An outcome for every item, good or bad")))]
pub async fn import(
    State(app): State<Arc<App>>,
    caller: Caller,
    DryRun(dry_run): DryRun,
    ImportBody(records): ImportBody,
) -> Result<Json<ImportResponse>, Problem> {
    let items = app.import_issues(&caller, records, dry_run).await?;
    let items: Vec<ImportItemResponse> = items.into_iter().map(ImportItemResponse::from).collect();
    let count = |status| items.iter().filter(|item| item.status == status).count();
    let (imported, present, failed) = (count("imported"), count("present"), count("failed"));
    Ok(Json(ImportResponse { dry_run, imported, present, failed, items }))
}
