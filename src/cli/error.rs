//! Exit codes and errors of commands.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::app::{AppError, Ending};
use crate::config::ConfigError;
use crate::store::StoreError;
use crate::telemetry::TelemetryError;

/// The exit codes. Scripts of users depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// The command could not do its work.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The work was done, but some of its items failed.
    SomeFailed = 3,
    /// The database needs a newer program; starting this one again does not help.
    Outdated = 4,
    /// The process stopped, and its spool has files that the database could not take. Starting it
    /// again with the same instance folder stores them.
    Spooled = 5,
}

impl Exit {
    /// The exit code of a process that ran orders or exchanges. A spool is named first, because it
    /// needs another start with the same folder, whatever else went wrong.
    #[must_use]
    pub fn of(ending: Ending) -> Self {
        match ending {
            Ending { spooled: 1.., .. } => Self::Spooled,
            Ending { cut_off: true, .. } => Self::Failed,
            Ending { .. } => Self::Done,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings were refused.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Logging could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Database, keys or folders could not be used.
    #[error(transparent)]
    App(#[from] AppError),
    /// The command line is invalid. The text says what to write instead.
    #[error("{0}")]
    Usage(String),
    /// The command could not do something.
    #[error("cannot {doing}")]
    Failed {
        /// What could not be done; completes "cannot …".
        doing: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The user did not confirm the change.
    #[error("aborted; nothing was changed")]
    Aborted,
    /// Standard output cannot be written. A pipe whose reader has ended is not reported.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

impl CliError {
    /// An error; `doing` completes "cannot …".
    pub fn failed(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { doing: doing.into(), source: source.into() }
    }

    /// The same error from a command that processes lines. Someone who stopped reading the output
    /// must learn how far it came.
    #[must_use]
    pub fn behind_line(self, line: u64) -> Self {
        match self {
            Self::Output(error) => {
                Self::failed(format!("continue after line {line}, the last line that was processed"), error)
            }
            other => other,
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(_)
            | Self::Telemetry(TelemetryError::Filter(_) | TelemetryError::Traces(_))
            | Self::Usage(_) => Exit::Usage,
            Self::App(AppError::Store(StoreError::NeedsNewerProgram { .. })) => Exit::Outdated,
            Self::Telemetry(
                TelemetryError::Twice(_)
                | TelemetryError::Thread(_)
                | TelemetryError::Level(_)
                | TelemetryError::Client(_),
            )
            | Self::App(_)
            | Self::Failed { .. }
            | Self::Aborted
            | Self::Output(_) => Exit::Failed,
        }
    }

    /// Whether the reader of a pipe has ended, so that the error is not printed.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
