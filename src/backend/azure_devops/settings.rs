//! What `[backends.NAME.options]` says about one Azure DevOps, read once. Pure.

use crate::backend::BackendOptions;
use crate::domain::issue::relation::Relation;
use crate::domain::tracker::{AssigneeSupport, Capabilities, CarriedAs, LabelNames, Markup, MilestoneSupport};
use crate::domain::{Priority, StateName};

#[derive(Debug, Clone)]
pub(super) struct AzureDevopsSettings {
    /// Where the API is: what a link to another work item begins with.
    pub(super) api: String,
    /// Where people open work items.
    pub(super) site: String,
    pub(super) work_item_type: String,
    /// The field of the text: a bug's form shows another one.
    pub(super) body_field: String,
    /// New texts are Markdown there, not HTML.
    pub(super) markdown: bool,
    pub(super) due_field: Option<String>,
    /// A state by name, instead of the first of its category. In the order of [`StateName::ALL`].
    pub(super) states: [Option<String>; 4],
    /// In the order of [`Priority::ALL`].
    pub(super) priorities: [i64; 3],
    pub(super) area: Option<String>,
    pub(super) names: LabelNames,
    pub(super) capabilities: Capabilities,
    /// The organisation whose projects are shown.
    pub(super) organisation: Option<String>,
}

const KNOWN: &[&str] = &[
    "site",
    "work_item_type",
    "body_field",
    "text",
    "due_field",
    "state_open",
    "state_in_progress",
    "state_blocked",
    "state_closed",
    "priority_high",
    "priority_medium",
    "priority_low",
    "area",
    "organization",
];

const DEFAULT_SITE: &str = "https://dev.azure.com";

impl AzureDevopsSettings {
    pub(super) fn new(options: &BackendOptions) -> Result<Self, String> {
        if let Some(name) = options.options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("options.{name}: not known; {} knows {}", options.kind, KNOWN.join(", ")));
        }
        let word = |name: &str, default: &str| options.option(name).unwrap_or(default).to_owned();
        let own = Some(options.line.base()).filter(|base| !base.is_empty()).unwrap_or(DEFAULT_SITE);
        let due_field = options.option("due_field").map(str::to_owned);
        let settings = Self {
            api: own.trim_end_matches('/').to_owned(),
            site: options.option("site").unwrap_or(own).trim_end_matches('/').to_owned(),
            work_item_type: word("work_item_type", "Task"),
            body_field: word("body_field", "System.Description"),
            markdown: match options.option("text") {
                None | Some("html") => false,
                Some("markdown") => true,
                Some(_) => return Err("options.text: must be html or markdown".to_owned()),
            },
            states: ["state_open", "state_in_progress", "state_blocked", "state_closed"]
                .map(|name| options.option(name).map(str::to_owned)),
            priorities: priorities(options)?,
            area: options.option("area").map(str::to_owned),
            names: options.names.clone(),
            capabilities: capabilities(due_field.is_some()),
            organisation: options.option("organization").map(str::to_owned),
            due_field,
        };
        if settings.names.blocked.is_empty() && settings.state(StateName::Blocked).is_none() {
            return Err("options.state_blocked: with an empty label for blocked, a state must stand for it".to_owned());
        }
        Ok(settings)
    }

    pub(super) fn state(&self, state: StateName) -> Option<&str> {
        let at = StateName::ALL.iter().position(|other| *other == state)?;
        self.states[at].as_deref()
    }

    pub(super) fn priority(&self, priority: Priority) -> i64 {
        let at = Priority::ALL.iter().position(|other| *other == priority).unwrap_or_default();
        self.priorities[at]
    }

    /// The tag that stands for blocked, where no state does.
    pub(super) fn blocked_tag(&self) -> Option<&str> {
        self.state(StateName::Blocked).is_none().then_some(self.names.blocked.as_str())
    }
}

fn priorities(options: &BackendOptions) -> Result<[i64; 3], String> {
    let read = |name: &str, default: i64| match options.option(name) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|n| (1..=4).contains(n)).ok_or_else(|| format!("options.{name}: must be 1, 2, 3 or 4")),
    };
    let all = [read("priority_high", 1)?, read("priority_medium", 2)?, read("priority_low", 3)?];
    if all[0] < all[1] && all[1] < all[2] {
        Ok(all)
    } else {
        Err("options.priority_high: 1 is the highest; high, medium and low must rise".to_owned())
    }
}

/// Titles are kept in 255 characters, tags in 400, texts in a million; a quarter of that is left for what HTML adds.
fn capabilities(due_dates: bool) -> Capabilities {
    Capabilities {
        states: CarriedAs::Natively,
        close_reasons: false,
        priority: CarriedAs::Natively,
        kind: CarriedAs::ByLabel,
        labels: true,
        label_limit: Some(400),
        label_bars: &[';', ','],
        milestones: MilestoneSupport::Existing,
        assignees: AssigneeSupport::One,
        due_dates,
        relations: &[Relation::Blocks, Relation::BlockedBy, Relation::Relates, Relation::Duplicates, Relation::Parent],
        comments: true,
        comment_edits: true,
        comment_deletes: true,
        deletes: true,
        webhooks: true,
        optimistic_lock: true,
        idempotent_create: false,
        title_limit: 255,
        body_limit: Some(200_000),
        markup: Markup { mentions: &['@'], references: &['#', '!'], keys: false },
        budget: &[],
    }
}
