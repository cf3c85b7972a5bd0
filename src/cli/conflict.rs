//! `issue conflict`: what an issue and its tracker both changed, and what shall stand.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::api::escaped;
use super::error::CliError;
use super::facts;
use super::fields::input;
use super::names::{parsed, resolve_id};
use super::reach::CommandSession;
use super::table::{TableCell, table};

#[derive(Debug, Subcommand)]
pub(super) enum ConflictCommand {
    /// Conflicts that wait for a decision, newest first
    List(WhichConflicts),
    /// The base and the value of each side
    Show { conflict: String },
    /// Decide what stands
    Resolve {
        conflict: String,
        /// One of the two sides
        #[arg(long, value_enum, required_unless_present = "value", conflicts_with = "value")]
        take: Option<ConflictSide>,
        /// Another text for a title or a description; `-` reads it from standard input
        #[arg(long)]
        value: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ConflictSide {
    Local,
    External,
}

#[derive(Debug, Args)]
pub(super) struct WhichConflicts {
    /// open, decided or resolved
    #[arg(long, default_value = "open")]
    state: String,
    /// Of every state
    #[arg(short = 'A', long)]
    all: bool,
    #[arg(long)]
    issue: Option<String>,
    #[arg(long)]
    backend: Option<String>,
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
}

impl ConflictCommand {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        match self {
            Self::List(which) => list(session, which).await,
            Self::Show { conflict } => facts::show(session, &format!("/conflicts/{}", escaped(&conflict))).await,
            Self::Resolve { conflict, take, value } => {
                let value = if value.as_deref() == Some("-") { Some(input()?) } else { value };
                let body = match take {
                    Some(ConflictSide::Local) => json!({ "take": "local" }),
                    Some(ConflictSide::External) => json!({ "take": "external" }),
                    None => json!({ "value": value }),
                };
                let answer = session.api.decide(&format!("/conflicts/{}", escaped(&conflict)), &body).await?;
                session.screen.one(&answer.raw()?, || format!("decided {conflict}; the value is on its way to both sides\n"))
            }
        }
    }
}

async fn list(session: &CommandSession, which: WhichConflicts) -> Result<(), CliError> {
    let mut query = Vec::new();
    query.extend((!which.all).then_some(("state", which.state)));
    query.extend(which.backend.map(|backend| ("backend", backend)));
    if let Some(issue) = which.issue {
        query.push(("issue", resolve_id(&session.api, &issue).await?));
    }
    let list = session.api.items("/conflicts", &query, which.limit.max(1)).await?;
    let rows: Vec<Value> = parsed(&list.items)?;
    let row =
        |item: &Value| ["id", "issue_id", "backend", "field", "state", "why"].map(|field| TableCell::new(facts::text(&item[field]))).into();
    let rows: Vec<Vec<TableCell>> = rows.iter().map(row).collect();
    session.screen.list(&list, || table(&["ID", "ISSUE", "BACKEND", "FIELD", "STATE", "WHY"], &rows, 5, session.screen.width()))
}
