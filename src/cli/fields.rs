//! The fields of a new task as options, and texts from standard input.

use std::io::Read as _;

use clap::Args;
use serde_json::{Map, Value, json};

use super::error::CliError;

/// What a new task may say besides its title.
#[derive(Debug, Args)]
pub(super) struct TaskFields {
    /// high, medium or low
    #[arg(short, long)]
    priority: Option<String>,
    /// task, bug and so on
    #[arg(short, long)]
    kind: Option<String>,
    #[arg(short, long)]
    label: Vec<String>,
    #[arg(short, long)]
    assignee: Vec<String>,
    #[arg(short, long)]
    milestone: Option<String>,
    /// A day like 2026-06-30, or days from now like 7d
    #[arg(long, value_name = "DAY")]
    due: Option<String>,
    /// How it stands to another issue: blocks=42, parent=7 or relates=gitea:acme/tools#12
    #[arg(long, value_name = "RELATION=ISSUE", value_parser = relation)]
    relate: Vec<(String, String)>,
    /// The repository it is about, without its owner
    #[arg(short, long)]
    repo: Option<String>,
}

impl TaskFields {
    /// As the API takes them.
    pub(super) fn object(&self) -> Map<String, Value> {
        let texts = [("priority", &self.priority), ("kind", &self.kind), ("milestone", &self.milestone), ("target_repo", &self.repo)];
        let mut object: Map<String, Value> =
            texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect();
        for (name, list) in [("labels", &self.label), ("assignees", &self.assignee)] {
            if !list.is_empty() {
                object.insert(name.to_owned(), json!(list));
            }
        }
        if !self.relate.is_empty() {
            object.insert("relations".to_owned(), self.relate.iter().map(related).collect());
        }
        match self.due.as_deref().map(|due| (due, due.trim_end_matches('d').parse::<u32>())) {
            Some((_, Ok(days))) => _ = object.insert("due_in_days".to_owned(), days.into()),
            Some((day, Err(_))) => _ = object.insert("due_on".to_owned(), day.into()),
            None => {}
        }
        object
    }
}

/// `blocks=42`. The API knows the names of the relations.
pub(super) fn relation(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(relation, to)| !relation.is_empty() && !to.is_empty());
    pair.map(|(relation, to)| (relation.replace('-', "_"), to.to_owned())).ok_or_else(|| "write it like blocks=42".to_owned())
}

/// As the API takes it.
pub(super) fn related((relation, to): &(String, String)) -> Value {
    json!({ "relation": relation, "to": to })
}

pub(super) fn input() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
