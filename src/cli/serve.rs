//! `issue-core serve`: the service, until it is told to stop.

use std::net::SocketAddr;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, runtime};
use crate::boot::{self, Place, Running};
use crate::config::{Loaded, LogFormat, Settings};
use crate::telemetry;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Listen here instead of server.bind
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
}

impl Serve {
    pub(super) fn run(&self, mut loaded: Loaded) -> Result<(), CliError> {
        if let Some(bind) = self.bind {
            loaded.rebind(bind)?;
        }
        let settings = &loaded.settings;
        // One TLS implementation for the whole process; a second installation is the same one.
        _ = rustls::crypto::ring::default_provider().install_default();
        let guard = telemetry::init(&settings.log, &settings.telemetry)?;
        let result = runtime()?.block_on(serve(settings));
        guard.shutdown();
        result
    }
}

async fn serve(settings: &Settings) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut running = boot::start(settings).await?;
    announce(settings, &running);
    let signal = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        error = running.failed() => return Err(error.into()),
    };
    tracing::info!(signal, "shutting down");
    tokio::select! {
        stopped = running.stop() => stopped?,
        // The second signal means now.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopped");
    Ok(())
}

fn announce(settings: &Settings, running: &Running) {
    let place = Place::of(&settings.database).describe();
    let address = running.address;
    let keyed = settings.auth.is_keyed();
    tracing::info!(%address, data = %place, key_required = keyed, "listening");
    if !keyed {
        tracing::warn!("no API key is configured: everybody who reaches this address may file and change tasks (set ISSUE_CORE_API_KEY)");
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
