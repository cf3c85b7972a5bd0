//! The command line: a file per command. One program under two names, `issue-core` for the service and `issue` for people and
//! agents, with the same commands.
//!
//! A command about issues asks the API through `api`: a server, or the same routes over a store opened in this
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
use self::reach::{CommandSession, ServerArgs};
use self::screen::OutputLook;
use crate::boot::{self, ProcessRole, RunningService};
use crate::config::{LoadedSettings, Settings};
use crate::telemetry;

/// One landing zone for an organisation's tasks.
///
/// Without a server named (--url, --context, `ISSUE_CORE_URL`) issues are those of the embedded store. Exit codes: 0 done, 1 failed,
/// 2 wrong arguments, settings or fields, 3 not found, 4 refused by its state, 5 not allowed, 6 no answer, 7 some of many failed.
#[derive(Debug, Parser)]
#[command(name = "issue-core", version, arg_required_else_help = true, max_term_width = 110)]
struct CommandLine {
    /// A configuration file (TOML); environment variables win over it [env: `ISSUE_CORE_CONFIG`]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    reach: ServerArgs,
    #[command(flatten)]
    look: OutputLook,
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    #[command(flatten)]
    Ask(Box<ApiCommand>),
    /// Serve issues to an agent, over standard input and output (Model Context Protocol)
    Mcp(mcp::McpArgs),
    /// Find out what is wrong, and how to mend it
    Doctor(doctor::DoctorArgs),
    /// Name the servers you work with
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Run the service
    Serve(serve::ServeArgs),
    /// Run only the worker: deliver queued messages (use with `serve --no-worker`)
    Worker(worker::WorkerArgs),
    /// Migrate the database schema to this version, then stop
    Migrate,
    /// Ask the service on this machine how it is: ends with 0 if it is well
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Show and check the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Show and test the routes to the trackers
    #[command(subcommand)]
    Route(Box<route::RouteCommand>),
    /// Print the OpenAPI document of the HTTP API
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Print the completions for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
}

/// The commands that ask the API.
#[derive(Debug, Subcommand)]
enum ApiCommand {
    /// File a task
    Create(create::CreateArgs),
    /// List issues, newest first
    List(list::ListArgs),
    /// Show an issue with its comments
    Show(show::ShowArgs),
    /// Change fields of issues
    Edit(edit::EditArgs),
    /// Close issues
    Close(close::CloseArgs),
    /// Reopen issues
    Reopen(reopen::ReopenArgs),
    /// Start work on issues
    Start(start::StartArgs),
    /// Say that work on issues cannot go on
    Block(block::BlockArgs),
    /// Say that it can
    Unblock(unblock::UnblockArgs),
    /// Comment on an issue
    Comment(comment::CommentArgs),
    /// Put issues into the archive, or remove them for good
    Delete(delete::DeleteArgs),
    /// Take issues out of the archive
    Restore(restore::RestoreArgs),
    /// Search for words
    Search(search::SearchArgs),
    /// Count labels, milestones, assignees or repositories
    Labels(labels::LabelsArgs),
    /// Claim the most urgent open issue
    Next(next::NextArgs),
    /// Claim an issue
    Claim(claim::ClaimArgs),
    /// Give a claimed issue back
    Release(release::ReleaseArgs),
    /// Decide about tasks that wait for review
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Show what happened to an issue
    Timeline(timeline::TimelineArgs),
    /// Manage outgoing messages
    #[command(subcommand)]
    Messages(messages::MessagesCommand),
    /// Manage the trackers
    #[command(subcommand)]
    Backend(backend::BackendCommand),
    /// Manage the bindings: the tracker projects that are synced
    #[command(subcommand)]
    Binding(binding::BindingCommand),
    /// Show and resolve the conflicts between issues and their trackers
    #[command(subcommand)]
    Conflict(conflict::ConflictCommand),
    /// Show how many issues there are
    Stats(stats::StatsArgs),
    /// Write all issues with their history, a line of JSON each
    Export(export::ExportArgs),
    /// Import the file of an export
    Import(import::ImportArgs),
}

/// Runs the command named by the arguments; `docs/cli.md` lists the exit codes.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = name(arguments.first().map(Path::new));
    let matches = CommandLine::command().name(name).bin_name(name).get_matches_from(arguments);
    let done = CommandLine::from_arg_matches(&matches).map_err(|error| CliError::usage(error.to_string())).and_then(|cli| cli.run(name));
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

impl CommandLine {
    fn run(self, name: &'static str) -> Result<(), CliError> {
        let settings = || LoadedSettings::from_environment(self.config.as_deref());
        match self.command {
            CliCommand::Serve(serve) => serve.run(settings()?),
            CliCommand::Worker(worker) => worker.run(&settings()?),
            CliCommand::Healthcheck(healthcheck) => healthcheck.run(&settings()?.settings),
            CliCommand::Migrate => migrate::run(&settings()?),
            CliCommand::Config(command) => {
                command.run(&settings()?);
                Ok(())
            }
            CliCommand::Route(command) => (*command).run(&settings()?),
            // It does not depend on the settings.
            CliCommand::OpenApi(openapi) => openapi.run(),
            CliCommand::Completions(completions) => completions.run(Self::command(), name),
            CliCommand::Man(man) => man.run(Self::command(), name),
            CliCommand::Context(context) => context.run(self.reach.into_key_file()),
            CliCommand::Doctor(doctor) => small_runtime()?.block_on(doctor.run(self.reach, self.config.as_deref(), self.look)),
            CliCommand::Mcp(mcp) => small_runtime()?.block_on(mcp.run(self.reach, self.config.as_deref())),
            CliCommand::Ask(question) => {
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

impl ApiCommand {
    async fn run(self, session: &CommandSession, json: bool) -> Result<(), CliError> {
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

/// A process that works until a signal stops it: SIGTERM or SIGINT, and a second one means now.
fn run_until_stopped(settings: &Settings, role: ProcessRole, announce: impl Fn(&Settings, &RunningService)) -> Result<(), CliError> {
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

/// Runs the work with logs, traces and TLS set up.
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
        CommandLine::command().debug_assert();
    }

    #[test]
    fn it_calls_itself_by_the_name_it_was_called_by() {
        assert_eq!(name(Some(Path::new("/usr/bin/issue"))), "issue");
        assert_eq!(name(Some(Path::new("target/debug/issue-core"))), "issue-core");
        assert_eq!(name(None), "issue-core");
    }
}
