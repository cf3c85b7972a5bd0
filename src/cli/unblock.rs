//! `issue unblock`: back to what it was doing before.

use clap::Args;
use serde_json::json;

use super::acts::Targets;
use super::error::CliError;
use super::reach::Session;

#[derive(Debug, Args)]
pub(super) struct Unblock {
    #[command(flatten)]
    targets: Targets,
}

impl Unblock {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        self.targets.act(session, json!({"state": "open"}), async |id| session.api.act("POST", id, "/unblock", None).await).await
    }
}
