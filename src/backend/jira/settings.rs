//! What `[backends.NAME.options]` says about one Jira, read once. Pure.

use serde_json::{Map, Value};

use crate::backend::BackendOptions;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{AssigneeSupport, Capabilities, CarriedAs, LabelNames, Markup, MilestoneSupport};
use crate::domain::{Priority, StateName};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JiraEdition {
    Cloud,
    DataCenter,
}

#[derive(Debug, Clone)]
pub(super) struct JiraSettings {
    pub(super) edition: JiraEdition,
    /// Before every path.
    pub(super) root: String,
    /// Where people open issues; empty where it is not known.
    pub(super) site: String,
    /// The user of the token, for basic authentication; without it the token is sent as a bearer
    /// token.
    pub(super) user: Option<String>,
    pub(super) issue_type: String,
    /// In the order of [`Priority::ALL`].
    pub(super) priorities: [String; 3],
    /// A status by name, instead of any of its category. In the order of [`StateName::ALL`].
    pub(super) statuses: [Option<String>; 4],
    /// Given where a transition asks for one.
    pub(super) resolution: String,
    /// The field of the due date, where there is one.
    pub(super) due_field: Option<String>,
    /// Fields for every new issue: those that the project requires and that our issue does not
    /// have.
    pub(super) extra: Map<String, Value>,
    pub(super) names: LabelNames,
    pub(super) capabilities: Capabilities,
}

const KNOWN: &[&str] = &[
    "deployment",
    "user",
    "site",
    "cloud_id",
    "issue_type",
    "priority_field",
    "priority_high",
    "priority_medium",
    "priority_low",
    "due_field",
    "status_open",
    "status_in_progress",
    "status_blocked",
    "status_closed",
    "resolution",
    "fields",
];

/// How an option says that there is no such field.
const NONE: &str = "none";

impl JiraSettings {
    pub(super) fn new(options: &BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("options.{name}: not known; {} knows {}", options.kind, KNOWN.join(", ")));
        }
        let word = |name: &str, default: &str| options.option(name).unwrap_or(default).to_owned();
        let edition = match options.option("deployment") {
            None | Some("cloud") => JiraEdition::Cloud,
            Some("data_center") => JiraEdition::DataCenter,
            Some(_) => return Err("options.deployment: must be cloud or data_center".to_owned()),
        };
        let priority = if options.option("priority_field") == Some(NONE) { CarriedAs::ByLabel } else { CarriedAs::Natively };
        let due_field = Some(word("due_field", "duedate")).filter(|field| field != NONE);
        let statuses =
            ["status_open", "status_in_progress", "status_blocked", "status_closed"].map(|name| options.option(name).map(str::to_owned));
        let settings = Self {
            edition,
            root: root(edition, options.option("cloud_id"))?,
            site: site(options),
            user: options.option("user").map(str::to_owned),
            issue_type: word("issue_type", "Task"),
            priorities: [word("priority_high", "High"), word("priority_medium", "Medium"), word("priority_low", "Low")],
            statuses,
            resolution: word("resolution", "Done"),
            extra: extra(options.option("fields"))?,
            names: options.names.clone(),
            capabilities: capabilities(edition, priority, due_field.is_some()),
            due_field,
        };
        settings.checked()
    }

    /// Jira refuses labels with spaces: one that stands for something must not have any.
    fn checked(self) -> Result<Self, String> {
        let names = [&self.names.in_progress, &self.names.blocked].into_iter().chain(&self.names.priorities).chain(&self.names.kinds);
        for name in names {
            if name.contains(char::is_whitespace) {
                return Err(format!("the label {name:?} has a space in it, which Jira refuses: name it otherwise"));
            }
        }
        if self.names.blocked.is_empty() && self.status(StateName::Blocked).is_none() {
            return Err("options.status_blocked: with an empty label for blocked, a status must stand for it".to_owned());
        }
        Ok(self)
    }

    pub(super) fn status(&self, state: StateName) -> Option<&str> {
        let at = StateName::ALL.iter().position(|other| *other == state)?;
        self.statuses[at].as_deref()
    }

    pub(super) fn priority(&self, priority: Priority) -> &str {
        let at = Priority::ALL.iter().position(|other| *other == priority).unwrap_or_default();
        &self.priorities[at]
    }

    /// The label that stands for blocked, where no status does.
    pub(super) fn blocked_label(&self) -> Option<&str> {
        self.status(StateName::Blocked).is_none().then_some(self.names.blocked.as_str())
    }
}

fn root(edition: JiraEdition, cloud_id: Option<&str>) -> Result<String, String> {
    match (edition, cloud_id) {
        (JiraEdition::Cloud, None) => Ok("/rest/api/3".to_owned()),
        (JiraEdition::DataCenter, None) => Ok("/rest/api/2".to_owned()),
        (JiraEdition::Cloud, Some(id)) if id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            Ok(format!("/ex/jira/{id}/rest/api/3"))
        }
        (JiraEdition::Cloud, Some(_)) => Err("options.cloud_id: must be the site's id, letters, digits and dashes".to_owned()),
        (JiraEdition::DataCenter, Some(_)) => Err("options.cloud_id: Data Center has none".to_owned()),
    }
}

/// With a site's id in the path, requests go to a host whose addresses users cannot open.
fn site(options: &BackendOptions) -> String {
    let own = if options.option("cloud_id").is_some() { "" } else { options.line.base() };
    options.option("site").unwrap_or(own).trim_end_matches('/').to_owned()
}

fn extra(text: Option<&str>) -> Result<Map<String, Value>, String> {
    let Some(text) = text else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|error| format!("options.fields: must be a JSON object of fields and their values: {error}"))
}

/// On Data Center the parent is chosen when an issue is made, and stays.
const fn relations(edition: JiraEdition) -> &'static [Relation] {
    match edition {
        JiraEdition::Cloud => &[Relation::Blocks, Relation::BlockedBy, Relation::Relates, Relation::Duplicates, Relation::Parent],
        JiraEdition::DataCenter => &[Relation::Blocks, Relation::BlockedBy, Relation::Relates, Relation::Duplicates],
    }
}

/// Jira keeps summaries and labels in 255 characters, texts in 32,767; half of that is left for what its own form adds.
fn capabilities(edition: JiraEdition, priority: CarriedAs, due_dates: bool) -> Capabilities {
    Capabilities {
        states: CarriedAs::Natively,
        close_reasons: false,
        priority,
        kind: CarriedAs::ByLabel,
        labels: true,
        label_limit: Some(255),
        label_bars: &[' ', '\t', '\n', '\r', '\u{a0}'],
        milestones: MilestoneSupport::Existing,
        assignees: AssigneeSupport::One,
        due_dates,
        relations: relations(edition),
        comments: true,
        comment_edits: true,
        comment_deletes: true,
        deletes: true,
        webhooks: true,
        optimistic_lock: false,
        idempotent_create: false,
        title_limit: 255,
        body_limit: Some(16_000),
        markup: Markup { mentions: &[], references: &[], keys: true },
        budget: &[],
    }
}
