//! How a command ends.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::app::AppError;
use crate::config::ConfigError;
use crate::store::StoreError;
use crate::telemetry::TelemetryError;

/// The exit codes, which users' scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// The command could not do its work.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The work was done, but some of its items failed.
    SomeFailed = 3,
    /// The database needs a newer program: starting this one again is no use.
    Outdated = 4,
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
    /// The command line says something that cannot be; the text says what to write instead.
    #[error("{0}")]
    Usage(String),
    /// What was to be done and could not be.
    #[error("cannot {doing}")]
    Failed {
        /// Follows "cannot".
        doing: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Standard output takes no more. A pipe whose reader has left is no news to anybody.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

impl CliError {
    /// A failure; `doing` follows "cannot".
    pub fn failed(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { doing: doing.into(), source: source.into() }
    }

    /// The same, from a command that changes things line by line. Who stopped reading its output half-way must hear
    /// how far it came.
    #[must_use]
    pub fn behind_line(self, line: u64) -> Self {
        match self {
            Self::Output(error) => {
                Self::failed(format!("go on behind line {line}, the last that was dealt with"), error)
            }
            other => other,
        }
    }

    /// The code that the process ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(_)
            | Self::Telemetry(TelemetryError::Filter(_) | TelemetryError::Traces(_))
            | Self::Usage(_) => Exit::Usage,
            Self::App(AppError::Store(StoreError::NeedsNewerProgram { .. })) => Exit::Outdated,
            Self::Telemetry(TelemetryError::Twice(_)) | Self::App(_) | Self::Failed { .. } | Self::Output(_) => {
                Exit::Failed
            }
        }
    }

    /// Whether the reader of a pipe has left, so that there is nobody to tell.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
