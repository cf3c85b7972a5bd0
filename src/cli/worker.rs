//! `issue-core worker`: delivers queued messages, until a signal stops it.

use clap::Args;

use super::{CliError, run_to_the_end, run_until_stopped};
use crate::boot::{self, DatabaseUrl, ProcessRole, RunningService};
use crate::config::{LoadedSettings, Settings};

#[derive(Debug, Args)]
pub(super) struct WorkerArgs {
    /// Do what is due now and what follows from it, then end
    #[arg(long)]
    once: bool,
}

impl WorkerArgs {
    pub(super) fn run(&self, loaded: &LoadedSettings) -> Result<(), CliError> {
        if self.once {
            return run_to_the_end(&loaded.settings, boot::work_once(&loaded.settings));
        }
        run_until_stopped(&loaded.settings, ProcessRole::Worker, announce)
    }
}

fn announce(settings: &Settings, running: &RunningService) {
    let (address, data) = (running.address, DatabaseUrl::of(&settings.database).describe());
    let targets = running.targets();
    tracing::info!(%address, %data, targets, "working");
    if targets.is_empty() {
        tracing::warn!("no sink and no tracker is configured (state_hub.url, nats.url, backends), so there is nothing to do");
    }
    println!("issue-core {} worker: probes and metrics on http://{address}", env!("CARGO_PKG_VERSION"));
    println!("  data  {data}");
    println!("  tells {}", if targets.is_empty() { "nobody" } else { &targets });
}
