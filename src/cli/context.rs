//! `issue context`: the servers one works with, by name. Their keys stay in files of their own.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::error::CliError;
use super::reach::{LOCAL, check_url, unknown};
use super::table::{Cell, table};
use crate::config::{Context as Server, Contexts, read_key_file};

#[derive(Debug, Subcommand)]
pub(super) enum Context {
    /// Give a server a name; an older one of that name is replaced
    Add {
        name: String,
        /// Like <https://issues.example.org>
        #[arg(value_name = "SERVER")]
        server: String,
    },
    /// Talk to that server from now on; `local` is the embedded store
    Use { name: String },
    /// Every context; the one in use has a star
    List,
}

impl Context {
    pub(super) fn run(self, key_file: Option<PathBuf>) -> Result<(), CliError> {
        let path = Contexts::path();
        let mut contexts = Contexts::load(&path)?;
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

fn add(contexts: &mut Contexts, name: String, url: String, key_file: Option<PathBuf>) -> Result<(), CliError> {
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

fn listed(contexts: &Contexts) -> String {
    let star = |name: &str| Cell::new(if contexts.current.as_deref().unwrap_or(LOCAL) == name { "*" } else { "" });
    let shown = |path: &Path| path.display().to_string();
    let mut rows = vec![vec![star(LOCAL), Cell::new(LOCAL), Cell::new("the embedded store"), Cell::new("")]];
    for (name, Server { url, key_file }) in &contexts.contexts {
        let key = key_file.as_deref().map(shown).unwrap_or_default();
        rows.push(vec![star(name), Cell::new(name.clone()), Cell::new(url.clone()), Cell::new(key)]);
    }
    table(&["", "NAME", "SERVER", "KEY FILE"], &rows, 2, None)
}
