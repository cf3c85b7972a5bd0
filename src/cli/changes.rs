//! What is to be changed of an issue, as options, and the patch that says so to the API.

use clap::Args;
use serde_json::{Map, Value, json};

use super::fields::{related, relation};
use super::wire::{Issue, Relation};

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    #[arg(short, long)]
    title: Option<String>,
    /// `-` reads it from standard input
    #[arg(short, long)]
    pub(super) description: Option<String>,
    #[arg(short, long)]
    priority: Option<String>,
    #[arg(short, long)]
    kind: Option<String>,
    #[arg(short, long, value_name = "LABEL")]
    add_label: Vec<String>,
    #[arg(short, long, value_name = "LABEL")]
    remove_label: Vec<String>,
    #[arg(long, value_name = "NAME")]
    assign: Vec<String>,
    #[arg(long, value_name = "NAME")]
    unassign: Vec<String>,
    /// How it stands to another issue from now on: blocks=42, parent=7 or relates=gitea:acme/tools#12
    #[arg(long, value_name = "RELATION=ISSUE", value_parser = relation)]
    relate: Vec<(String, String)>,
    #[arg(long, value_name = "RELATION=ISSUE", value_parser = relation)]
    unrelate: Vec<(String, String)>,
    /// An empty one takes it away
    #[arg(short, long)]
    milestone: Option<String>,
    /// A day like 2026-06-30; an empty one takes it away
    #[arg(long, value_name = "DAY")]
    due: Option<String>,
}

impl ChangeArgs {
    pub(super) fn has_lists(&self) -> bool {
        let texts = [&self.add_label, &self.remove_label, &self.assign, &self.unassign];
        texts.iter().any(|list| !list.is_empty()) || !self.relate.is_empty() || !self.unrelate.is_empty()
    }

    /// The changes that do not depend on the issue's present state.
    pub(super) fn wished(&self) -> Map<String, Value> {
        let texts = [("title", &self.title), ("description", &self.description), ("priority", &self.priority), ("kind", &self.kind)];
        let clearable = [("milestone", &self.milestone), ("due_on", &self.due)];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value.clone()?))));
        let clearable = clearable.into_iter().filter_map(|(name, value)| {
            let value = value.clone()?;
            Some((name, if value.is_empty() { Value::Null } else { value.into() }))
        });
        texts.chain(clearable).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub(super) fn patch(&self, wished: &Map<String, Value>, issue: &Issue) -> Value {
        let mut patch = wished.clone();
        let lists =
            [("labels", &issue.labels, &self.add_label, &self.remove_label), ("assignees", &issue.assignees, &self.assign, &self.unassign)];
        for (name, have, add, remove) in lists {
            if !add.is_empty() || !remove.is_empty() {
                let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
                let mut list: Vec<&String> = have.iter().filter(|one| !remove.iter().any(|gone| same(gone, one))).collect();
                list.extend(add.iter().filter(|new| !have.iter().any(|one| same(one, new))));
                patch.insert(name.to_owned(), json!(list));
            }
        }
        if !self.relate.is_empty() || !self.unrelate.is_empty() {
            patch.insert("relations".to_owned(), self.relations(issue).into());
        }
        patch.into()
    }

    /// The present relations and the new ones, without the removed ones. A new parent replaces the
    /// old one.
    fn relations(&self, issue: &Issue) -> Vec<Value> {
        const PARENT: &str = "parent";
        let adopted = self.relate.iter().any(|(relation, _)| relation == PARENT);
        let is = |one: &Relation, (relation, to): &(String, String)| {
            let number = one.number.map(|number| number.to_string());
            one.kind == *relation && (one.to.eq_ignore_ascii_case(to) || number.as_deref() == Some(to.trim_start_matches('#')))
        };
        let goes = |one: &Relation| (adopted && one.kind == PARENT) || self.unrelate.iter().any(|gone| is(one, gone));
        let kept = issue.relations.iter().filter(|one| !goes(one)).map(|one| related(&(one.kind.clone(), one.to.clone())));
        kept.chain(self.relate.iter().map(related)).collect()
    }
}
