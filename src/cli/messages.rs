//! `issue messages`: the queued messages, and what an operator does with dead letters.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::names::parsed;
use super::reach::CommandSession;
use super::table::{TableCell, table};
use super::when::relative;
use super::wire::Message;

#[derive(Debug, Subcommand)]
pub(super) enum MessagesCommand {
    /// What waits, oldest first
    List(WhichMessages),
    /// Make messages due now: those named, or with --all every dead one
    Retry {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        messages: Vec<i64>,
        /// Every dead one, of the kind and target given
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        which: WhichMessages,
        /// Say how many there are, and do nothing
        #[arg(long, requires = "all")]
        dry_run: bool,
    },
    /// Take messages away undone; the history keeps why
    Discard {
        #[arg(required = true)]
        messages: Vec<i64>,
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct WhichMessages {
    #[arg(long)]
    kind: Option<String>,
    /// Only messages for this target
    #[arg(long)]
    target: Option<String>,
    /// pending, `in_flight`, retrying or dead
    #[arg(long)]
    state: Option<String>,
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 200)]
    limit: usize,
}

impl MessagesCommand {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let screen = &session.screen;
        match self {
            Self::List(which) => list(session, &which).await,
            Self::Retry { mut which, dry_run: true, .. } => {
                which.state = Some("dead".to_owned());
                list(session, &which).await
            }
            Self::Retry { all: true, which, .. } => {
                let body: Map<String, Value> = [("kind", which.kind), ("target", which.target)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
                    .collect();
                let answer = session.api.post("/messages/retry", &json!(body)).await?;
                let retried = answer.json::<Value>()?["retried"].clone();
                screen.one(&answer.raw()?, || format!("{retried} are due now\n"))
            }
            Self::Retry { messages, .. } => {
                for id in messages {
                    let answer = session.api.call("POST", &format!("/messages/{id}/retry"), None, None).await?;
                    screen.one(&answer.raw()?, || format!("{id} is due now\n"))?;
                }
                Ok(())
            }
            Self::Discard { messages, reason } => {
                for id in messages {
                    session.api.post(&format!("/messages/{id}/discard"), &json!({ "reason": reason })).await?;
                    screen.note(&format!("discarded {id}"));
                }
                Ok(())
            }
        }
    }
}

async fn list(session: &CommandSession, which: &WhichMessages) -> Result<(), CliError> {
    let query = [("kind", &which.kind), ("target", &which.target), ("state", &which.state)];
    let query = query.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let list = session.api.items("/messages", &query, which.limit.max(1)).await?;
    let rows: Vec<Message> = parsed(&list.items)?;
    let row = |message: &Message| {
        let next = message.next_attempt_at.map(|next| relative(next, session.screen.now)).unwrap_or_default();
        let texts = [&message.kind, &message.target, &message.state, &message.attempt.to_string(), &next, &message.issue_id];
        let why = message.last_error.clone().unwrap_or_default();
        let texts = texts.into_iter().cloned().chain([why]).map(TableCell::new);
        std::iter::once(TableCell::new(message.id.to_string())).chain(texts).collect()
    };
    let titles = ["ID", "KIND", "TARGET", "STATE", "TRIES", "NEXT", "ISSUE", "LAST ERROR"];
    session.screen.list(&list, || table(&titles, &rows.iter().map(row).collect::<Vec<_>>(), 7, session.screen.width()))
}
