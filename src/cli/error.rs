//! What a command may fail with, what the person reads then, and the exit code a program can rely on.
//!
//! To add a failure: its variant, its code, its line in `docs/cli.md`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::boot::BootError;
use crate::config::ConfigError;
use crate::telemetry::TelemetryError;

#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Boot(#[from] BootError),
    #[error("{0}")]
    Telemetry(#[from] TelemetryError),
    #[error("http://{address}{path}: {reason}")]
    Unhealthy { address: SocketAddr, path: &'static str, reason: String },
    #[error("cannot write {path}: {reason}")]
    Write { path: PathBuf, reason: std::io::Error },
    #[error("cannot read {path}: {reason}")]
    Read { path: PathBuf, reason: std::io::Error },
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What was typed cannot be meant.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotFound(String),
    #[error("no answer from {whom}: {reason} (`issue doctor` finds the cause; `--context local` uses the embedded store)")]
    Unreachable { whom: String, reason: String },
    #[error("{0}")]
    Problem(Box<ReceivedProblem>),
    #[error("{whom} gave an answer that this version cannot read: {reason}")]
    Unreadable { whom: String, reason: String },
    #[error("{failed} of {all} failed; each is shown above")]
    Partly { failed: usize, all: usize },
    #[error("nothing was changed")]
    Declined,
    #[error("{0}")]
    Failed(String),
}

/// A refusal, as RFC 9457 writes it down.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReceivedProblem {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) detail: String,
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    errors: Vec<ReceivedFault>,
}

#[derive(Debug, Clone, Deserialize)]
struct ReceivedFault {
    pointer: String,
    message: String,
}

impl fmt::Display for ReceivedProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.is_empty() {
            f.write_str(&self.detail)?;
        }
        for (n, ReceivedFault { pointer, message }) in self.errors.iter().enumerate() {
            let place = pointer.trim_start_matches('/');
            write!(f, "{}{}{}{message}", if n > 0 { "\n" } else { "" }, place, if place.is_empty() { "" } else { " " })?;
        }
        match self.status {
            401 => f.write_str(" (name a file that holds one: --key-file, or `issue context add --key-file`)"),
            500.. => write!(f, " ({}, trace {})", self.code, self.trace_id),
            _ => write!(f, " ({})", self.code),
        }
    }
}

impl CliError {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Documented in `docs/cli.md`; never changed.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Boot(_)
            | Self::Telemetry(_)
            | Self::Unhealthy { .. }
            | Self::Write { .. }
            | Self::Read { .. }
            | Self::Io(_)
            | Self::Unreadable { .. }
            | Self::Declined
            | Self::Failed(_) => 1,
            Self::Config(_) | Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Unreachable { .. } => 6,
            Self::Partly { .. } => 7,
            Self::Problem(problem) => match problem.status {
                400 | 405 | 413 | 415 | 422 | 428 => 2,
                404 => 3,
                409 | 412 => 4,
                401 | 403 => 5,
                408 | 429 | 503 | 504 => 6,
                _ => 1,
            },
        }
    }

    /// The reader of our output has seen enough, as `issue list | head` has.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
