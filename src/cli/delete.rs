//! `issue delete`: out of every list, or gone for good.

use clap::Args;

use super::acts::ActTargets;
use super::error::CliError;
use super::names::find;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    targets: ActTargets,
    /// Remove it with its history; it cannot come back
    #[arg(long)]
    permanent: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl DeleteArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        if self.targets.dry_run {
            return self.targets.preview(session, if self.permanent { "removed for good" } else { "archived" }).await;
        }
        if !self.permanent {
            return self.targets.each(session, async |id| session.api.act("DELETE", id, "", None).await).await;
        }
        let mut issues: Vec<Issue> = Vec::new();
        for name in &self.targets.issues {
            issues.push(find(&session.api, name).await?.json()?);
        }
        let titles: Vec<String> =
            issues.iter().map(|issue| format!("#{} {}", issue.number, super::table::one_line(&issue.title))).collect();
        session.screen.confirm(&format!("{}\nRemove for good, with the whole history?", titles.join("\n")), self.yes)?;
        for issue in &issues {
            session.api.act("DELETE", &issue.id, "?permanent=true", None).await?;
            session.screen.note(&format!("removed #{}", issue.number));
        }
        Ok(())
    }
}
