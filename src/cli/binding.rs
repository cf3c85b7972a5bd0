//! `issue binding`: the tracker projects that are synced, their sync rules, and their progress.

use clap::Subcommand;
use serde_json::Value;

use super::api::{ApiPage, escaped};
use super::error::CliError;
use super::fields::input;
use super::names::parsed;
use super::reach::CommandSession;
use super::sync::SyncArgs;
use super::table::{TableCell, table};
use super::{facts, sync};

#[derive(Debug, Subcommand)]
pub(super) enum BindingCommand {
    /// Every binding, and how far behind it is
    List,
    /// The rules of a binding, the current sync run and the last one
    Show { name: String },
    /// Make a binding, or give it other rules: the API's JSON, from a file or `-`
    Put {
        name: String,
        #[arg(default_value = "-")]
        file: std::path::PathBuf,
        /// Only if there is none of that name
        #[arg(long)]
        new: bool,
    },
    /// Stop the sync of a project; the issues stay
    Delete {
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Start no more sync runs until it is resumed
    Pause { name: String },
    /// Go on
    Resume { name: String },
    /// Sync now, and wait for the end
    Sync(SyncArgs),
}

impl BindingCommand {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let (name, act) = match self {
            Self::List => return list(session).await,
            Self::Show { name } => return facts::show(session, &path(&name)).await,
            Self::Put { name, file, new } => return put(session, &name, &file, new).await,
            Self::Sync(sync) => return sync::run(sync, session).await,
            Self::Delete { name, yes } => {
                session.screen.confirm(&format!("Follow binding {name} no more?"), yes)?;
                session.api.delete(&path(&name)).await?;
                session.screen.note(&format!("deleted {name}"));
                return Ok(());
            }
            Self::Pause { name } => (name, "pause"),
            Self::Resume { name } => (name, "resume"),
        };
        let answer = session.api.call("POST", &format!("{}/{act}", path(&name)), None, None).await?;
        session.screen.one(&answer.raw()?, || format!("{name} is {act}d\n"))
    }
}

pub(super) fn path(name: &str) -> String {
    format!("/bindings/{}", escaped(name))
}

async fn put(session: &CommandSession, name: &str, file: &std::path::Path, new: bool) -> Result<(), CliError> {
    let failed = |reason| CliError::Read { path: file.to_path_buf(), reason };
    let rules = if file.as_os_str() == "-" { input()? } else { std::fs::read_to_string(file).map_err(failed)? };
    let answer = session.api.put(&path(name), rules.into_bytes(), new).await?;
    let done = if answer.status == 201 { "is made" } else { "has these rules now" };
    session.screen.one(&answer.raw()?, || format!("{name} {done}\n"))
}

async fn list(session: &CommandSession) -> Result<(), CliError> {
    let list: ApiPage = session.api.get("/bindings").await?.json()?;
    let rows: Vec<Value> = parsed(&list.items)?;
    let rows: Vec<Vec<TableCell>> = rows.iter().map(row).collect();
    let titles = ["NAME", "BACKEND", "PLACE", "DIRECTION", "STATE", "BEHIND", "LAST ERROR"];
    session.screen.list(&list, || table(&titles, &rows, 6, session.screen.width()))
}

fn row(binding: &Value) -> Vec<TableCell> {
    let field = |name: &str| facts::text(&binding[name]);
    let place: Vec<String> = ["owner", "repo", "project"].map(field).into_iter().filter(|part| !part.is_empty()).collect();
    let behind = binding["behind_seconds"].as_i64().map_or_else(|| "never done".to_owned(), |seconds| format!("{seconds} s"));
    let error = facts::text(&binding["last_run"]["error"]);
    [field("name"), field("backend"), place.join("/"), field("direction"), field("state"), behind, error].map(TableCell::new).into()
}
