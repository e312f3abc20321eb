//! Why nothing could be measured.

use std::io;
use std::path::PathBuf;

/// Why a measurement could not be taken. Each reads as one line.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The program is not where it should be.
    #[error("{program} is not there: run `cargo run --release -p bench --`, or name the program with --program", program = .0.display())]
    NoProgram(PathBuf),
    /// Cargo has said why.
    #[error("the program could not be built")]
    NotBuilt,
    /// The measurement's database.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// `--database` is no URL.
    #[error("the URL of the database cannot be read: write postgres://user@host/database")]
    Url,
    /// Files and processes.
    #[error("cannot {doing}: {error}")]
    Io {
        /// Follows "cannot".
        doing: String,
        /// What the system said.
        error: io::Error,
    },
    /// A command printed nothing, printed something else than it should, or failed.
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
    /// Orders ended otherwise than they must: a figure would mean nothing.
    #[error("the run was not clean: {0}")]
    Unclean(String),
    /// `pgbench` is not here.
    #[error("pgbench is not installed (Debian: postgresql-contrib or postgresql): leave out --bound")]
    NoPgbench,
    /// Standard output takes no more.
    #[error("cannot write the report: {0}")]
    Output(io::Error),
}

impl BenchError {
    /// For `map_err`; `doing` follows "cannot".
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |error| Self::Io { doing, error }
    }
}
