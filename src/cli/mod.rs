//! The command line: a file per command.

mod config;
mod migrate;
mod openapi;
mod route;
mod serve;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use tokio::signal::unix::{SignalKind, signal};

use crate::boot::{self, BootError, Role, Running};
use crate::config::{ConfigError, Loaded, Settings};
use crate::telemetry::{self, TelemetryError};

/// One landing zone for an organisation's tasks.
#[derive(Debug, Parser)]
#[command(name = "issue-core", version, arg_required_else_help = true)]
struct Cli {
    /// A configuration file (TOML); environment variables win over it [env: `ISSUE_CORE_CONFIG`]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::Serve),
    /// Do what follows outside from what `serve --no-worker` took in, and nothing else
    Worker(worker::Worker),
    /// Bring the database schema up to date, then stop
    Migrate,
    /// Look at the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Look at the routes to the trackers
    #[command(subcommand)]
    Route(Box<route::RouteCommand>),
    /// Print the OpenAPI document of the HTTP API
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
}

/// What a command may fail with; its message is what the operator reads.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Boot(#[from] BootError),
    #[error("{0}")]
    Telemetry(#[from] TelemetryError),
    #[error("cannot write {path}: {reason}")]
    Write { path: PathBuf, reason: std::io::Error },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Runs the command named by the arguments: 0 done, 1 failed, 2 the arguments or settings are wrong.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("issue-core: {error}");
            match error {
                CliError::Config(_) => ExitCode::from(2),
                CliError::Boot(_) | CliError::Telemetry(_) | CliError::Write { .. } | CliError::Io(_) => ExitCode::FAILURE,
            }
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), CliError> {
        let settings = || Loaded::from_environment(self.config.as_deref());
        match self.command {
            Command::Serve(serve) => serve.run(settings()?)?,
            Command::Worker(worker) => worker.run(&settings()?)?,
            Command::Migrate => migrate::run(&settings()?)?,
            Command::Config(command) => command.run(&settings()?),
            Command::Route(command) => (*command).run(&settings()?)?,
            // The same whatever the settings are.
            Command::OpenApi(openapi) => openapi.run()?,
        }
        Ok(())
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// A process that works until it is told to stop: SIGTERM or SIGINT, and a second one means now.
fn run_until_stopped(settings: &Settings, role: Role, announce: impl Fn(&Settings, &Running)) -> Result<(), CliError> {
    run_to_the_end(settings, async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut running = boot::start(settings, role).await?;
        announce(settings, &running);
        let signal = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            error = running.failed() => return Err(error.into()),
        };
        tracing::info!(signal, "shutting down");
        tokio::select! {
            stopped = running.stop() => stopped?,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopped");
        Ok::<_, CliError>(())
    })
}

/// Runs the work with logs, traces and TLS in place.
fn run_to_the_end<E>(settings: &Settings, work: impl Future<Output = Result<(), E>>) -> Result<(), CliError>
where
    CliError: From<E>,
{
    // One TLS implementation for the whole process; a second installation is the same one.
    _ = rustls::crypto::ring::default_provider().install_default();
    let guard = telemetry::init(&settings.log, &settings.telemetry)?;
    let result = runtime()?.block_on(work);
    guard.shutdown();
    Ok(result?)
}
