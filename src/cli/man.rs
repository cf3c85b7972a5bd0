//! `issue man`: a manual page for each command, made from the same texts as `--help`.

use std::path::PathBuf;

use clap::{Args, Command};

use super::error::CliError;

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Where to write them, one file each; `man -l` shows one, and a directory `man1` on MANPATH all
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl ManArgs {
    pub(super) fn run(&self, command: Command, name: &'static str) -> Result<(), CliError> {
        let failed = |reason| CliError::Write { path: self.directory.clone(), reason };
        std::fs::create_dir_all(&self.directory).map_err(failed)?;
        clap_mangen::generate_to(command.name(name).disable_help_subcommand(true), &self.directory).map_err(failed)
    }
}
