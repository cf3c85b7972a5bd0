//! The parts of the API's answers that the commands read. Only what they show; the rest is passed
//! through unchanged.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;

type Moment = DateTime<Utc>;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Issue {
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) state: String,
    pub(super) blocked_reason: Option<String>,
    pub(super) close_reason: Option<String>,
    pub(super) closed_at: Option<Moment>,
    pub(super) priority: String,
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) assignees: Vec<String>,
    pub(super) milestone: Option<String>,
    pub(super) due_on: Option<NaiveDate>,
    /// An older server returns none.
    #[serde(default)]
    pub(super) relations: Vec<Relation>,
    pub(super) target_repo: Option<String>,
    pub(super) url: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) review: String,
    pub(super) review_reason: Option<String>,
    pub(super) claimed_by: Option<String>,
    pub(super) claimed_until: Option<Moment>,
    pub(super) version: i64,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
    pub(super) archived_at: Option<Moment>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Relation {
    #[serde(rename = "relation")]
    pub(super) kind: String,
    pub(super) to: String,
    pub(super) number: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comment {
    pub(super) author: String,
    pub(super) body: String,
    pub(super) created_at: Moment,
    pub(super) edited_at: Option<Moment>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Happened {
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) at: Moment,
    pub(super) changes: Vec<FieldChange>,
    pub(super) reason: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) deliveries: Vec<Delivery>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FieldChange {
    pub(super) field: String,
    pub(super) from: Value,
    pub(super) to: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    pub(super) target: String,
    pub(super) attempt: i32,
    pub(super) outcome: String,
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Facet {
    pub(super) name: String,
    pub(super) total: i64,
    pub(super) active: i64,
    pub(super) closed: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stats {
    pub(super) states: Vec<Facet>,
    pub(super) backends: Vec<Facet>,
    pub(super) repos: Vec<Facet>,
    pub(super) ages: Vec<Age>,
    pub(super) archived: i64,
}

impl Stats {
    /// Every issue there is.
    pub(super) fn all(&self) -> u64 {
        let shown: i64 = self.states.iter().map(|state| state.total).sum();
        u64::try_from(shown + self.archived).unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Age {
    pub(super) days: Option<u16>,
    pub(super) active: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) state: String,
    pub(super) issue_id: String,
    pub(super) attempt: i32,
    pub(super) last_error: Option<String>,
    pub(super) next_attempt_at: Option<Moment>,
}

/// The answer to a bulk edit.
#[derive(Debug, Deserialize)]
pub(super) struct Bulk {
    pub(super) items: Vec<BulkItem>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BulkItem {
    pub(super) id: String,
    pub(super) outcome: String,
    pub(super) number: Option<i64>,
    pub(super) detail: Option<String>,
}
