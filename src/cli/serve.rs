//! `issue-core serve`: the service, until a signal stops it.

use std::net::SocketAddr;

use clap::Args;

use super::{CliError, run_until_stopped};
use crate::boot::{DatabaseUrl, ProcessRole, RunningService};
use crate::config::{LoadedSettings, LogFormat, Settings};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Listen here instead of server.bind
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
    /// Only take tasks in; `issue-core worker` elsewhere sees to what follows outside
    #[arg(long)]
    no_worker: bool,
}

impl ServeArgs {
    pub(super) fn run(&self, mut loaded: LoadedSettings) -> Result<(), CliError> {
        if let Some(bind) = self.bind {
            loaded.rebind(bind)?;
        }
        run_until_stopped(&loaded.settings, ProcessRole::Serve { workers: !self.no_worker }, announce)
    }
}

fn announce(settings: &Settings, running: &RunningService) {
    let place = DatabaseUrl::of(&settings.database).describe();
    let address = running.address;
    let keyed = settings.auth.is_keyed();
    tracing::info!(%address, data = %place, key_required = keyed, "listening");
    if !keyed {
        tracing::warn!(
            "no API key is configured: every client that reaches this address may file and change tasks (set ISSUE_CORE_API_KEY)"
        );
    }
    if settings.log.format == LogFormat::Json {
        return;
    }
    let (key, header) = if keyed {
        ("required (Authorization: Bearer <key>, or X-API-Key: <key>)", " -H \"Authorization: Bearer $ISSUE_CORE_API_KEY\"")
    } else {
        ("not required (loopback only)", "")
    };
    println!("issue-core {} is listening on http://{address}", env!("CARGO_PKG_VERSION"));
    println!("  data  {place}");
    println!("  key   {key}");
    println!("  try   curl -sS http://{address}/issues/ -H 'Content-Type: application/json'{header} -d '{{\"title\":\"My first task\"}}'");
}
