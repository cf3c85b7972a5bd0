//! `issue backend`: the trackers, how they are, where issues can be filed in them, and what is set up there once.

use clap::Subcommand;
use serde_json::{Value, json};

use super::api::{ApiPage, escaped};
use super::error::CliError;
use super::names::parsed;
use super::reach::CommandSession;
use super::table::{TableCell, table};
use super::{discover, facts};

#[derive(Debug, Subcommand)]
pub(super) enum BackendCommand {
    /// Every tracker that is configured, and the store itself
    List,
    /// What a tracker can carry, how it is, and what waits for it
    Show { name: String },
    /// Ask a tracker whether the credential may do what will be needed
    Check { name: String },
    /// Where issues can be filed: the workspaces of a tracker, or with one of them its repositories or projects
    Discover {
        name: String,
        /// The id of a workspace
        workspace: Option<String>,
    },
    /// Register our webhook in a tracker, or correct the one that is there
    Webhook {
        /// The backend's name in the settings
        name: String,
        /// For which repository, project or team, as people write it; not given: the one that is configured
        #[arg(long)]
        place: Option<String>,
    },
}

impl BackendCommand {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        match self {
            Self::List => list(session).await,
            Self::Show { name } => facts::show(session, &format!("/backends/{}", escaped(&name))).await,
            Self::Check { name } => check(session, &name).await,
            Self::Discover { name, workspace } => discover::run(session, &name, workspace.as_deref()).await,
            Self::Webhook { name, place } => webhook(session, &name, place).await,
        }
    }
}

async fn list(session: &CommandSession) -> Result<(), CliError> {
    let list: ApiPage = session.api.get("/backends").await?.json()?;
    let rows: Vec<Value> = parsed(&list.items)?;
    let row = |tracker: &Value| ["name", "kind", "health", "waiting"].map(|field| TableCell::new(facts::text(&tracker[field]))).into();
    let rows: Vec<Vec<TableCell>> = rows.iter().map(row).collect();
    session.screen.list(&list, || table(&["NAME", "KIND", "HEALTH", "WAITING"], &rows, 0, session.screen.width()))
}

async fn check(session: &CommandSession, name: &str) -> Result<(), CliError> {
    let answer = session.api.call("POST", &format!("/backends/{}/check", escaped(name)), None, None).await?;
    let found: Value = answer.json()?;
    let account = found["account"].as_str().map(|account| format!("{name} lets us in as {account}\n")).unwrap_or_default();
    let missing: Vec<&str> = found["missing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    session.screen.one(&answer.raw()?, || {
        let lines = missing.iter().fold(String::new(), |lines, line| lines + "missing: " + line + "\n");
        account + if missing.is_empty() { "nothing is missing\n" } else { &lines }
    })?;
    if missing.is_empty() { Ok(()) } else { Err(CliError::Failed(format!("{name} is not as it should be"))) }
}

async fn webhook(session: &CommandSession, name: &str, place: Option<String>) -> Result<(), CliError> {
    let body = place.map_or_else(|| json!({}), |place| json!({ "place": place }));
    let answer = session.api.post(&format!("/backends/{}/webhook", escaped(name)), &body).await?;
    let said = answer.json::<Value>()?;
    let ids: Vec<&str> = said["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let done = if said["created"] == true { "registered" } else { "was there; it is as it should be" };
    session.screen.one(&answer.raw()?, || format!("webhook {} {done}\n", ids.join(", ")))
}
