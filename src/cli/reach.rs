//! The server of a command: named on the line, in the environment or in a context, else the
//! embedded store.
//!
//! A key comes out of a file or the environment, never from the line. The one in the environment goes only to a server that was
//! named on the line or in the environment, so that no context is sent the key of another one.

use std::path::{Path, PathBuf};

use clap::Args;

use super::api::IssueApi;
use super::error::CliError;
use super::screen::{OutputLook, Screen};
use crate::boot::ApiClient;
use crate::config::{CommandEnvironment, LoadedSettings, ServerContexts, SettingOrigin, read_key_file};
use crate::telemetry;

/// Names the embedded store where a context may be named.
pub(super) const LOCAL: &str = "local";

/// The options that choose the server.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ServerArgs {
    /// The server, like <https://issues.example.org> [env: `ISSUE_CORE_URL`]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context", help_heading = "Server")]
    url: Option<String>,
    /// A file whose first line is the API key [env: `ISSUE_CORE_API_KEY`, the key itself]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Server")]
    key_file: Option<PathBuf>,
    /// A server by the name it has in `issue context list`; `local` is the embedded store
    #[arg(long, global = true, value_name = "NAME", help_heading = "Server")]
    context: Option<String>,
}

/// What a command works with.
pub(super) struct CommandSession {
    pub(super) api: IssueApi,
    pub(super) screen: Screen,
    pub(super) surroundings: CommandEnvironment,
}

impl ServerArgs {
    pub(super) fn into_key_file(self) -> Option<PathBuf> {
        self.key_file
    }

    pub(super) async fn open(self, config: Option<&Path>, look: OutputLook) -> Result<CommandSession, CliError> {
        let surroundings = CommandEnvironment::read();
        let screen = Screen::new(look, &surroundings);
        let api = IssueApi::new(self.client(config, &surroundings).await?);
        Ok(CommandSession { api, screen, surroundings })
    }

    async fn client(self, config: Option<&Path>, surroundings: &CommandEnvironment) -> Result<ApiClient, CliError> {
        let given = self.key_file.as_deref().map(read_key_file).transpose()?;
        let own = || given.clone().or_else(|| surroundings.api_key.clone());
        let named = self.url.as_ref().or_else(|| surroundings.url.as_ref().filter(|_| self.context.is_none()));
        if let Some(url) = named {
            return remote(url, own());
        }
        let contexts = ServerContexts::load(&ServerContexts::path())?;
        let Some(name) = self.context.or(contexts.current.clone()).filter(|name| name != LOCAL) else {
            return embedded(config, surroundings).await;
        };
        let context = contexts.contexts.get(&name).ok_or_else(|| unknown(&name, &contexts))?;
        let key = match (given, &context.key_file) {
            (None, Some(file)) => Some(read_key_file(file)?),
            (given, _) => given,
        };
        remote(&context.url, key)
    }
}

fn remote(url: &str, key: Option<secrecy::SecretString>) -> Result<ApiClient, CliError> {
    check_url(url)?;
    Ok(ApiClient::remote(url, key)?)
}

pub(super) fn check_url(url: &str) -> Result<(), CliError> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    if rest.is_empty() {
        return Err(CliError::usage(format!("{url:?} is not the URL of a server: it begins with http:// or https://")));
    }
    if rest.split('/').next().is_some_and(|host| host.contains('@')) {
        return Err(CliError::usage("a key or password does not belong into the URL, where everybody sees it: use --key-file"));
    }
    Ok(())
}

async fn embedded(config: Option<&Path>, surroundings: &CommandEnvironment) -> Result<ApiClient, CliError> {
    let loaded = LoadedSettings::from_environment(config)?;
    let mut log = loaded.settings.log.clone();
    if loaded.origin("log.filter") == SettingOrigin::Default {
        // What a server logs of each request is noise here; what broke is not.
        "error".clone_into(&mut log.filter);
    }
    telemetry::init_lines(&log)?;
    Ok(ApiClient::embedded(&loaded.settings, surroundings.user.as_deref().unwrap_or(LOCAL)).await?)
}

pub(super) fn unknown(name: &str, contexts: &ServerContexts) -> CliError {
    let known: Vec<&str> = contexts.contexts.keys().map(String::as_str).chain([LOCAL]).collect();
    CliError::usage(format!("there is no context {name:?}; there are {} (`issue context add` makes one)", known.join(", ")))
}
