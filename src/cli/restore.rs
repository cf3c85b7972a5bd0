//! `issue restore`: out of the archive, as it was.

use clap::Args;

use super::acts::ActTargets;
use super::error::CliError;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    targets: ActTargets,
}

impl RestoreArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        if self.targets.dry_run {
            return self.targets.preview(session, "restored").await;
        }
        self.targets.each(session, async |id| session.api.act("POST", id, "/restore", None).await).await
    }
}
