//! `issue next`: takes the most urgent open issue that nobody holds.

use clap::Args;
use serde_json::json;

use super::claim::Lease;
use super::error::CliError;
use super::filter::Filter;
use super::look::short;
use super::reach::Session;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct Next {
    #[command(flatten)]
    lease: Lease,
    #[command(flatten)]
    filter: Filter,
}

impl Next {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
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
