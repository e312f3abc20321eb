//! Why nothing could be measured.

use std::path::PathBuf;

use crate::app::AppError;
use crate::config::ConfigError;
use crate::store::StoreError;
use crate::vault::RegistryError;

/// Why a measurement could not be taken. Each reads as one line.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The measurement's own settings.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rooms on it.
    #[error(transparent)]
    App(#[from] AppError),
    /// Its users' tokens.
    #[error("a token could not be registered: {0}")]
    Registry(#[from] RegistryError),
    /// Files and processes.
    #[error("cannot {doing}: {error}")]
    Io {
        /// Follows "cannot".
        doing: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A process that it started said nothing, or something else than it should.
    #[error("`{what}` did not come up: {said}")]
    Process {
        /// The command.
        what: String,
        /// The end of its log.
        said: String,
    },
    /// The service or the sandbox could not be reached, or refused.
    #[error("{0}")]
    Http(String),
    /// Orders ended otherwise than they must: a figure would mean nothing.
    #[error("the run was not clean: {0}")]
    Unclean(String),
    /// `pgbench` is not here.
    #[error("pgbench is not installed (Debian: postgresql-contrib or postgresql): leave out --bound")]
    NoPgbench,
    /// Something that should take seconds takes minutes.
    #[error("{0} was not over in time; its files are in {folder}", folder = .1.display())]
    TooLong(&'static str, PathBuf),
}

impl BenchError {
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        |error| Self::Io { doing, error }
    }
}
