//! `issue-core route`: where a task would go, and why. Nothing is contacted, nothing is written.

use clap::{Args, Subcommand};

use super::error::CliError;
use crate::boot;
use crate::config::LoadedSettings;
use crate::domain::TaskSpec;
use crate::domain::base::input::Input;

#[derive(Debug, Subcommand)]
pub(super) enum RouteCommand {
    /// Explain which rule matches a task, which do not and why, and what its tracker cannot carry
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The task's repository, without its owner
    #[arg(long)]
    target_repo: Option<String>,
    /// A label; may be given several times
    #[arg(long = "label")]
    labels: Vec<String>,
    #[arg(long)]
    priority: Option<String>,
    #[arg(long)]
    kind: Option<String>,
    #[arg(long)]
    source_type: Option<String>,
    #[arg(long)]
    source_id: Option<String>,
    /// A person; may be given several times
    #[arg(long = "assignee")]
    assignees: Vec<String>,
    #[arg(long)]
    milestone: Option<String>,
    /// A date, such as 2026-06-30
    #[arg(long)]
    due_on: Option<String>,
    #[arg(long, default_value = "A task")]
    title: String,
}

impl RouteCommand {
    pub(super) fn run(self, loaded: &LoadedSettings) -> Result<(), CliError> {
        let Self::Explain(task) = self;
        print!("{}", boot::explain_route(&loaded.settings, task.spec())?);
        Ok(())
    }
}

impl ExplainArgs {
    fn spec(self) -> TaskSpec {
        let text = |value: Option<String>| value.map_or(Input::Absent, Input::Value);
        let list = |values: Vec<String>| Input::Value(values.into_iter().map(Input::Value).collect());
        TaskSpec {
            title: Input::Value(self.title),
            target_repo: text(self.target_repo),
            labels: list(self.labels),
            priority: text(self.priority),
            kind: text(self.kind),
            source_type: text(self.source_type),
            source_id: text(self.source_id),
            assignees: list(self.assignees),
            milestone: text(self.milestone),
            due_on: text(self.due_on),
            ..TaskSpec::default()
        }
    }
}
