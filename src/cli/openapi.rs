//! `issue-core openapi`: the description of the HTTP API, for linters, client generators, and the copy in the repository.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::boot;

#[derive(Debug, Args)]
pub(super) struct OpenApi {
    /// Write the document to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl OpenApi {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let text = boot::api_document();
        match &self.output {
            Some(path) => std::fs::write(path, text).map_err(|reason| CliError::Write { path: path.clone(), reason })?,
            None => print!("{text}"),
        }
        Ok(())
    }
}
