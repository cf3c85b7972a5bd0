//! One act on one issue or on many: each by itself, so that one that cannot be changed does not stop the others.

use clap::Args;
use serde_json::{Value, json};

use super::api::{ApiAnswer, ApiPage};
use super::error::CliError;
use super::look::short;
use super::names;
use super::reach::CommandSession;
use super::wire::{Bulk, Issue};

/// The issues an act is for.
#[derive(Debug, Args)]
pub(super) struct ActTargets {
    /// Number, id, the beginning of an id, or a tracker's key
    #[arg(required = true, value_name = "ISSUE")]
    pub(super) issues: Vec<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl ActTargets {
    /// `change` is the same request in the form of `POST /issues/bulk`, which can try it as a dry
    /// run.
    pub(super) async fn act(
        &self,
        session: &CommandSession,
        change: Value,
        act: impl AsyncFn(&str) -> Result<ApiAnswer, CliError>,
    ) -> Result<(), CliError> {
        if self.dry_run { self.rehearse(session, change).await } else { self.each(session, act).await }
    }

    /// Does it to each, and shows each as it is then.
    pub(super) async fn each(
        &self,
        session: &CommandSession,
        act: impl AsyncFn(&str) -> Result<ApiAnswer, CliError>,
    ) -> Result<(), CliError> {
        let mut done = ApiPage::default();
        let mut failed = 0;
        for name in &self.issues {
            let one = async { act(&names::resolve(&session.api, name).await?).await?.raw() };
            match one.await.map_err(|error| Self::explain(name, error)) {
                Ok(raw) => done.items.push(raw),
                Err(error) if self.issues.len() == 1 => return Err(error),
                Err(error) => {
                    failed += 1;
                    eprintln!("{name}: {error}");
                }
            }
        }
        let human = || names::parsed(&done.items).unwrap_or_default().iter().map(|issue: &Issue| short(issue) + "\n").collect();
        match done.items.as_slice() {
            [only] if self.issues.len() == 1 => session.screen.one(only, human)?,
            _ => session.screen.list(&done, human)?,
        }
        if failed > 0 { Err(CliError::Partly { failed, all: self.issues.len() }) } else { Ok(()) }
    }

    async fn rehearse(&self, session: &CommandSession, change: Value) -> Result<(), CliError> {
        let mut ids = Vec::new();
        for name in &self.issues {
            ids.push(names::resolve(&session.api, name).await?);
        }
        let answer = session.api.post("/issues/bulk", &json!({ "ids": ids, "change": change, "dry_run": true })).await?;
        let bulk: Bulk = answer.json()?;
        let failed = bulk.items.iter().filter(|item| item.outcome == "failed").count();
        session.screen.one(&answer.raw()?, || {
            let line = |item: &super::wire::BulkItem| {
                let name = item.number.or_else(|| item.id.parse().ok()).map_or_else(|| item.id.clone(), |number| format!("#{number}"));
                match item.outcome.as_str() {
                    "changed" => format!("{name} would be changed\n"),
                    "unchanged" => format!("{name} would stay as it is\n"),
                    _ => format!("{name} would be refused: {}\n", item.detail.as_deref().unwrap_or_default()),
                }
            };
            bulk.items.iter().map(line).collect()
        })?;
        if failed > 0 { Err(CliError::Partly { failed, all: self.issues.len() }) } else { Ok(()) }
    }

    /// Shows which issues would change, where the API has no dry run.
    pub(super) async fn preview(&self, session: &CommandSession, would: &str) -> Result<(), CliError> {
        for name in &self.issues {
            let issue: Issue = names::find(&session.api, name).await?.json()?;
            session.screen.print(&format!("{} would be {would}\n", short(&issue)))?;
        }
        Ok(())
    }

    /// A name that is no issue gets suggestions; any other failure speaks for itself.
    fn explain(name: &str, error: CliError) -> CliError {
        if let CliError::Problem(problem) = &error
            && problem.status == 404
            && problem.code == "not_found"
        {
            return CliError::NotFound(format!("{} (it was asked for as {name}; `issue list` shows what there is)", problem.detail));
        }
        error
    }
}
