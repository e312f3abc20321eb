//! What can go wrong between the program and its rows.

use crate::words::UnknownWord;

/// A store's failure. Its texts hold no parameter of any statement.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Server, file or connection could not be used; the outcome of a commit may be unknown.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A statement took longer than any should; its connection was closed.
    #[error("the database did not answer within {} s", .0.as_secs())]
    TimedOut(std::time::Duration),
    /// The disk, or a quota on it, is full.
    #[error("the database's disk is full")]
    DiskFull,
    /// A uniqueness that the schema asks for would be broken.
    #[error("the database refused a duplicate row: {0}")]
    Conflict(String),
    /// A change of state that touched more or fewer rows than it must.
    #[error("{what} changed {actual} rows where it must change {expected}")]
    RowsAffected {
        /// The change, in words.
        what: &'static str,
        /// How many rows it must change.
        expected: u64,
        /// How many it changed.
        actual: u64,
    },
    /// The exchange whose end is to be written is unknown, and so is its user.
    #[error(
        "the database knows neither the exchange nor its user: it was restored from a backup, or a failover lost its last \
         writes; nothing was changed"
    )]
    Behind,
    /// A row that this program cannot read.
    #[error("the database holds a value that this program cannot read: {0}")]
    Unreadable(String),
    /// The database bears the name of another installation.
    #[error(
        "the database belongs to the installation {stored:?}, but the settings name {configured:?}: point \
         database.url to this installation's own database (a copy must never spend live tokens)"
    )]
    OtherInstallation {
        /// The name found.
        stored: String,
        /// The name in the settings.
        configured: String,
    },
    /// The database was migrated by a newer program, which left this one behind.
    #[error(
        "the database needs a newer program (level {needed}; this one has level {has}): upgrade klarna-order-worker"
    )]
    NeedsNewerProgram {
        /// The level the database asks for.
        needed: i64,
        /// This program's level.
        has: i64,
    },
    /// The database has run another text than this program's under the number of one of its
    /// migrations.
    #[error(
        "the database has run a migration {0} that is not this program's: an unreleased version of the program made \
         this database; use a new one"
    )]
    OtherMigration(String),
    /// Migrations of this program are missing.
    #[error("the database lacks {} migration(s) of this program ({}): run `klarna-order-worker migrate`", .0.len(), .0.join(", "))]
    NotMigrated(Vec<String>),
    /// A migration that got none of the locks that it needs.
    #[error(
        "the migration {migration} got no lock in {tries} tries and was not run; these sessions hold locks: \
         {holders}; end them (SELECT pg_terminate_backend(…)) or wait, then run `klarna-order-worker migrate` \
         again"
    )]
    Locked {
        /// Its name.
        migration: String,
        /// How often it was tried.
        tries: u32,
        /// Who has held locks for longest.
        holders: String,
    },
    /// Another `migrate` has not ended.
    #[error("another `migrate` has been running on this database for over {} s: wait for it to end, then run \
        this again", .0.as_secs())]
    MigratedElsewhere(std::time::Duration),
    /// The settings point at something that is no database of this engine.
    #[error("{0}")]
    Location(String),
    /// Anything else that the engine refused: a fault of the program.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the same call may succeed later, with nothing changed but the database's condition.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TimedOut(_) | Self::DiskFull)
    }
}

impl From<UnknownWord> for StoreError {
    fn from(error: UnknownWord) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_engine(error.as_ref()),
            sqlx::Error::ColumnDecode { index, .. } => Self::Unreadable(format!("column {index}")),
            sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) | sqlx::Error::TypeNotFound { .. } => {
                Self::Unreadable("unexpected type or column".into())
            }
            sqlx::Error::RowNotFound => Self::Unreadable("a row that must be there is missing".into()),
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection came free in time".into()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// PostgreSQL's error classes (its manual, appendix A) and SQLite's result codes, sorted by what
/// can be done.
fn from_engine(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        return StoreError::Conflict(error.constraint().unwrap_or_else(|| error.message()).to_owned());
    }
    let message = error.message().to_owned();
    let code = error.code().unwrap_or_default();
    if let Some(sqlite) = error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        let code: u32 = sqlx::error::DatabaseError::code(sqlite).and_then(|code| code.parse().ok()).unwrap_or_default();
        // The low byte is the primary code: BUSY 5, LOCKED 6, READONLY 8, IOERR 10, FULL 13,
        // CANTOPEN 14.
        return match code & 0xff {
            13 => StoreError::DiskFull,
            5 | 6 | 8 | 10 | 14 => StoreError::Unavailable(message),
            _ => StoreError::Refused(message),
        };
    }
    let unavailable = match code.as_bytes() {
        b"53100" => return StoreError::DiskFull,
        // Read-only after a failover; a lock's time-out; connection, authorisation, rollback.
        b"25006" | b"55P03" | [b'0' | b'2', b'8', ..] | [b'4', b'0', ..] => true,
        // Resources, operator intervention, system.
        [b'5', class, ..] => matches!(class, b'3' | b'7' | b'8'),
        _ => false,
    };
    if unavailable { StoreError::Unavailable(message) } else { StoreError::Refused(message) }
}
