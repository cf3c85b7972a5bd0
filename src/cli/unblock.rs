//! `issue unblock`: back to what it was doing before.

use clap::Args;
use serde_json::json;

use super::acts::ActTargets;
use super::error::CliError;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct UnblockArgs {
    #[command(flatten)]
    targets: ActTargets,
}

impl UnblockArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        self.targets.act(session, json!({"state": "open"}), async |id| session.api.act("POST", id, "/unblock", None).await).await
    }
}
