//! Which issues are wanted. Every condition given must hold; of several values of one condition, one is enough.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::params::QueryParams;
use crate::domain::base::text;
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::{Kind, Priority, ReviewState, SourceType, StateName, vocabulary};
use crate::domain::find::facet::Facet;
use crate::domain::find::search::{SearchDocument, TextQuery};
use crate::domain::issue::Issue;

/// Conditions, each empty unless asked for. Lists are sorted and hold nothing twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ListFilter {
    pub states: Vec<StateName>,
    pub priorities: Vec<Priority>,
    pub kinds: Vec<Kind>,
    /// Labels, folded: the issue has each of them …
    pub labels: Vec<String>,
    /// … one of these …
    pub labels_any: Vec<String>,
    /// … and none of these.
    pub labels_none: Vec<String>,
    pub assigned: AssigneeFilter,
    pub milestones: Vec<String>,
    pub target_repos: Vec<String>,
    pub backends: Vec<String>,
    pub source_types: Vec<SourceType>,
    pub source_ids: Vec<String>,
    pub triggering_event_ids: Vec<String>,
    pub activity_definition_ids: Vec<String>,
    pub reviews: Vec<ReviewState>,
    pub created: TimeRange<DateTime<Utc>>,
    pub updated: TimeRange<DateTime<Utc>>,
    pub closed: TimeRange<DateTime<Utc>>,
    pub due: TimeRange<NaiveDate>,
    pub archived: Archived,
    pub text: Option<TextQuery>,
    /// Its id begins so.
    pub id_prefix: Option<IdPrefix>,
    /// Only issues without a live claim at that moment.
    pub unclaimed_at: Option<DateTime<Utc>>,
}

/// The filter by assignee.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub enum AssigneeFilter {
    #[default]
    Anyhow,
    Nobody,
    /// One of these, folded.
    To(Vec<String>),
}

vocabulary! {
    /// Whether archived issues are wanted.
    #[derive(Default)]
    Archived {
        #[default]
        No = "false",
        Only = "true",
        Any = "any",
    }
}

/// The ids that begin alike: all between the first and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdPrefix {
    pub first: Uuid,
    pub last: Uuid,
}

impl IdPrefix {
    /// Hexadecimal digits without dashes, one at least.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let is_one = (1..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (first, last) = if is_one { (format!("{digits:0<32}"), format!("{digits:f<32}")) } else { return None };
        Some(Self { first: Uuid::try_parse(&first).ok()?, last: Uuid::try_parse(&last).ok()? })
    }
}

/// From `from` on, up to `before`, which is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeRange<T> {
    pub from: Option<T>,
    pub before: Option<T>,
}

impl<T> Default for TimeRange<T> {
    fn default() -> Self {
        Self { from: None, before: None }
    }
}

impl<T: PartialOrd + Copy> TimeRange<T> {
    /// Whether anything is asked; then a value that is missing is outside.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.from.is_some() || self.before.is_some()
    }

    fn holds(&self, value: Option<T>) -> bool {
        !self.is_set() || value.is_some_and(|value| self.from.is_none_or(|from| value >= from) && self.before.is_none_or(|end| value < end))
    }
}

impl ListFilter {
    /// Takes the filter's parameters; faults stay with `params`.
    pub fn read(params: &mut QueryParams<'_>) -> Self {
        Self {
            states: params.words("state"),
            priorities: params.words("priority"),
            kinds: params.words("kind"),
            labels: folded(&params.texts("label", text::LABEL)),
            labels_any: folded(&params.texts("label_any", text::LABEL)),
            labels_none: folded(&params.texts("label_none", text::LABEL)),
            assigned: assigned(params),
            milestones: params.texts("milestone", text::MILESTONE),
            target_repos: params.texts("target_repo", text::TARGET_REPO),
            backends: params.texts("backend", text::LABEL),
            source_types: params.words("source_type"),
            source_ids: params.texts("source_id", text::TRACE_FIELD),
            triggering_event_ids: params.texts("triggering_event_id", text::TRACE_FIELD),
            activity_definition_ids: params.texts("activity_definition_id", text::TRACE_FIELD),
            reviews: params.words("review"),
            created: TimeRange { from: params.moment("created_from"), before: params.moment("created_before") },
            updated: TimeRange { from: params.moment("updated_from"), before: params.moment("updated_before") },
            closed: TimeRange { from: params.moment("closed_from"), before: params.moment("closed_before") },
            due: TimeRange { from: params.date("due_from"), before: params.date("due_before") },
            archived: params.word("archived").unwrap_or_default(),
            text: search(params),
            id_prefix: id_prefix(params),
            unclaimed_at: None,
        }
    }

