//! A task as a caller sends it ([`TaskSpec`]), and the same once every fault is ruled out ([`CreateIssue`]).
//!
//! Every entrance (HTTP, NATS, the command line) reads the same spec, so all of them report the same faults.

use serde::Deserialize;

use crate::domain::base::fault::Faults;
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::vocabulary::{Kind, Priority, SourceType};
use crate::domain::base::word::{date, word};
use crate::domain::issue::TaskOrigin;
use crate::domain::issue::create::{CreateIssue, DueDate};
use crate::domain::issue::relation;
use crate::domain::issue::relation::RelationSpec;

/// The body of a creation, types unchecked. Unknown keys are ignored: the emitter may grow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TaskSpec {
    pub title: Input<String>,
    pub description: Input<String>,
    pub target_repo: Input<String>,
    pub priority: Input<String>,
    pub kind: Input<String>,
    pub labels: Input<Vec<Input<String>>>,
    pub assignees: Input<Vec<Input<String>>>,
    pub milestone: Input<String>,
    pub due_in_days: Input<i64>,
    pub due_on: Input<String>,
    pub source_type: Input<String>,
    pub source_id: Input<String>,
    pub triggering_event_id: Input<String>,
    pub activity_definition_id: Input<String>,
    pub review_required: Input<bool>,
    pub relations: Input<Vec<Input<RelationSpec>>>,
}

impl TaskSpec {
    /// Every key it reads.
    pub const KEYS: &[&str] = &[
        "title",
        "description",
        "target_repo",
        "priority",
        "kind",
        "labels",
        "assignees",
        "milestone",
        "due_in_days",
        "due_on",
        "source_type",
        "source_id",
        "triggering_event_id",
        "activity_definition_id",
        "review_required",
        "relations",
    ];
}

/// The furthest a due date may lie ahead.
pub const MAX_DUE_IN_DAYS: i64 = 3650;

impl CreateIssue {
    /// Checks meaning, collecting every fault.
    pub fn parse(spec: TaskSpec) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let f = &mut faults;
        let command = Self {
            title: text::required(spec.title, "/title", text::TITLE, f),
            description: text::kept(spec.description, "/description", text::DESCRIPTION, f),
            kind: word(spec.kind, "/kind", f).unwrap_or(Kind::Task),
            priority: word(spec.priority, "/priority", f).unwrap_or(Priority::Medium),
            labels: text::set(spec.labels, "/labels", text::LABEL, text::MAX_LABELS, f),
            assignees: text::set(spec.assignees, "/assignees", text::ASSIGNEE, text::MAX_ASSIGNEES, f),
            milestone: text::optional(spec.milestone, "/milestone", text::MILESTONE, f),
            due: due(spec.due_in_days, spec.due_on, f),
            target_repo: text::optional(spec.target_repo, "/target_repo", text::TARGET_REPO, f),
            origin: TaskOrigin {
                source_type: word::<SourceType>(spec.source_type, "/source_type", f),
                source_id: text::optional(spec.source_id, "/source_id", text::TRACE_FIELD, f),
                triggering_event_id: text::optional(spec.triggering_event_id, "/triggering_event_id", text::TRACE_FIELD, f),
                activity_definition_id: text::optional(spec.activity_definition_id, "/activity_definition_id", text::TRACE_FIELD, f),
            },
            review_required: text::typed(spec.review_required, "/review_required", f).unwrap_or(false),
            relations: relation::wishes(spec.relations, "/relations", f),
        };
        faults.into_result(command)
    }
}

