//! The errors of the store.

use crate::words::UnknownWord;

/// Why an operation of the store failed. Its texts contain no parameter of a statement.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Server, file or connection could not be used. It may be unknown whether a commit succeeded.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The server refuses more connections.
    #[error("the database takes no more connections: {0}")]
    TooManyConnections(String),
    /// Another session holds a lock that is needed. Nothing was written; the same call succeeds
    /// once that session has ended its transaction.
    #[error("another session of the database is in the way: {0}")]
    Busy(String),
    /// The database takes no writes: the server is a replica, or read-only by its default.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// The SQLite file is not the one that was opened.
    #[error(
        "the database file {0} was renamed, deleted or replaced while it was in use: put the same file back, or \
         stop this process"
    )]
    FileReplaced(String),
    /// A statement took longer than the time limit. Its connection was closed.
    #[error("the database did not answer within {} s", .0.as_secs())]
    TimedOut(std::time::Duration),
    /// The disk, or a quota on it, is full.
    #[error("the database's disk is full")]
    DiskFull,
    /// A unique constraint would be violated.
    #[error("the database refused a duplicate row: {0}")]
    Conflict(String),
    /// A statement changed more or fewer rows than it must.
    #[error("{what} changed {actual} rows where it must change {expected}")]
    RowsAffected {
        /// The change in words.
        what: &'static str,
        /// How many rows it must change.
        expected: u64,
        /// How many it changed.
        actual: u64,
    },
    /// The database knows neither the exchange whose end is to be stored, nor its user.
    #[error(
        "the database knows neither the exchange nor its user: it was restored from a backup, or a failover \
         lost its last writes; nothing was changed"
    )]
    Behind,
    /// A row that this program cannot read.
    #[error("the database holds a value that this program cannot read: {0}")]
    Unreadable(String),
    /// The database belongs to another installation.
    #[error(
        "the database belongs to the installation {stored:?}, but the settings name {configured:?}: point \
         database.url to this installation's own database (a copy must never spend live tokens)"
    )]
    OtherInstallation {
        /// The name in the database.
        stored: String,
        /// The name in the settings.
        configured: String,
    },
    /// A newer program migrated the database, and this program can no longer use it.
    #[error(
        "the database needs a newer program (level {needed}; this one has level {has}): upgrade klarna-order-worker"
    )]
    NeedsNewerProgram {
        /// The level that the database requires.
        needed: i64,
        /// This program's level.
        has: i64,
    },
    /// The database has run a different migration with the number of one of this program's
    /// migrations.
    #[error(
        "the database has run a migration {0} that is not this program's: an unreleased version of the program made \
         this database; use a new one"
    )]
    OtherMigration(String),
    /// Migrations of this program are missing.
    #[error(
        "the database lacks {} migration(s) of this program ({}): run `klarna-order-worker migrate`",
        .0.len(),
        .0.join(", ")
    )]
    NotMigrated(Vec<String>),
    /// A migration did not get the locks that it needs.
    #[error(
        "the migration {migration} got no lock in {tries} tries and was not run; these sessions hold locks: \
         {holders}; end them (SELECT pg_terminate_backend(…)) or wait, then run `klarna-order-worker migrate` \
         again"
    )]
    Locked {
        /// The migration's name.
        migration: String,
        /// How often it was tried.
        tries: u32,
        /// The sessions that have held locks for the longest time.
        holders: String,
    },
    /// Another `migrate` has not ended.
    #[error("another `migrate` has been running on this database for over {} s: wait for it to end, then run \
        this again", .0.as_secs())]
    MigratedElsewhere(std::time::Duration),
    /// The settings do not suit the transaction pooler before the server.
    #[error("{0}")]
    Pooler(&'static str),
    /// The setting `database.url` does not name a database of this engine.
    #[error("{0}")]
    Location(String),
    /// Any other error of the engine, such as a missing privilege. Nothing was written. The same
    /// call may succeed later, perhaps after an operator has acted.
    #[error("the database answered an unexpected error: {0}")]
    Unexpected(String),
    /// The engine refused a value, and will refuse it again. The errors are listed in `is_final`
    /// and `is_final_sqlite`.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

impl StoreError {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::TooManyConnections(_)
                | Self::Busy(_)
                | Self::ReadOnly(_)
                | Self::FileReplaced(_)
                | Self::TimedOut(_)
                | Self::DiskFull
                | Self::Unexpected(_)
        )
    }

    /// Returns whether one of several writes in a transaction may be the cause, so that each must
    /// be tried by itself. Not if a lock is in the way: each would wait for it, while later writes
    /// wait.
    pub(crate) fn may_be_of_one_write(&self) -> bool {
        !self.is_transient() || matches!(self, Self::Unexpected(_))
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

/// Classifies an engine's error. Only a short list of errors is final; every unknown error is worth
/// another try.
fn from_engine(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        return StoreError::Conflict(error.constraint().unwrap_or_else(|| error.message()).to_owned());
    }
    let message = error.message().to_owned();
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        from_sqlite(code.parse().unwrap_or_default(), message)
    } else {
        from_postgres(&code, message)
    }
}

