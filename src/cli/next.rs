//! `issue next`: claims the most urgent open issue that has no holder.

use clap::Args;
use serde_json::json;

use super::claim::LeaseArgs;
use super::error::CliError;
use super::filter::FilterArgs;
use super::look::short;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct NextArgs {
    #[command(flatten)]
    lease: LeaseArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl NextArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let mut body = self.lease.object();
        body.insert("filter".to_owned(), self.filter.object());
        let answer = session.api.post("/issues/next", &json!(body)).await?;
        if answer.status == 204 {
            return Err(CliError::NotFound("nothing is left to claim".to_owned()));
        }
        let issue: Issue = answer.json()?;
        session.screen.one(&answer.raw()?, || format!("claimed {}\n", short(&issue)))
    }
}
