//! `issue block`: work cannot go on, and why.

use clap::Args;
use serde_json::json;

use super::acts::Targets;
use super::error::CliError;
use super::reach::Session;

#[derive(Debug, Args)]
pub(super) struct Block {
    #[command(flatten)]
    targets: Targets,
    /// Why work cannot go on
    #[arg(long)]
    reason: String,
}

impl Block {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let rehearsal = json!({ "state": "blocked", "blocked_reason": self.reason });
        let body = json!({ "reason": self.reason });
        self.targets.act(session, rehearsal, async |id| session.api.act("POST", id, "/block", Some(body.clone())).await).await
    }
}
