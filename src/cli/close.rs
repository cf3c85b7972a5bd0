//! `issue close`: done, or not to be done.

use clap::Args;
use serde_json::json;

use super::acts::ActTargets;
use super::error::CliError;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct CloseArgs {
    #[command(flatten)]
    targets: ActTargets,
    /// completed, `not_planned` or duplicate
    #[arg(long, default_value = "completed")]
    reason: String,
    /// A last word, written together with the closing
    #[arg(short, long)]
    comment: Option<String>,
}

impl CloseArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let rehearsal = json!({ "state": "closed", "close_reason": self.reason });
        let mut body = json!({ "reason": self.reason });
        if let Some(comment) = self.comment {
            body["comment"] = comment.into();
        }
        self.targets.act(session, rehearsal, async |id| session.api.act("POST", id, "/close", Some(body.clone())).await).await
    }
}
