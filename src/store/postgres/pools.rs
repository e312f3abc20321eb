//! Three pools, so that queue, API and intents never wait behind a slow token endpoint.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres};

use super::address::Address;
use crate::config::Database;
use crate::store::migrations::Applied;
use crate::store::pool::{Pool, TRUSTED, bounded};
use crate::store::{StoreError, expose};

/// Connections for intents, heartbeats and late stores: short transactions, none of which waits for
/// Klarna.
const INTENT_CONNECTIONS: u32 = 8;
/// The longest wait for a connection before the caller backs off.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A claim's session waits for Klarna within its transaction; a dead host frees its locks within a
/// minute, and what is committed is on disk. Its few statements are of rows by their keys, so no
/// plan is better for some arguments than for others, and each is planned once instead of six
/// times.
const CLAIM_SESSION: &str = "
    SET idle_in_transaction_session_timeout = 0;
    SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
    SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan";
const SESSION: &str = "SET statement_timeout = '10s'; SET synchronous_commit = on";

pub(super) struct Pools {
    /// Orders, registrations, the API.
    pub(super) queue: Pool<Postgres>,
    /// One connection for each exchange in flight.
    pub(super) claims: Pool<Postgres>,
    /// Intents and what closes them.
    pub(super) intents: Pool<Postgres>,
    /// Where `LISTEN` connects.
    pub(super) listen: PgConnectOptions,
}

impl Pools {
    pub(super) fn open(database: &Database, max_in_flight: u32) -> Result<Self, StoreError> {
        let options = Address::of_process("database.url", expose(&database.url))?.options;
        let options = options.statement_cache_capacity(database.statement_cache);
        let listen = match &database.listen_url {
            Some(url) => Address::of_process("database.listen_url", expose(url))?.options,
            None => options.clone(),
        };
        Ok(Self {
            queue: pool(database.max_connections, SESSION, &options),
            claims: pool(max_in_flight, CLAIM_SESSION, &options),
            intents: pool(INTENT_CONNECTIONS, SESSION, &options),
            listen,
        })
    }

    /// Asks the server once, outside the pools: they would try again for a while, and not say why.
    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        let connection = bounded(self.queue.pool().connect_options().connect()).await?;
        bounded(connection.close()).await
    }

    /// A session of the server's own, outside the pools, whose statements are bounded. It goes
    /// where `LISTEN` does: past a pool of transactions, which would part a session from its locks.
    /// A migration that takes long is not logged with its text.
    pub(super) async fn session(&self) -> Result<PgConnection, StoreError> {
        bounded(self.listen.clone().disable_statement_logging().connect()).await
    }

    pub(super) async fn close(&self) {
        self.claims.close().await;
        self.intents.close().await;
        self.queue.close().await;
    }
}

fn pool(connections: u32, session: &'static str, options: &PgConnectOptions) -> Pool<Postgres> {
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(session).await?;
                Ok(())
            })
        });
    Pool::new(pool.connect_lazy_with(options.clone()))
}

/// The migrations that the database has, those of newer programs included; none where it has none
/// of our tables.
pub(super) async fn applied_migrations(c: &mut PgConnection) -> Result<Vec<Applied>, StoreError> {
    let there = sqlx::query_scalar::<_, bool>("SELECT to_regclass('klarna_worker.migrations') IS NOT NULL");
    if !bounded(there.fetch_one(&mut *c)).await? {
        return Ok(Vec::new());
    }
    let applied = sqlx::query_as::<_, Applied>("SELECT version, checksum FROM klarna_worker.migrations WHERE success");
    bounded(applied.fetch_all(c)).await
}
