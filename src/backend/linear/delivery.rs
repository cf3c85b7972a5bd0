//! Linear's deliveries: signed with `Linear-Signature`, the moment within the body, and good for a minute.

use std::time::Duration;

use chrono::DateTime;
use secrecy::SecretString;
use serde::Deserialize;

use crate::backend::delivery::{DeliveryRejected, ParsedDelivery, WebhookDelivery, hint, word};
use crate::domain::sync::DeliverySubjectKind;
use crate::domain::tracker::Project;

/// As Linear wants it.
const WINDOW: Duration = Duration::from_mins(1);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinearDelivery {
    action: String,
    r#type: String,
    #[serde(default)]
    data: LinearDeliveryData,
    #[serde(default)]
    webhook_timestamp: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinearDeliveryData {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    issue_id: Option<String>,
    #[serde(default)]
    team: Option<LinearDeliveryTeam>,
}

#[derive(Debug, Deserialize)]
struct LinearDeliveryTeam {
    #[serde(default)]
    key: String,
}

pub(super) fn hear(delivery: &WebhookDelivery<'_>, secrets: &[SecretString]) -> Result<ParsedDelivery, DeliveryRejected> {
    delivery.let_in_hex("linear-signature", "", secrets)?;
    let told: LinearDelivery = delivery.json()?;
    delivery.fresh(told.webhook_timestamp.and_then(DateTime::from_timestamp_millis), WINDOW)?;
    let event = word(&format!("{}.{}", told.r#type, told.action));
    let (kind, id) = match (told.r#type.as_str(), told.action.as_str()) {
        ("Issue", "remove") => (DeliverySubjectKind::Deleted, told.data.id),
        ("Issue", _) => (DeliverySubjectKind::Changed, told.data.id),
        ("Comment", _) => (DeliverySubjectKind::Changed, told.data.issue_id),
        _ => (DeliverySubjectKind::Changed, None),
    };
    let project = told.data.team.map(|team| team.key).unwrap_or_default();
    let place = Project { owner: String::new(), repo: String::new(), project };
    Ok(ParsedDelivery { delivery: delivery.name("linear-delivery"), event, hint: hint(kind, place, id) })
}
