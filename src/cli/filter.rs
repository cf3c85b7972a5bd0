//! Which issues: the filters of the API's list as options, under the same names.

use clap::Args;
use serde_json::{Map, Value};

use super::api::UrlQuery;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct FilterArgs {
    /// open, `in_progress`, blocked or closed
    #[arg(short, long, value_delimiter = ',')]
    pub(super) state: Vec<String>,
    /// With each of these labels
    #[arg(short, long)]
    label: Vec<String>,
    /// With one of these labels
    #[arg(long)]
    label_any: Vec<String>,
    /// With none of these labels
    #[arg(long)]
    label_none: Vec<String>,
    /// high, medium or low
    #[arg(short, long, value_delimiter = ',')]
    priority: Vec<String>,
    /// task, bug and so on
    #[arg(short, long, value_delimiter = ',')]
    kind: Vec<String>,
    /// Assigned to one of these people
    #[arg(short, long)]
    assignee: Vec<String>,
    /// Only issues without an assignee
    #[arg(long, conflicts_with = "assignee")]
    unassigned: bool,
    #[arg(short, long)]
    milestone: Vec<String>,
    /// Of one of these repositories
    #[arg(short, long, value_name = "REPO")]
    repo: Vec<String>,
    /// Held by one of these backends
    #[arg(long)]
    backend: Vec<String>,
    /// Filed by one of these rules or instructions
    #[arg(long, value_name = "ID")]
    source: Vec<String>,
    /// none, pending, approved or rejected
    #[arg(long, value_delimiter = ',')]
    review: Vec<String>,
    /// Filed on that day or later
    #[arg(long, value_name = "DAY")]
    created_from: Option<String>,
    #[arg(long, value_name = "DAY")]
    created_before: Option<String>,
    /// Changed last on that day or later
    #[arg(long, value_name = "DAY")]
    updated_from: Option<String>,
    #[arg(long, value_name = "DAY")]
    updated_before: Option<String>,
    /// Due on that day or later
    #[arg(long, value_name = "DAY")]
    due_from: Option<String>,
    #[arg(long, value_name = "DAY")]
    due_before: Option<String>,
    /// Archived ones only
    #[arg(long)]
    archived: bool,
}

impl FilterArgs {
    /// As parameters of the API.
    pub(super) fn query(&self) -> UrlQuery {
        let many = [
            ("state", &self.state),
            ("label", &self.label),
            ("label_any", &self.label_any),
            ("label_none", &self.label_none),
            ("priority", &self.priority),
            ("kind", &self.kind),
            ("assignee", &self.assignee),
            ("milestone", &self.milestone),
            ("target_repo", &self.repo),
            ("backend", &self.backend),
            ("source_id", &self.source),
            ("review", &self.review),
        ];
        let one = [
            ("created_from", &self.created_from),
            ("created_before", &self.created_before),
            ("updated_from", &self.updated_from),
            ("updated_before", &self.updated_before),
            ("due_from", &self.due_from),
            ("due_before", &self.due_before),
        ];
        let mut query: UrlQuery =
            many.into_iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value.clone()))).collect();
        query.extend(one.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        query.extend(self.unassigned.then(|| ("unassigned", "true".to_owned())));
        query.extend(self.archived.then(|| ("archived", "true".to_owned())));
        query
    }

    /// The same as the object that a body takes.
    pub(super) fn object(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in self.query() {
            let value = if name == "unassigned" { Value::Bool(true) } else { Value::String(value) };
            match object.get_mut(name) {
                Some(Value::Array(values)) => values.push(value),
                Some(_) | None if is_list(name) => _ = object.insert(name.to_owned(), Value::Array(vec![value])),
                Some(_) | None => _ = object.insert(name.to_owned(), value),
            }
        }
        Value::Object(object)
    }
}

fn is_list(name: &str) -> bool {
    !name.ends_with("_from") && !name.ends_with("_before") && !["unassigned", "archived"].contains(&name)
}
