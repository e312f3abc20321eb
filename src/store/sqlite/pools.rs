//! The pools: one connection that writes, and several that read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::Semaphore;

use super::file::DatabaseFile;
use crate::config::private;
use crate::store::StoreError;
use crate::store::migrations::Applied;
use crate::store::pool::{Pool, PoolSettings, PooledConnection, Scarcity, bounded};
use crate::store::sql::sqlite as sql;

/// How long a writer waits for another process (a command beside the service) to finish its
/// transaction.
const BUSY: Duration = Duration::from_secs(5);
/// The size in bytes to which the write-ahead log shrinks after its pages were copied to the file.
/// It grows while a reader uses an old state, and by default SQLite never makes it smaller.
const LOG_LIMIT: &str = "16777216";
/// After how many pages in the log they are copied to the file: 16 MB. Pages that many orders
/// change are then copied once for some two hundred orders.
const CHECKPOINT: &str = "4000";
/// How many readers there are, unless they are busy for a while, with exports or pages. A reader's
/// cache is of use for one read only, because each commit makes it worthless; so it is small, in
/// KiB.
const READERS: usize = 4;
const READER_CACHE: &str = "-256";
/// How long a caller waits for the one writer.
const ACQUIRE: Duration = Duration::from_secs(8);

/// The connection that writes. Callers wait for it in a queue, in order of arrival. Heartbeats do
/// not use the queue, so they are served before all that wait in it.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) pool: Pool<Sqlite>,
    queue_permits: Arc<Semaphore>,
    /// How often it was taken by whoever may write.
    uses: Arc<AtomicU64>,
}

impl Writer {
    fn new(pool: Pool<Sqlite>) -> Self {
        Self { pool, queue_permits: Arc::new(Semaphore::new(1)), uses: Arc::default() }
    }

    /// Waits in the queue for the connection.
    pub(super) async fn in_turn(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        let connection = self.pool.behind(&self.queue_permits).await?;
        self.uses.fetch_add(1, Ordering::SeqCst);
        Ok(connection)
    }

    /// Takes the connection before all that wait in the queue. For heartbeats, which must not be
    /// late because many orders are being written.
    pub(super) async fn urgent(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        let connection = self.pool.take().await?;
        self.uses.fetch_add(1, Ordering::SeqCst);
        Ok(connection)
    }

    /// As [`Writer::urgent`], for whoever only reads.
    pub(super) async fn to_read(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        self.pool.take().await
    }

    /// How often the connection was taken by whoever may write.
    pub(super) fn uses(&self) -> u64 {
        self.uses.load(Ordering::SeqCst)
    }
}

pub(super) struct Pools {
    pub(super) writer: Writer,
    pub(super) readers: Pool<Sqlite>,
    /// The write-ahead log's file.
    pub(super) log: PathBuf,
    /// The database's file. If it is replaced, no connection is given out any more.
    pub(super) file: Arc<DatabaseFile>,
}

impl Pools {
    pub(super) fn open(path: &Path, readers: u32) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::create_folder(folder).map_err(|error| {
                StoreError::Location(format!(
                    "the folder {} cannot be made: {error}; change database.url",
                    folder.display()
                ))
            })?;
        }
        protect(path);
        let log = beside(path, "-wal");
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A rotated token must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // Deleted secrets are overwritten, not just unlinked.
            .pragma("secure_delete", "ON")
            .pragma("journal_size_limit", LOG_LIMIT)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        let file = Arc::new(DatabaseFile::new(path));
        let settings = |options: SqliteConnectOptions, most| {
            let file = Arc::clone(&file);
            PoolSettings {
                options,
                most,
                few: usize::MAX,
                wait: ACQUIRE,
                ages: false,
                keeps_last: true,
                prepare: None,
                guard: Some(Arc::new(move || file.check())),
                begin: None,
                scarcity: Scarcity::default(),
            }
        };
        let reads = settings(options.clone().pragma("cache_size", READER_CACHE), readers);
        let readers = Pool::new(PoolSettings { few: READERS, ..reads });
        let writer = Pool::new(settings(options, 1));
        Ok(Self { writer: Writer::new(writer), readers, log, file })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.pool.close().await;
    }
}

/// Restricts the permissions of the database, because it has order bodies in clear text. SQLite
/// gives new files beside the database the same permissions.
fn protect(path: &Path) {
    // If this fails, connecting fails too and reports the reason.
    let _ = private::options().append(true).create(true).open(path);
    for file in ["", "-wal", "-shm", "-journal"] {
        private::restrict(&beside(path, file));
    }
}

/// Returns the path of the database with this ending added to its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Returns the migrations that the database has run, including those of newer programs. Empty if it
/// has none of our tables.
pub(super) async fn applied_migrations(c: &mut SqliteConnection) -> Result<Vec<Applied>, StoreError> {
    let there = sqlx::query_scalar::<_, bool>(sql::HAS_MIGRATIONS);
    if !bounded(there.fetch_one(&mut *c)).await? {
        return Ok(Vec::new());
    }
    let applied = sqlx::query_as::<_, Applied>(sql::APPLIED_MIGRATIONS);
    bounded(applied.fetch_all(c)).await
}

/// Copies the write-ahead log into the file and empties it. If a reader still uses an old state,
/// the log keeps its pages until they are overwritten.
pub(super) async fn truncate_log(c: &mut SqliteConnection) -> Result<(), StoreError> {
    let truncate = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)");
    if bounded(truncate.fetch_one(c)).await? != 0 {
        tracing::warn!("Erased data stays in the write-ahead log until the log is overwritten");
    }
    Ok(())
}
