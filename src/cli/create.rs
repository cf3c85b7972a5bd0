//! `issue create`: files a task, from options, the editor, or standard input.

use std::io::IsTerminal as _;

use clap::Args;
use serde_json::Value;

use super::editor::{edit, title_and_description};
use super::error::CliError;
use super::fields::{TaskFields, input};
use super::look::short;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// What is to be done; `-` reads title and description from standard input, with --json the whole task as JSON; without it the editor opens
    title: Option<String>,
    #[arg(short, long)]
    description: Option<String>,
    #[command(flatten)]
    fields: TaskFields,
    /// Hold the issue in the review queue until it is approved
    #[arg(long)]
    review: bool,
    /// Safe to repeat: requests with the same key file one task
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Check it and say what would happen
    #[arg(long)]
    dry_run: bool,
}

impl CreateArgs {
    pub(super) async fn run(self, session: &CommandSession, json: bool) -> Result<(), CliError> {
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
        session.screen.one(&answer.raw()?, || line)
    }

    fn task(&self, session: &CommandSession) -> Result<Value, CliError> {
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
