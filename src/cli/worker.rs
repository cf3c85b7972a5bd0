//! `issue-core worker`: works through the messages, until it is told to stop.

use super::{CliError, run_until_stopped};
use crate::boot::{Place, Role, Running};
use crate::config::{Loaded, Settings};

pub(super) fn run(loaded: &Loaded) -> Result<(), CliError> {
    run_until_stopped(&loaded.settings, Role::Worker, announce)
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
