//! Linear's deliveries: signed with `Linear-Signature`, the moment within the body, and good for a minute.

use std::time::Duration;

use chrono::DateTime;
use secrecy::SecretString;
use serde::Deserialize;

use crate::backend::hook::{Delivery, Heard, Unheard, hint, word};
use crate::domain::sync::HintKind;
use crate::domain::tracker::Place;

/// As Linear wants it.
const WINDOW: Duration = Duration::from_mins(1);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    action: String,
    r#type: String,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    webhook_timestamp: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    issue_id: Option<String>,
    #[serde(default)]
    team: Option<Team>,
}

#[derive(Debug, Deserialize)]
struct Team {
    #[serde(default)]
    key: String,
}

pub(super) fn hear(delivery: &Delivery<'_>, secrets: &[SecretString]) -> Result<Heard, Unheard> {
    delivery.let_in_hex("linear-signature", "", secrets)?;
    let told: Told = delivery.json()?;
    delivery.fresh(told.webhook_timestamp.and_then(DateTime::from_timestamp_millis), WINDOW)?;
    let event = word(&format!("{}.{}", told.r#type, told.action));
    let (kind, id) = match (told.r#type.as_str(), told.action.as_str()) {
        ("Issue", "remove") => (HintKind::Deleted, told.data.id),
        ("Issue", _) => (HintKind::Changed, told.data.id),
        ("Comment", _) => (HintKind::Changed, told.data.issue_id),
        _ => (HintKind::Changed, None),
    };
    let project = told.data.team.map(|team| team.key).unwrap_or_default();
    let place = Place { owner: String::new(), repo: String::new(), project };
    Ok(Heard { delivery: delivery.name("linear-delivery"), event, hint: hint(kind, place, id) })
}