/// SQLite's result codes (sqlite.org/rescode.html). The low byte is the primary code.
fn from_sqlite(code: u32, message: String) -> StoreError {
    match code & 0xff {
        13 => StoreError::DiskFull,
        // BUSY, LOCKED, READONLY, IOERR, CANTOPEN.
        5 | 6 | 8 | 10 | 14 => StoreError::Unavailable(message),
        code if is_final_sqlite(code) => StoreError::Refused(message),
        code => StoreError::Unexpected(format!("{message} (SQLite result code {code})")),
    }
}

/// TOOBIG, CONSTRAINT, MISMATCH and RANGE: the value itself is at fault.
fn is_final_sqlite(primary_code: u32) -> bool {
    matches!(primary_code, 18 | 19 | 20 | 25)
}

/// PostgreSQL's error codes (its manual, appendix A).
fn from_postgres(code: &str, message: String) -> StoreError {
    match code.as_bytes() {
        b"53100" => StoreError::DiskFull,
        // Read-only: after a failover, or by the server's default.
        b"25006" => StoreError::ReadOnly(message),
        b"53300" => StoreError::TooManyConnections(message),
        b"55P03" => StoreError::Busy(message),
        // Connection, authorisation, rollback; resources, operator intervention, system error.
        [b'0' | b'2', b'8', ..] | [b'4', b'0', ..] | [b'5', b'3' | b'7' | b'8', ..] => {
            StoreError::Unavailable(message)
        }
        _ if is_final(code) => StoreError::Refused(message),
        _ => StoreError::Unexpected(format!("{message} (SQLSTATE {code})")),
    }
}

/// Class 22, a value that its column cannot hold, and class 23, one that breaks a constraint.
fn is_final(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("23")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_are_refused_for_ever() {
        let transient = [
            "08006", "25001", "25006", "25P02", "25P03", "28P01", "0A000", "3D000", "3F000", "40001",
            "40P01", "42501", "42601", "42703", "42P01", "42P05", "53100", "53300", "53400", "54001",
            "55000", "55006", "55P03", "57014", "57P01", "57P02", "57P03", "58030", "F0000", "P0001",
            "XX000", "XX001", "XX002", "99999", "",
        ];
        for code in transient {
            assert!(from_postgres(code, "m".into()).is_transient(), "{code}");
        }
        for code in ["22001", "22003", "22021", "22P05", "23502", "23503", "23514"] {
            assert!(matches!(from_postgres(code, "m".into()), StoreError::Refused(_)), "{code}");
        }
        for code in [1, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 21, 22, 23, 26, 266, 776, 6410, 0] {
            assert!(from_sqlite(code, "m".into()).is_transient(), "{code}");
        }
        for code in [18, 19, 20, 25, 275, 1811] {
            assert!(matches!(from_sqlite(code, "m".into()), StoreError::Refused(_)), "{code}");
        }
    }
}
