//! `issue start`: from open to in progress.

use clap::Args;
use serde_json::json;

use super::acts::ActTargets;
use super::error::CliError;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    #[command(flatten)]
    targets: ActTargets,
}

impl StartArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        self.targets.act(session, json!({"state": "in_progress"}), async |id| session.api.act("POST", id, "/start", None).await).await
    }
}
