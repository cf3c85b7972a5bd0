//! The command line: a file per command. One program under two names, `issue-core` for the service and `issue` for people and
//! agents, with the same commands.
//!
//! A command about issues asks the API through `api`, whoever answers: a server, or the same routes over a store opened in this
//! process. To add one: a file with its options and its `run`, a line in `Question` and one in `Question::run`.

mod acts;
mod api;
mod backend;
mod binding;
mod block;
mod changes;
mod claim;
mod close;
mod comment;
mod completions;
mod config;
mod conflict;
mod context;
mod create;
mod delete;
mod discover;
mod doctor;
mod edit;
mod editor;
mod error;
mod export;
mod facts;
mod fields;
mod filter;
mod healthcheck;
mod import;
mod labels;
mod lines;
mod list;
mod look;
mod man;
mod markdown;
mod mcp;
mod messages;
mod migrate;
mod names;
mod next;
mod openapi;
mod progress;
mod reach;
mod release;
mod reopen;
mod restore;
mod review;
mod route;
mod screen;
mod search;
mod serve;
mod show;
mod start;
mod stats;
mod sync;
mod table;
mod timeline;
mod tools;
mod unblock;
mod when;
mod wire;
mod worker;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use self::error::CliError;
use self::reach::{Reach, Session};
use self::screen::Look;
use crate::boot::{self, Role, Running};
use crate::config::{Loaded, Settings};
use crate::telemetry;

/// One landing zone for an organisation's tasks.
///
/// Without a server named (--url, --context, `ISSUE_CORE_URL`) issues are those of the embedded store. Exit codes: 0 done, 1 failed,
/// 2 wrong arguments, settings or fields, 3 not found, 4 refused by its state, 5 not allowed, 6 no answer, 7 some of many failed.
#[derive(Debug, Parser)]
#[command(name = "issue-core", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    /// A configuration file (TOML); environment variables win over it [env: `ISSUE_CORE_CONFIG`]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    look: Look,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Ask(Box<Question>),
    /// Serve issues to an agent, over standard input and output (Model Context Protocol)
    Mcp(mcp::Mcp),
    /// Find out what is wrong, and how to mend it
    Doctor(doctor::Doctor),
    /// Name the servers you work with
    #[command(subcommand)]
    Context(context::Context),
    /// Run the service
    Serve(serve::Serve),
    /// Do what follows outside from what `serve --no-worker` took in, and nothing else
    Worker(worker::Worker),
    /// Bring the database schema up to date, then stop
    Migrate,
    /// Ask the service on this machine how it is: ends with 0 if it is well
    Healthcheck(healthcheck::Healthcheck),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Look at the routes to the trackers
    #[command(subcommand)]
    Route(Box<route::RouteCommand>),
    /// Print the OpenAPI document of the HTTP API
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Print the completions for a shell
    Completions(completions::Completions),
    /// Write the manual pages
    Man(man::Man),
}

/// The commands that ask the API.
#[derive(Debug, Subcommand)]
enum Question {
    /// File a task
    Create(create::Create),
    /// List issues, newest first
    List(list::List),
    /// Show an issue with its comments
    Show(show::Show),
    /// Change fields of issues
    Edit(edit::Edit),
    /// Close issues
    Close(close::Close),
    /// Reopen issues
    Reopen(reopen::Reopen),
    /// Start work on issues
    Start(start::Start),
    /// Say that work on issues cannot go on
    Block(block::Block),
    /// Say that it can
    Unblock(unblock::Unblock),
    /// Comment on an issue
    Comment(comment::Comment),
    /// Put issues into the archive, or remove them for good
    Delete(delete::Delete),
    /// Take issues out of the archive
    Restore(restore::Restore),
    /// Search by words
    Search(search::Search),
    /// Count labels, milestones, assignees or repositories
    Labels(labels::Labels),
    /// Claim the most urgent open issue
    Next(next::Next),
    /// Claim an issue
    Claim(claim::Claim),
    /// Give a claimed issue back
    Release(release::Release),
    /// Decide about tasks that wait for review
    #[command(subcommand)]
    Review(review::Review),
    /// Show what happened to an issue
    Timeline(timeline::Timeline),
    /// Look after what is told outside
    #[command(subcommand)]
    Messages(messages::Messages),
    /// Look after the trackers
    #[command(subcommand)]
    Backend(backend::Backend),
    /// Look after which places of trackers are followed
    #[command(subcommand)]
    Binding(binding::Binding),
    /// Decide what stands where an issue and its tracker clashed
    #[command(subcommand)]
    Conflict(conflict::Conflict),
    /// Show how many issues there are
    Stats(stats::Stats),
    /// Write all issues with their history, a line of JSON each
    Export(export::Export),
    /// Take in what an export wrote
    Import(import::Import),
}

