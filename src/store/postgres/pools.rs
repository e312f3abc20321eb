//! Three pools, so that queue, API and intents never wait behind a slow token endpoint.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres, Row, raw_sql};

use super::address::Address;
use crate::config::Database;
use crate::store::migrations::Applied;
use crate::store::pool::{Pool, TRUSTED, bounded};
use crate::store::{StoreError, expose};

/// Connections for intents, heartbeats and late stores: short transactions that never wait for
/// Klarna.
const INTENT_CONNECTIONS: u32 = 8;
/// The longest wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Settings of a claim's session, which waits for Klarna inside its transaction. The locks of a dead
/// host are freed within a minute. A confirmed commit is on disk. The few statements read rows by
/// their keys, so one plan suits all arguments, and each is planned once instead of six times.
const CLAIM_SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET idle_in_transaction_session_timeout = 0;
        SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
        SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan",
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = 0;
        SET LOCAL synchronous_commit = on",
};
const SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET statement_timeout = '10s';
        SET synchronous_commit = on",
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s';
        SET LOCAL synchronous_commit = on",
};

/// What a session needs, whatever the defaults of server, database and role are.
struct Session {
    /// Said once, when a connection is opened.
    direct: &'static str,
    /// Begins each transaction, if the connection leads to a transaction pooler.
    pooled: &'static str,
}

pub(super) struct Pools {
    /// For orders, registrations and the API.
    pub(super) queue: Pool<Postgres>,
    /// One connection for each exchange in flight.
    pub(super) claims: Pool<Postgres>,
    /// For intents and the ends of exchanges.
    pub(super) intents: Pool<Postgres>,
    /// How to connect for `LISTEN`.
    pub(super) listen: PgConnectOptions,
}

impl Pools {
    pub(super) fn open(database: &Database, max_in_flight: u32) -> Result<Self, StoreError> {
        let options = Address::of_process("database.url", expose(&database.url))?.options;
        let options = options.statement_cache_capacity(database.statement_cache);
        let pooled = database.goes_through_pooler();
        let listen = match &database.listen_url {
            Some(url) => Address::of_process("database.listen_url", expose(url))?.options,
            None => options.clone(),
        };
        Ok(Self {
            queue: pool(database.max_connections, &SESSION, pooled, &options),
            claims: pool(max_in_flight, &CLAIM_SESSION, pooled, &options),
            intents: pool(INTENT_CONNECTIONS, &SESSION, pooled, &options),
            listen,
        })
    }

    /// Connects to the server once, outside the pools, because they would retry for a while and
    /// hide the reason.
    ///
    /// # Errors
    /// Also [`StoreError::Location`] where the database's encoding cannot hold every text.
    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        let mut connection = bounded(self.queue.pool().connect_options().connect()).await?;
        let encoding: String = bounded(raw_sql("SHOW server_encoding").fetch_one(&mut connection)).await?.try_get(0)?;
        bounded(connection.close()).await?;
        if encoding != "UTF8" {
            return Err(StoreError::Location(format!(
                "the database has the encoding {encoding}, which cannot hold every text: create one with CREATE \
                 DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in database.url"
            )));
        }
        Ok(())
    }

    /// Opens a session outside the pools, with time limits for statements. It connects like
    /// `LISTEN`, past any transaction pooler, which would separate a session from its locks. Slow
    /// migrations are not logged with their text.
    pub(super) async fn session(&self) -> Result<PgConnection, StoreError> {
        bounded(self.listen.clone().disable_statement_logging().connect()).await
    }

    pub(super) async fn close(&self) {
        self.claims.close().await;
        self.intents.close().await;
        self.queue.close().await;
    }
}

fn pool(connections: u32, session: &'static Session, pooled: bool, options: &PgConnectOptions) -> Pool<Postgres> {
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
                if !pooled {
                    connection.execute(session.direct).await?;
                }
                Ok(())
            })
        });
    let pool = pool.connect_lazy_with(options.clone());
    if pooled { Pool::through_pooler(pool, session.pooled) } else { Pool::new(pool) }
}

/// Returns the migrations that the database has run, including those of newer programs. Empty if it
/// has none of our tables.
pub(super) async fn applied_migrations(c: &mut PgConnection) -> Result<Vec<Applied>, StoreError> {
    let there = sqlx::query_scalar::<_, bool>("SELECT to_regclass('klarna_worker.migrations') IS NOT NULL");
    if !bounded(there.persistent(false).fetch_one(&mut *c)).await? {
        return Ok(Vec::new());
    }
    let applied = sqlx::query_as::<_, Applied>("SELECT version, checksum FROM klarna_worker.migrations WHERE success");
    bounded(applied.persistent(false).fetch_all(c)).await
}
