//! `issue start`: from open to in progress.

use clap::Args;
use serde_json::json;

use super::acts::Targets;
use super::error::CliError;
use super::reach::Session;

#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    targets: Targets,
}

impl Start {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        self.targets.act(session, json!({"state": "in_progress"}), async |id| session.api.act("POST", id, "/start", None).await).await
    }
}
