//! One connection that writes, and readers beside it.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool};

use crate::store::StoreError;
use crate::store::lease::{Lease, bounded};

/// How long a writer waits for another process (a command beside the service) to finish its transaction.
const BUSY: Duration = Duration::from_secs(5);
/// How long a caller waits for the one writer.
const ACQUIRE: Duration = Duration::from_secs(8);

pub(super) struct Pools {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl Pools {
    pub(super) fn open(path: &Path, readers: u32) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| {
                StoreError::Location(format!(
                    "the folder {} cannot be made: {error}; change database.url",
                    folder.display()
                ))
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A rotated token must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // Deleted secrets are overwritten, not just unlinked.
            .pragma("secure_delete", "ON");
        let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE).test_before_acquire(false).idle_timeout(None);
        Ok(Self {
            writer: pool.clone().max_connections(1).max_lifetime(None).connect_lazy_with(options.clone()),
            readers: pool.max_connections(readers).connect_lazy_with(options),
        })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Begins a write transaction.
pub(super) async fn begin(writer: &SqlitePool) -> Result<Lease<Sqlite>, StoreError> {
    let mut lease = Lease::take(writer).await?;
    lease.control("BEGIN IMMEDIATE").await?;
    Ok(lease)
}

/// How many migrations of this program the database has; 0 where it has none of our tables.
pub(super) async fn applied_migrations(c: &mut SqliteConnection) -> Result<usize, StoreError> {
    let there = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'klarna_worker_migrations'",
    );
    if bounded(there.fetch_one(&mut *c)).await? == 0 {
        return Ok(0);
    }
    let applied = sqlx::query_scalar::<_, i64>("SELECT version FROM klarna_worker_migrations WHERE success");
    let applied = bounded(applied.fetch_all(c)).await?;
    Ok(super::migrator().iter().filter(|migration| applied.contains(&migration.version)).count())
}
