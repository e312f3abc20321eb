//! The errors of a measurement.

use std::io;
use std::path::PathBuf;

/// Why a measurement failed. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The program does not exist at this path.
    #[error("{program} is not there: run `cargo run --release -p bench --`, or name the program with --program", program = .0.display())]
    NoProgram(PathBuf),
    /// The program could not be built. Cargo has printed the reason.
    #[error("the program could not be built")]
    NotBuilt,
    /// The measurement's database failed.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// `--database` is not a URL.
    #[error("the URL of the database cannot be read: write postgres://user@host/database")]
    Url,
    /// A file or a process failed.
    #[error("cannot {doing}: {error}")]
    Io {
        /// Completes "cannot …".
        doing: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A command failed, or printed something unexpected.
    #[error("`{what}` failed: {said}")]
    Process {
        /// The command.
        what: String,
        /// The end of its log.
        said: String,
    },
    /// The service or the sandbox could not be reached, or refused.
    #[error("{0}")]
    Http(String),
    /// Orders did not end as they must, so figures would mean nothing.
    #[error("the run was not clean: {0}")]
    Unclean(String),
    /// The worker in Node is not compared on SQLite.
    #[error("compare needs PostgreSQL: name a server with --database")]
    NoServer,
    /// A program that runs the worker in Node was not found.
    #[error("{0} is not installed: compare needs Node 20.18.1 or later, and npm")]
    NoNode(&'static str),
    /// `pgbench` was not found.
    #[error("pgbench is not installed (Debian: postgresql-contrib or postgresql): leave out --bound")]
    NoPgbench,
    /// Standard output cannot be written.
    #[error("cannot write the report: {0}")]
    Output(io::Error),
}

impl BenchError {
    /// For `map_err`; `doing` completes "cannot …".
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |error| Self::Io { doing, error }
    }
}
