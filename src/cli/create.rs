//! `issue create`: files a task, from options, the editor, or standard input.

use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use serde_json::{Map, Value, json};

use super::editor::{edit, title_and_description};
use super::error::CliError;
use super::look::short;
use super::reach::Session;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What is to be done; `-` reads title and description from standard input, with --json the whole task as JSON; without it the editor opens
    title: Option<String>,
    #[arg(short, long)]
    description: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// It waits for somebody's approval first
    #[arg(long)]
    review: bool,
    /// Safe to repeat: the same key files one task, however often
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Check it and say what would happen
    #[arg(long)]
    dry_run: bool,
}

/// The fields that both a new task and an edit have.
#[derive(Debug, Args)]
pub(super) struct Fields {
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
    /// The repository it is about, without its owner
    #[arg(short, long)]
    repo: Option<String>,
}

impl Create {
    pub(super) async fn run(self, session: &Session, json: bool) -> Result<(), CliError> {
        let task = if json && (self.title.as_deref() == Some("-") || (self.title.is_none() && !std::io::stdin().is_terminal())) {
            serde_json::from_str(&input()?).map_err(|error| CliError::usage(format!("standard input is not a task as JSON: {error}")))?
        } else {
            self.task(session)?
        };
        let path = if self.dry_run { "/issues?dry_run=true" } else { "/issues" };
        let (body, key) = (task.to_string().into_bytes(), self.idempotency_key.as_deref());
        let answer = session.api.file(path, body, key).await?;
        let filed: Value = answer.json()?;
        let line = match (self.dry_run, filed["issue_id"].as_str()) {
            (false, Some(id)) if session.screen.is_for_people() => {
                let issue: Issue = session.api.get(&format!("/issues/{id}")).await?.json()?;
                format!("{} {}\n", if answer.status == 201 { "created" } else { "was filed before:" }, short(&issue))
            }
            (true, Some(id)) => format!("it was filed before, as {id}\n"),
            (true, None) => "it would be created\n".to_owned(),
            (false, _) => String::new(),
        };
        session.screen.one(&*answer.raw()?, || line)
    }

    fn task(&self, session: &Session) -> Result<Value, CliError> {
        let (title, description) = match self.title.as_deref() {
            Some("-") => title_and_description(&input()?),
            Some(title) => (title.to_owned(), self.description.clone().unwrap_or_default()),
            None => title_and_description(&edit("", "The first line is the title, the rest the description.", &session.surroundings)?),
        };
        if title.is_empty() {
            return Err(CliError::usage("a task needs a title; nothing was filed"));
        }
        let mut task = self.fields.object();
        task.insert("title".to_owned(), title.into());
        task.insert("description".to_owned(), self.description.clone().unwrap_or(description).into());
        if self.review {
            task.insert("review_required".to_owned(), true.into());
        }
        Ok(task.into())
    }
}

impl Fields {
    fn object(&self) -> Map<String, Value> {
        let texts = [("priority", &self.priority), ("kind", &self.kind), ("milestone", &self.milestone), ("target_repo", &self.repo)];
        let mut object: Map<String, Value> =
            texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect();
        for (name, list) in [("labels", &self.label), ("assignees", &self.assignee)] {
            if !list.is_empty() {
                object.insert(name.to_owned(), json!(list));
            }
        }
        match self.due.as_deref().map(|due| (due, due.trim_end_matches('d').parse::<u32>())) {
            Some((_, Ok(days))) => _ = object.insert("due_in_days".to_owned(), days.into()),
            Some((day, Err(_))) => _ = object.insert("due_on".to_owned(), day.into()),
            None => {}
        }
        object
    }
}

pub(super) fn input() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
