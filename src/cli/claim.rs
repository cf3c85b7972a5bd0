//! `issue claim`: holds an issue for one agent for a while.

use clap::Args;
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::look::short;
use super::names::resolve;
use super::reach::CommandSession;
use super::when::relative;
use super::wire::Issue;

#[derive(Debug, Args)]
pub(super) struct ClaimArgs {
    /// Number, id, the beginning of an id, or a tracker's key
    issue: String,
    #[command(flatten)]
    lease: LeaseArgs,
}

/// The holder of a claim, and its length.
#[derive(Debug, Args)]
pub(super) struct LeaseArgs {
    /// The holder; without it, the name of the key
    #[arg(long)]
    holder: Option<String>,
    /// The length of the claim: 900, 15m, 2h. After it any caller may claim the issue [default:
    /// 15m]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    lease: Option<u32>,
}

impl ClaimArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let id = resolve(&session.api, &self.issue).await?;
        let answer = session.api.post(&format!("/issues/{id}/claim"), &json!(self.lease.object())).await?;
        let issue: Issue = answer.json()?;
        let until = issue.claimed_until.map(|until| relative(until, session.screen.now)).unwrap_or_default();
        session.screen.one(&answer.raw()?, || format!("claimed {}, runs out {until}\n", short(&issue)))
    }
}

impl LeaseArgs {
    pub(super) fn object(&self) -> Map<String, Value> {
        let mut object = Map::new();
        if let Some(holder) = &self.holder {
            object.insert("holder".to_owned(), holder.as_str().into());
        }
        if let Some(seconds) = self.lease {
            object.insert("lease_seconds".to_owned(), seconds.into());
        }
        object
    }
}

fn seconds(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, unit @ ('s' | 'm' | 'h'))) => (&text[..at], unit),
        Some(_) | None => (text, 's'),
    };
    let factor = if unit == 'h' {
        3_600
    } else if unit == 'm' {
        60
    } else {
        1
    };
    let number: u32 = digits.parse().map_err(|_| "must be a time like 900, 15m or 2h".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "is too long".to_owned())
}
