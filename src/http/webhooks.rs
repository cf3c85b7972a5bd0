//! `/webhooks/{backend}`: the deliveries of trackers, and the registration of webhooks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{JsonBytes, OptionalBody};
use super::document::{AsksTracker, SignedByTracker};
use super::path::{BackendPath, WebhookPath};
use super::problem::Problem;
use super::schema;
use crate::app::{App, Caller, DeliveryReceipt, HookMade};
use crate::domain::WebhookSpec;

/// What became of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookResponse {
    /// `accepted` (kept; it will be followed), `repeated` (it was here before) or `ignored` (it is about nothing that is followed here).
    #[schema(pattern = "^(accepted|repeated|ignored)$", example = "accepted")]
    status: &'static str,
}

/// For which place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterWebhookRequest {
    /// As people write it; left out: the one the backend is configured with.
    #[schema(value_type = Option<schema::PlaceName>)]
    place: Option<String>,
}

/// A webhook of a tracker.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredWebhookResponse {
    /// What the tracker calls it; several where it wants one for each event.
    ids: Vec<String>,
    /// Whether it is new. Otherwise one with this address was there, and is now as it should be.
    #[schema(example = true)]
    created: bool,
}

/// Tell what happened in a tracker
///
/// For the trackers. No key is needed: a delivery is let in by its signature, in the vendor's own scheme, with the secret of the backend. It is kept
/// as it came and answered at once; what it is about is fetched from the tracker, nothing of it is believed.
#[utoipa::path(post, path = "/webhooks/{backend}", operation_id = "receive_webhook", tag = "webhooks", security(()),
    params(("backend" = String, Path, description = "The backend's name in the settings", example = "gitea")),
    request_body(content = serde_json::Value, content_type = "application/json", description = "As the tracker sends it"),
    responses((status = 202, body = WebhookResponse, description = "Kept, or known already"), SignedByTracker))]
pub async fn receive(
    State(app): State<Arc<App>>,
    WebhookPath(name): WebhookPath,
    request: Request,
) -> Result<(StatusCode, Json<WebhookResponse>), Problem> {
    let headers = request.headers().clone();
    let JsonBytes(body) = JsonBytes::from_request(request, &()).await?;
    let status = match app.receive_webhook(&name, &headers, &body).await? {
        DeliveryReceipt::Accepted => "accepted",
        DeliveryReceipt::Repeated => "repeated",
        DeliveryReceipt::Ignored => "ignored",
    };
    Ok((StatusCode::ACCEPTED, Json(WebhookResponse { status })))
}

/// Register the webhook of a backend
///
/// Has the tracker tell of every change to `webhooks.public_url`. Doing it again mends what is there. Needs the scope `admin`.
#[utoipa::path(post, path = "/backends/{name}/webhook", operation_id = "register_webhook", tag = "backends",
    params(("name" = String, Path, description = "Its name in the settings", example = "gitea")),
    request_body = Option<RegisterWebhookRequest>,
    responses((status = 200, body = RegisteredWebhookResponse, description = "It is there"), AsksTracker))]
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    BackendPath(name): BackendPath,
    OptionalBody(spec): OptionalBody<WebhookSpec>,
) -> Result<Json<RegisteredWebhookResponse>, Problem> {
    let HookMade { ids, made } = app.register_webhook(&caller, &name, spec).await?;
    Ok(Json(RegisteredWebhookResponse { ids, created: made }))
}
