//! `issue binding sync`: requests a sync run and waits for its end, or shows its plan.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::api::ApiPage;
use super::binding::path;
use super::error::CliError;
use super::facts::text;
use super::names::parsed;
use super::progress::{ProgressUnit, bar};
use super::reach::CommandSession;
use super::table::{TableCell, table};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct SyncArgs {
    name: String,
    /// Show the plan of the sync run, and write nothing
    #[arg(long, conflicts_with_all = ["audit", "allow_deletions", "detach"])]
    dry_run: bool,
    /// List everything, to find what is gone
    #[arg(long)]
    audit: bool,
    /// Accept this run's deletions even above the deletion limit
    #[arg(long)]
    allow_deletions: bool,
    /// Do not wait
    #[arg(long)]
    detach: bool,
}

/// How often the progress is read, and how long the sync run may wait for a worker.
const LOOK: Duration = Duration::from_millis(250);
const PATIENCE: u32 = 120;

pub(super) async fn run(sync: SyncArgs, session: &CommandSession) -> Result<(), CliError> {
    let place = format!("{}/sync", path(&sync.name));
    if sync.dry_run {
        let plan: ApiPage = session.api.post(&place, &json!({ "dry_run": true })).await?.json()?;
        let rows: Vec<Value> = parsed(&plan.items)?;
        return session.screen.list(&plan, || planned(&rows, session.screen.width()));
    }
    let before: Value = session.api.get(&path(&sync.name)).await?.json()?;
    let answer = session.api.post(&place, &json!({ "audit": sync.audit, "allow_deletions": sync.allow_deletions })).await?;
    if sync.detach {
        return session.screen.one(&answer.raw()?, || format!("{} is due now\n", sync.name));
    }
    wait(session, &sync.name, &before["last_run"]["ended_at"]).await
}

async fn wait(session: &CommandSession, name: &str, before: &Value) -> Result<(), CliError> {
    let bar = bar(0, ProgressUnit::Words, true);
    let mut idle = 0;
    loop {
        let answer = session.api.get(&path(name)).await?;
        let binding: Value = answer.json()?;
        let (last, running) = (&binding["last_run"], binding["state"] == "running");
        let error = last["error"].as_str();
        if last["ended_at"] != *before && !running {
            bar.finish_and_clear();
            session.screen.one(&answer.raw()?, || format!("{}\n", counts(&last["counts"])))?;
            return error.map_or(Ok(()), |error| Err(CliError::Failed(format!("the sync run broke off: {error}"))));
        }
        idle = if running { 0 } else { idle + 1 };
        if idle > PATIENCE {
            let why = "no worker took it up: is `issue-core serve` or `issue-core worker` running on this store? It stays due";
            return Err(CliError::Failed(why.to_owned()));
        }
        bar.set_message(counts(&binding["progress"]["counts"]));
        bar.tick();
        tokio::time::sleep(LOOK).await;
    }
}

fn counts(counts: &Value) -> String {
    let words = ["listed", "adopted", "changed", "unchanged", "passed_over", "missing"];
    let told = words.map(|word| format!("{} {}", counts[word].as_u64().unwrap_or(0), word.replace('_', " ")));
    told.join(", ")
}

fn planned(rows: &[Value], width: Option<usize>) -> String {
    let row = |item: &Value| {
        ["action", "number", "key", "title", "taken", "sent", "clashes"].map(|field| TableCell::new(text(&item[field]))).into()
    };
    let rows: Vec<Vec<TableCell>> = rows.iter().map(row).collect();
    if rows.is_empty() {
        "nothing would be done\n".to_owned()
    } else {
        table(&["WHAT", "#", "THERE", "TITLE", "TAKEN", "SENT", "CLASH"], &rows, 3, width)
    }
}
