//! `issue context`: the servers one works with, by name. Their keys stay in files of their own.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::error::CliError;
use super::reach::{LOCAL, check_url, unknown};
use super::table::{TableCell, table};
use crate::config::{ServerContext as Server, ServerContexts, read_key_file};

#[derive(Debug, Subcommand)]
pub(super) enum ContextCommand {
    /// Give a server a name; an older one of that name is replaced
    Add {
        name: String,
        /// Like <https://issues.example.org>
        #[arg(value_name = "SERVER")]
        server: String,
    },
    /// Use that server from now on; `local` is the embedded store
    Use { name: String },
    /// Every context; the one in use has a star
    List,
}

impl ContextCommand {
    pub(super) fn run(self, key_file: Option<PathBuf>) -> Result<(), CliError> {
        let path = ServerContexts::path();
        let mut contexts = ServerContexts::load(&path)?;
        match self {
            Self::Add { name, server } => {
                add(&mut contexts, name, server, key_file)?;
                contexts.save(&path)?;
            }
            Self::Use { name } => {
                if name != LOCAL && !contexts.contexts.contains_key(&name) {
                    return Err(unknown(&name, &contexts));
                }
                contexts.current = Some(name).filter(|name| name != LOCAL);
                contexts.save(&path)?;
            }
            Self::List => print!("{}", listed(&contexts)),
        }
        Ok(())
    }
}

fn add(contexts: &mut ServerContexts, name: String, url: String, key_file: Option<PathBuf>) -> Result<(), CliError> {
    if name == LOCAL {
        return Err(CliError::usage("`local` is the embedded store; choose another name"));
    }
    check_url(&url)?;
    // From wherever it is used later.
    let key_file = key_file.map(std::path::absolute).transpose()?;
    key_file.as_deref().map(read_key_file).transpose()?;
    contexts.contexts.insert(name, Server { url, key_file });
    Ok(())
}

fn listed(contexts: &ServerContexts) -> String {
    let star = |name: &str| TableCell::new(if contexts.current.as_deref().unwrap_or(LOCAL) == name { "*" } else { "" });
    let shown = |path: &Path| path.display().to_string();
    let mut rows = vec![vec![star(LOCAL), TableCell::new(LOCAL), TableCell::new("the embedded store"), TableCell::new("")]];
    for (name, Server { url, key_file }) in &contexts.contexts {
        let key = key_file.as_deref().map(shown).unwrap_or_default();
        rows.push(vec![star(name), TableCell::new(name.clone()), TableCell::new(url.clone()), TableCell::new(key)]);
    }
    table(&["", "NAME", "SERVER", "KEY FILE"], &rows, 2, None)
}
