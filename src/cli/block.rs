//! `issue block`: work cannot go on, and why.

use clap::Args;
use serde_json::json;

use super::acts::ActTargets;
use super::error::CliError;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct BlockArgs {
    #[command(flatten)]
    targets: ActTargets,
    /// Why work cannot go on
    #[arg(long)]
    reason: String,
}

impl BlockArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let rehearsal = json!({ "state": "blocked", "blocked_reason": self.reason });
        let body = json!({ "reason": self.reason });
        self.targets.act(session, rehearsal, async |id| session.api.act("POST", id, "/block", Some(body.clone())).await).await
    }
}
