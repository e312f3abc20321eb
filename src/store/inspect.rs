//! What a database reports about itself, for `doctor`.

use chrono::{DateTime, Utc};

/// Facts about the engine. `doctor` interprets them.
#[derive(Clone, Debug)]
pub enum Inspection {
    /// SQLite.
    Sqlite {
        /// SQLite's version.
        version: String,
        /// `wal`, unless the file system does not support it.
        journal_mode: String,
    },
    /// PostgreSQL.
    Postgres(Server),
}

/// What a PostgreSQL server reports about itself.
#[derive(Clone, Debug)]
pub struct Server {
    /// The setting `server_version`.
    pub version: String,
    /// The server's time.
    pub now: DateTime<Utc>,
    /// Whether it is a standby, which takes no writes.
    pub standby: bool,
    /// Whether transactions take no writes by default (`default_transaction_read_only`); also so on
    /// a standby.
    pub read_only: bool,
    /// Whether a commit is on disk before it is confirmed.
    pub durable: bool,
    /// The number of standbys that follow it, if no commit waits for one.
    pub asynchronous_standbys: i64,
    /// The setting `max_connections`.
    pub max_connections: i64,
    /// How many transactions the pooler before it ran at the same time, counted up to one more than
    /// `vault.claim_sessions`; `None` without a transaction pooler.
    pub pooler: Option<u32>,
}
