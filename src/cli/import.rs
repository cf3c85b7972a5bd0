//! `issue import`: imports the file of an export. Issues that exist already stay, so it may be
//! repeated after an interruption.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::error::CliError;
use super::lines::batch;
use super::progress::{ProgressUnit, bar};
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A file that `issue export` wrote; `-` is standard input
    file: PathBuf,
    /// Say what would become of each issue, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Default, Deserialize)]
struct ImportLineOutcome {
    imported: usize,
    present: usize,
    failed: usize,
    items: Vec<ImportLine>,
}

#[derive(Debug, Deserialize)]
struct ImportLine {
    status: String,
    detail: Option<String>,
    errors: Vec<serde_json::Value>,
}

impl ImportArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let failed = |reason| CliError::Read { path: self.file.clone(), reason };
        let (mut reader, size): (Box<dyn BufRead>, u64) = if self.file.as_os_str() == "-" {
            (Box::new(BufReader::new(std::io::stdin())), 0)
        } else {
            let file = File::open(&self.file).map_err(failed)?;
            let size = file.metadata().map_err(failed)?.len();
            (Box::new(BufReader::new(file)), size)
        };
        let bar = bar(size, ProgressUnit::Bytes, true);
        let (mut all, mut first) = (ImportLineOutcome::default(), 1);
        loop {
            let lines = batch(&mut reader).map_err(failed)?;
            if lines.is_empty() {
                break;
            }
            let outcome = self.send(session, &lines).await?;
            for (line, item) in (first..).zip(&outcome.items).filter(|(_, item)| item.status == "failed") {
                let faults: Vec<String> =
                    item.errors.iter().map(|fault| format!("; {} {}", text(&fault["pointer"]), text(&fault["message"]))).collect();
                bar.suspend(|| eprintln!("line {line}: {}{}", item.detail.as_deref().unwrap_or_default(), faults.concat()));
            }
            first += lines.len();
            bar.inc(lines.iter().map(|line| line.len() as u64 + 1).sum());
            (all.imported, all.present, all.failed) =
                (all.imported + outcome.imported, all.present + outcome.present, all.failed + outcome.failed);
        }
        bar.finish_and_clear();
        let done = if self.dry_run { "would be imported" } else { "imported" };
        eprintln!("{} {done}, {} there already, {} failed", all.imported, all.present, all.failed);
        if all.failed > 0 { Err(CliError::Partly { failed: all.failed, all: first - 1 }) } else { Ok(()) }
    }

    async fn send(&self, session: &CommandSession, lines: &[String]) -> Result<ImportLineOutcome, CliError> {
        let path = if self.dry_run { "/import?dry_run=true" } else { "/import" };
        // A line that is no JSON at all would spoil the whole body.
        let lines: Vec<&str> = lines
            .iter()
            .map(|line| if serde_json::from_str::<&serde_json::value::RawValue>(line).is_ok() { line } else { "null" })
            .collect();
        session.api.call("POST", path, Some(format!("{{\"items\":[{}]}}", lines.join(",")).into_bytes()), None).await?.json()
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}
