//! Azure DevOps' deliveries: no signature but a login (HTTP basic), so only deliveries over TLS can
//! be trusted. A service hook reports one event type; there is one for each.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WebhookDelivery, hint, word};
use crate::backend::signature;
use crate::domain::sync::{DeliverySubject, DeliverySubjectKind};
use crate::domain::tracker::Project;

pub(super) const EVENTS: &[&str] = &["workitem.created", "workitem.updated", "workitem.commented", "workitem.deleted", "workitem.restored"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureDevopsDelivery {
    #[serde(default)]
    id: Option<String>,
    event_type: String,
    #[serde(default)]
    resource: EventResource,
}

/// The work item; of an update the update, with the work item as its revision.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventResource {
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    work_item_id: Option<i64>,
    #[serde(default)]
    fields: Value,
    #[serde(default)]
    revision: Option<WorkItemRevision>,
}

#[derive(Debug, Deserialize)]
struct WorkItemRevision {
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    fields: Value,
}

pub(super) fn hear(user: &str, delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
    delivery.let_in("authorization", |shown| signature::is_login(user, secrets, shown))?;
    let told: AzureDevopsDelivery = delivery.json()?;
    let named = told.id.filter(|id| !id.is_empty() && id.len() <= 100);
    let name = named.unwrap_or_else(|| signature::digest(delivery.body));
    Ok(ParsedDelivery { delivery: name, event: word(&told.event_type), hint: about(&told.event_type, told.resource) })
}

fn about(event: &str, resource: EventResource) -> Option<DeliverySubject> {
    let kind = match event {
        "workitem.deleted" => DeliverySubjectKind::Deleted,
        event if event.starts_with("workitem.") => DeliverySubjectKind::Changed,
        _ => return None,
    };
    let (id, fields) = match (event, resource.revision) {
        ("workitem.updated", Some(revision)) => (revision.id.or(resource.work_item_id), revision.fields),
        ("workitem.updated", None) => (resource.work_item_id, Value::Null),
        (_, _) => (resource.id, resource.fields),
    };
    let project = fields["System.TeamProject"].as_str().unwrap_or_default().to_owned();
    let place = Project { owner: String::new(), repo: String::new(), project };
    hint(kind, place, id.filter(|id| *id > 0).map(|id| id.to_string()))
}

/// A subscription as the server shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) consumer_inputs: SubscriptionInputs,
    pub(super) publisher_inputs: SubscriptionInputs,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SubscriptionInputs {
    pub(super) url: String,
    pub(super) project_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SubscriptionProject {
    pub(super) id: String,
}

/// A subscription as it is to be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WantedSubscription<'a> {
    publisher_id: &'static str,
    event_type: &'static str,
    resource_version: &'static str,
    consumer_id: &'static str,
    consumer_action_id: &'static str,
    publisher_inputs: PublisherInputs<'a>,
    consumer_inputs: ConsumerInputs<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PublisherInputs<'a> {
    project_id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsumerInputs<'a> {
    url: &'a str,
    basic_auth_username: &'a str,
    basic_auth_password: &'a str,
}

pub(super) fn wanted<'a>(
    event: &'static str,
    project: &'a str,
    url: &'a str,
    user: &'a str,
    secret: &'a SecretString,
) -> WantedSubscription<'a> {
    WantedSubscription {
        publisher_id: "tfs",
        event_type: event,
        resource_version: "1.0",
        consumer_id: "webHooks",
        consumer_action_id: "httpRequest",
        publisher_inputs: PublisherInputs { project_id: project },
        consumer_inputs: ConsumerInputs { url, basic_auth_username: user, basic_auth_password: secret.expose_secret() },
    }
}