/// Runs the command named by the arguments; `docs/cli.md` lists the exit codes.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = name(arguments.first().map(Path::new));
    let matches = Cli::command().name(name).bin_name(name).get_matches_from(arguments);
    let done = Cli::from_arg_matches(&matches).map_err(|error| CliError::usage(error.to_string())).and_then(|cli| cli.run(name));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The name it was called by, if it is one of its own.
fn name(program: Option<&Path>) -> &'static str {
    if program.and_then(Path::file_stem).is_some_and(|stem| stem == "issue") { "issue" } else { "issue-core" }
}

impl Cli {
    fn run(self, name: &'static str) -> Result<(), CliError> {
        let settings = || Loaded::from_environment(self.config.as_deref());
        match self.command {
            Command::Serve(serve) => serve.run(settings()?),
            Command::Worker(worker) => worker.run(&settings()?),
            Command::Healthcheck(healthcheck) => healthcheck.run(&settings()?.settings),
            Command::Migrate => migrate::run(&settings()?),
            Command::Config(command) => {
                command.run(&settings()?);
                Ok(())
            }
            Command::Route(command) => (*command).run(&settings()?),
            // The same whatever the settings are.
            Command::OpenApi(openapi) => openapi.run(),
            Command::Completions(completions) => completions.run(Self::command(), name),
            Command::Man(man) => man.run(Self::command(), name),
            Command::Context(context) => context.run(self.reach.into_key_file()),
            Command::Doctor(doctor) => small_runtime()?.block_on(doctor.run(self.reach, self.config.as_deref(), self.look)),
            Command::Mcp(mcp) => small_runtime()?.block_on(mcp.run(self.reach, self.config.as_deref())),
            Command::Ask(question) => {
                let (config, reach, look) = (self.config, self.reach, self.look);
                small_runtime()?.block_on(async {
                    let json = look.json;
                    let session = reach.open(config.as_deref(), look).await?;
                    let done = question.run(&session, json).await;
                    session.api.close().await;
                    done
                })
            }
        }
    }
}

impl Question {
    async fn run(self, session: &Session, json: bool) -> Result<(), CliError> {
        match self {
            Self::Create(create) => create.run(session, json).await,
            Self::List(list) => list.run(session).await,
            Self::Show(show) => show.run(session).await,
            Self::Edit(edit) => edit.run(session).await,
            Self::Close(close) => close.run(session).await,
            Self::Reopen(reopen) => reopen.run(session).await,
            Self::Start(start) => start.run(session).await,
            Self::Block(block) => block.run(session).await,
            Self::Unblock(unblock) => unblock.run(session).await,
            Self::Comment(comment) => comment.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
            Self::Restore(restore) => restore.run(session).await,
            Self::Search(search) => search.run(session).await,
            Self::Labels(labels) => labels.run(session).await,
            Self::Next(next) => next.run(session).await,
            Self::Claim(claim) => claim.run(session).await,
            Self::Release(release) => release.run(session).await,
            Self::Review(review) => review.run(session).await,
            Self::Timeline(timeline) => timeline.run(session).await,
            Self::Messages(messages) => messages.run(session).await,
            Self::Backend(backend) => backend.run(session).await,
            Self::Binding(binding) => binding.run(session).await,
            Self::Conflict(conflict) => conflict.run(session).await,
            Self::Stats(stats) => stats.run(session).await,
            Self::Export(export) => export.run(session).await,
            Self::Import(import) => import.run(session).await,
        }
    }
}

/// For one command: it waits far more than it works, and threads take time to start.
fn small_runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_of_a_command_are_written_alike() {
        Cli::command().debug_assert();
    }

    #[test]
    fn it_calls_itself_by_the_name_it_was_called_by() {
        assert_eq!(name(Some(Path::new("/usr/bin/issue"))), "issue");
        assert_eq!(name(Some(Path::new("target/debug/issue-core"))), "issue-core");
        assert_eq!(name(None), "issue-core");
    }
}