    /// The counted value that holds exactly these issues, if there is one: then a request counts no
    /// rows.
    #[must_use]
    pub fn counted(&self) -> Option<(Facet, Vec<String>)> {
        let only = |facet, keys: &[String], filter: Self| (keys.len() == 1 && filter == *self).then(|| (facet, keys.to_vec()));
        let bare = Self::default;
        let states = Self { states: self.states.clone(), ..bare() };
        if states == *self {
            let states = if self.states.is_empty() { StateName::ALL } else { &self.states };
            return Some((Facet::State, states.iter().map(ToString::to_string).collect()));
        }
        let people = match &self.assigned {
            AssigneeFilter::To(people) => people.as_slice(),
            AssigneeFilter::Anyhow | AssigneeFilter::Nobody => &[],
        };
        only(Facet::Label, &self.labels, Self { labels: self.labels.clone(), ..bare() })
            .or_else(|| only(Facet::Assignee, people, Self { assigned: self.assigned.clone(), ..bare() }))
            .or_else(|| only(Facet::Milestone, &self.milestones, Self { milestones: self.milestones.clone(), ..bare() }))
            .or_else(|| only(Facet::Repo, &self.target_repos, Self { target_repos: self.target_repos.clone(), ..bare() }))
            .or_else(|| only(Facet::Backend, &self.backends, Self { backends: self.backends.clone(), ..bare() }))
    }

    /// Whether an issue with these texts is wanted: what every store must answer.
    #[must_use]
    pub fn admits(&self, issue: &Issue, document: &SearchDocument) -> bool {
        let labels: Vec<String> = issue.labels.iter().map(|label| fold(label)).collect();
        let origin = &issue.origin;
        one_of(&self.states, Some(&issue.state.name()))
            && one_of(&self.priorities, Some(&issue.priority))
            && one_of(&self.kinds, Some(&issue.kind))
            && self.labels.iter().all(|label| labels.contains(label))
            && (self.labels_any.is_empty() || self.labels_any.iter().any(|label| labels.contains(label)))
            && !self.labels_none.iter().any(|label| labels.contains(label))
            && self.assigned.admits(issue)
            && one_of(&self.milestones, issue.milestone.as_ref())
            && one_of(&self.target_repos, issue.target_repo.as_ref())
            && one_of(&self.backends, Some(&issue.backend))
            && one_of(&self.source_types, origin.source_type.as_ref())
            && one_of(&self.source_ids, origin.source_id.as_ref())
            && one_of(&self.triggering_event_ids, origin.triggering_event_id.as_ref())
            && one_of(&self.activity_definition_ids, origin.activity_definition_id.as_ref())
            && one_of(&self.reviews, Some(&issue.review.state()))
            && self.created.holds(Some(issue.created_at))
            && self.updated.holds(Some(issue.updated_at))
            && self.closed.holds(issue.closed_at())
            && self.due.holds(issue.due_on)
            && self.archived.admits(issue)
            && self.text.as_ref().is_none_or(|text| text.matches(document))
            && self.id_prefix.is_none_or(|prefix| (prefix.first..=prefix.last).contains(&issue.id.0))
            && self.unclaimed_at.is_none_or(|now| issue.live_claim(now).is_none())
    }
}

impl Archived {
    const fn admits(self, issue: &Issue) -> bool {
        match self {
            Self::No => issue.archived_at.is_none(),
            Self::Only => issue.archived_at.is_some(),
            Self::Any => true,
        }
    }
}

impl AssigneeFilter {
    fn admits(&self, issue: &Issue) -> bool {
        match self {
            Self::Anyhow => true,
            Self::Nobody => issue.assignees.is_empty(),
            Self::To(people) => issue.assignees.iter().any(|assignee| people.contains(&fold(assignee))),
        }
    }
}

fn one_of<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
}

fn folded(texts: &[String]) -> Vec<String> {
    let mut folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    folded.sort();
    folded.dedup();
    folded
}

fn assigned(params: &mut QueryParams<'_>) -> AssigneeFilter {
    let people = folded(&params.texts("assignee", text::ASSIGNEE));
    let nobody = params.boolean("unassigned").unwrap_or(false);
    match (people.is_empty(), nobody) {
        (true, false) => AssigneeFilter::Anyhow,
        (true, true) => AssigneeFilter::Nobody,
        (false, false) => AssigneeFilter::To(people),
        (false, true) => {
            params.fault("unassigned", "contradiction", "give assignee or unassigned, not both");
            AssigneeFilter::Nobody
        }
    }
}

fn id_prefix(params: &mut QueryParams<'_>) -> Option<IdPrefix> {
    let text = params.one("id_prefix")?;
    let prefix = IdPrefix::parse(&text);
    if prefix.is_none() {
        params.fault("id_prefix", "malformed", "must be the beginning of an id: up to 32 hexadecimal digits, without dashes");
    }
    prefix
}

fn search(params: &mut QueryParams<'_>) -> Option<TextQuery> {
    const MAX_SEARCH: usize = 1000;
    let text = params.one("q")?;
    if text.chars().count() > MAX_SEARCH {
        params.fault("q", "too_long", format!("must be at most {MAX_SEARCH} characters"));
        return None;
    }
    TextQuery::parse(&text, "q").map_err(|faults| params.take(faults)).ok()
}
