//! `issue config`: what is in force, and whether it is sound.

use clap::Subcommand;

use crate::config::{self, LoadedSettings};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every setting and where it came from, secrets masked
    Show,
    /// Check the settings and say nothing if they are sound
    Check,
}

impl ConfigCommand {
    // Loading has checked everything already; a bad setting never gets here.
    pub(super) fn run(&self, loaded: &LoadedSettings) {
        match self {
            Self::Show => print!("{}", config::show(loaded)),
            Self::Check => {}
        }
    }
}
