//! `issue restore`: out of the archive, as it was.

use clap::Args;

use super::acts::Targets;
use super::error::CliError;
use super::reach::Session;

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    targets: Targets,
}

impl Restore {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        if self.targets.dry_run {
            return self.targets.preview(session, "restored").await;
        }
        self.targets.each(session, async |id| session.api.act("POST", id, "/restore", None).await).await
    }
}
