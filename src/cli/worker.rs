//! `issue-core worker`: works through the messages, until it is told to stop.

use clap::Args;

use super::{CliError, run_to_the_end, run_until_stopped};
use crate::boot::{self, Place, Role, Running};
use crate::config::{Loaded, Settings};

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// Do what is due now and what follows from it, then end
    #[arg(long)]
    once: bool,
}

impl Worker {
    pub(super) fn run(&self, loaded: &Loaded) -> Result<(), CliError> {
        if self.once {
            return run_to_the_end(&loaded.settings, boot::work_once(&loaded.settings));
        }
        run_until_stopped(&loaded.settings, Role::Worker, announce)
    }
}

fn announce(settings: &Settings, running: &Running) {
    let (address, data) = (running.address, Place::of(&settings.database).describe());
    let targets = running.targets();
    tracing::info!(%address, %data, targets, "working");
    if targets.is_empty() {
        tracing::warn!("nobody to tell is configured (state_hub.url), so there is nothing to do");
    }
    println!("issue-core {} worker: probes and metrics on http://{address}", env!("CARGO_PKG_VERSION"));
    println!("  data  {data}");
    println!("  tells {}", if targets.is_empty() { "nobody" } else { &targets });
}
