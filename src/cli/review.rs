//! `issue review`: tasks that wait for a decision before anything of them leaves.

use clap::{Args, Subcommand};
use serde_json::json;

use super::error::CliError;
use super::look;
use super::names::resolve;
use super::reach::CommandSession;
use super::wire::Issue;

#[derive(Debug, Subcommand)]
pub(super) enum ReviewCommand {
    /// What waits, oldest first
    List(ListReviews),
    /// From now on it is an ordinary issue
    Approve { issue: String },
    /// Closed as not planned
    Reject {
        issue: String,
        /// Why not
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListReviews {
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
}

impl ReviewCommand {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let (issue, act, body) = match self {
            Self::List(ListReviews { limit }) => {
                let list = session.api.items("/reviews", &Vec::new(), limit.max(1)).await?;
                return look::issues(&session.screen, &list);
            }
            Self::Approve { issue } => (issue, "/review/approve", json!({})),
            Self::Reject { issue, reason } => (issue, "/review/reject", json!({ "reason": reason })),
        };
        let id = resolve(&session.api, &issue).await?;
        let answer = session.api.act("POST", &id, act, Some(body)).await?;
        let issue: Issue = answer.json()?;
        session.screen.one(&answer.raw()?, || format!("{} {}\n", issue.review, look::short(&issue)))
    }
}
