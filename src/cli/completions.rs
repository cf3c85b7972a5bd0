//! `issue completions`: what a shell needs to complete our commands.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::error::CliError;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self, command: Command, name: &'static str) -> Result<(), CliError> {
        use std::io::Write as _;
        let mut text = Vec::new();
        generate(self.shell, &mut command.name(name), name, &mut text);
        Ok(std::io::stdout().write_all(&text)?)
    }
}
