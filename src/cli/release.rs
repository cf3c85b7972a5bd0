//! `issue release`: its holder gives it back.

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::look::short;
use super::names::resolve;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// Number, id, the beginning of an id, or a tracker's key
    issue: String,
    /// The holder; without it, the name of the key
    #[arg(long)]
    holder: Option<String>,
}

impl ReleaseArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let id = resolve(&session.api, &self.issue).await?;
        let body = self.holder.map_or_else(|| json!({}), |holder| json!({ "holder": holder }));
        let answer = session.api.post(&format!("/issues/{id}/release"), &body).await?;
        let issue: Issue = answer.json()?;
        session.screen.one(&answer.raw()?, || format!("released {}\n", short(&issue)))
    }
}
