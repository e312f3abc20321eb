//! The PostgreSQL database of one measurement, created on the server that a URL names and removed
//! afterwards.

use std::str::FromStr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use crate::BenchError;

/// Reads the counters of the whole server, so nothing else may write to it during a measurement.
const COUNTERS: &str = "
    SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// Ends sessions. The server waits up to five seconds for them when it removes their database.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity";

/// A database for one measurement.
pub struct ScratchDatabase {
    server: PgConnectOptions,
    url: Url,
    name: String,
    /// Locked while the database is being created or removed.
    busy: Arc<Mutex<()>>,
}

/// What the server has written since its cluster was created.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// Bytes of write-ahead log.
    pub wal_bytes: i64,
    /// Transactions with writes.
    pub transactions: i64,
}

impl ScratchDatabase {
    /// Returns a database with a new name on the server that `url` names. Nothing is created yet.
    /// The database in `url` is used only to connect.
    ///
    /// # Errors
    /// If it is not a URL of a PostgreSQL server.
    pub fn named_anew(url: &SecretString) -> Result<Self, BenchError> {
        let text = url.expose_secret();
        let server =
            PgConnectOptions::from_str(text).map_err(|_| BenchError::Url)?.disable_statement_logging();
        let mut url: Url = text.parse().map_err(|_| BenchError::Url)?;
        let name = format!("klarna_worker_bench_{}", Uuid::new_v4().simple());
        url.set_path(&name);
        Ok(Self { server, url, name, busy: Arc::default() })
    }

    /// Creates the database. If this future is dropped, a task continues, because the server does
    /// too; [`Self::remove`] waits for that task.
    ///
    /// # Errors
    /// If the server does not answer, or its user may not create databases.
    pub async fn create(self: &Arc<Self>) -> Result<(), BenchError> {
        let (busy, scratch) = (self.busy.clone().lock_owned().await, self.clone());
        let created = tokio::spawn(async move {
            // The name is ours and has only letters and digits. Such a statement takes no
            // parameters.
            let created = scratch.administer(format!("CREATE DATABASE {}", scratch.name)).await;
            drop(busy);
            created
        });
        created.await.map_err(|error| BenchError::io("create a database")(error.into()))?
    }

    /// Returns the URL of the database, with the password of the server's URL.
    #[must_use]
    pub fn url(&self) -> SecretString {
        self.url.as_str().into()
    }

    /// Returns the server's counters.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn counters(&self) -> Result<Counters, BenchError> {
        let mut connection = self.connect().await?;
        let (wal_bytes, transactions) = sqlx::query_as(COUNTERS).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(Counters { wal_bytes, transactions })
    }

    /// Connects to the database.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn connect(&self) -> Result<PgConnection, BenchError> {
        Ok(self.server.clone().database(&self.name).connect().await?)
    }

    /// Removes the database, and ends the sessions that still use it.
    ///
    /// `WITH (FORCE)` would end them too, but it is refused to anybody but a superuser while
    /// autovacuum works in the database. Without it the server ends autovacuum itself.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn remove(&self) -> Result<(), BenchError> {
        let _busy = self.busy.lock().await;
        self.administer(format!("{END_SESSIONS} WHERE datname = '{}' AND usename = current_user", self.name))
            .await?;
        self.administer(format!("DROP DATABASE IF EXISTS {}", self.name)).await
    }

    async fn administer(&self, statement: String) -> Result<(), BenchError> {
        let mut connection: PgConnection = self.server.connect().await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        Ok(connection.close().await?)
    }
}
