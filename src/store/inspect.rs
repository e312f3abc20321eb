//! What a database says of itself, for the operator who asks.

use chrono::{DateTime, Utc};

/// Facts about the engine; what they mean is for `doctor` to say.
#[derive(Clone, Debug)]
pub enum Inspection {
    /// A file.
    Sqlite {
        /// SQLite's version.
        version: String,
        /// `wal`, unless the file system cannot carry it.
        journal_mode: String,
    },
    /// A server.
    Postgres(Server),
}

/// What a PostgreSQL server says of itself.
#[derive(Clone, Debug)]
pub struct Server {
    /// As `server_version` has it.
    pub version: String,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// Whether it follows another server, and so takes no writes.
    pub standby: bool,
    /// Whether a commit is on disk when it is answered.
    pub durable: bool,
    /// How many standbys follow it at present while no commit waits for any.
    pub asynchronous_standbys: i64,
    /// How many connections it grants in all.
    pub max_connections: i64,
    /// Whether two connections of ours share one of the server's: something between gives each
    /// transaction another.
    pub pooled: bool,
}