fn due(in_days: Input<i64>, on: Input<String>, faults: &mut Faults) -> Option<DueDate> {
    let range = 0..=MAX_DUE_IN_DAYS;
    let days = text::typed(in_days, "/due_in_days", faults).and_then(|days| {
        let inside = range.contains(&days).then(|| DueDate::InDays(days.unsigned_abs()));
        if inside.is_none() {
            faults.add("/due_in_days", "out_of_range", format!("must be {} from 0 to {MAX_DUE_IN_DAYS}, or null", i64::NAME));
        }
        inside
    });
    let date = date(on, "/due_on", faults).map(DueDate::On);
    if days.is_some() && date.is_some() {
        faults.add("/due_on", "contradiction", "give due_in_days or due_on, not both");
    }
    days.or(date)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    fn faults(json: &str) -> Vec<(String, &'static str)> {
        let spec: TaskSpec = serde_json::from_str(json).unwrap();
        CreateIssue::parse(spec)
            .map_or_else(Faults::into_vec, |_| Vec::new())
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect()
    }

    #[test]
    fn the_task_of_the_contract_is_accepted() {
        let body = r#"{"title":"Flag stale SBOM","description":"","target_repo":"activity-core","priority":"high","labels":[],
            "due_in_days":null,"source_type":"rule","source_id":"flag-stale-sbom",
            "triggering_event_id":"nightly-2026-06-16T07:00:00+00:00","activity_definition_id":"d0","growing":{"later":1}}"#;
        assert_eq!(faults(body), vec![]);
    }

    #[test]
    fn all_faults_are_listed_at_once_each_at_its_pointer() {
        let body = r#"{"title":" ","description":7,"priority":"urgent","labels":["ok",3,""],"due_in_days":3651,
            "source_type":"","target_repo":"owner/repo","review_required":"yes"}"#;
        let expected = [
            ("/title", "blank"),
            ("/description", "wrong_type"),
            ("/priority", "unknown_word"),
            ("/labels/1", "wrong_type"),
            ("/labels/2", "blank"),
            ("/due_in_days", "out_of_range"),
            ("/target_repo", "not_a_slug"),
            ("/source_type", "unknown_word"),
            ("/review_required", "wrong_type"),
        ];
        assert_eq!(faults(body), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!(faults("{}"), vec![("/title".to_owned(), "missing")]);
    }

    #[test]
    fn the_list_of_keys_names_every_field_and_nothing_else() {
        let every: serde_json::Map<_, _> = TaskSpec::KEYS.iter().map(|key| ((*key).to_owned(), serde_json::json!({}))).collect();
        let TaskSpec {
            title,
            description,
            target_repo,
            priority,
            kind,
            labels,
            assignees,
            milestone,
            due_in_days,
            due_on,
            source_type,
            source_id,
            triggering_event_id,
            activity_definition_id,
            review_required,
            relations,
        } = serde_json::from_value(every.into()).unwrap();
        let wrong = Input::WrongType("an object");
        for text in [
            title,
            description,
            target_repo,
            priority,
            kind,
            milestone,
            due_on,
            source_type,
            source_id,
            triggering_event_id,
            activity_definition_id,
        ] {
            assert_eq!(text, wrong);
        }
        assert_eq!((labels, assignees), (Input::WrongType("an object"), Input::WrongType("an object")));
        assert_eq!((due_in_days, review_required), (Input::WrongType("an object"), Input::WrongType("an object")));
        assert_eq!(relations, Input::WrongType("an object"));
        assert_eq!(TaskSpec::KEYS.len(), 16);
    }

    #[test]
    fn a_due_date_is_days_from_acceptance_or_a_date_not_both() {
        let today = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        assert_eq!(DueDate::InDays(1).date(today).to_string(), "2027-01-01");
        assert_eq!(faults(r#"{"title":"t","due_on":"2026-6-1"}"#), vec![("/due_on".to_owned(), "not_a_date")]);
        assert_eq!(faults(r#"{"title":"t","due_on":"2026-06-01","due_in_days":1}"#), vec![("/due_on".to_owned(), "contradiction")]);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_it_accepts_is_within_limits(title in ".{0,600}", labels in prop::collection::vec(".{0,120}", 0..110), days: i64) {
            let spec = TaskSpec {
                title: title.into(),
                labels: labels.into_iter().map(Input::Value).collect::<Vec<_>>().into(),
                due_in_days: days.into(),
                ..TaskSpec::default()
            };
            if let Ok(command) = CreateIssue::parse(spec) {
                prop_assert!(!command.title.trim().is_empty() && command.title.chars().count() <= 512);
                prop_assert!(command.labels.len() <= 100);
                prop_assert!((0..=3650).contains(&days));
            }
        }
    }
}
