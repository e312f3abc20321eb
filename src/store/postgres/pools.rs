//! The pools. Queue, API and intents never wait behind a slow token endpoint, and nothing that
//! waits for a locked row keeps heartbeats, results or new orders waiting.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres, Row, raw_sql};
use tokio::sync::Semaphore;

use super::address::Address;
use super::pooler;
use crate::config::Database;
use crate::store::migrations::Applied;
use crate::store::pool::{Pool, PoolSettings, PooledConnection, Prepare, Scarcity, bounded};
use crate::store::sql::postgres as sql;
use crate::store::{StoreError, expose};

/// Connections for intents and late stores: short transactions that never wait for Klarna.
const INTENT_CONNECTIONS: u32 = 8;
/// The longest wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Settings of a session that holds claims, and waits for Klarna inside its transaction. The locks
/// of a dead host are freed within a minute. A confirmed commit is on disk.
///
/// No session waits long for a lock of another one: whoever waits holds a connection, and here the
/// claims of many.
const CLAIM_SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET idle_in_transaction_session_timeout = 0;
        SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
        SET lock_timeout = '250ms'; SET synchronous_commit = on",
    by_key: true,
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = 0;
        SET LOCAL lock_timeout = '250ms'; SET LOCAL synchronous_commit = on",
};
/// Some of its statements read a whole table, so sequential scans stay allowed.
const SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET statement_timeout = '10s';
        SET lock_timeout = '1s'; SET synchronous_commit = on; SET jit = off",
    by_key: false,
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s';
        SET LOCAL lock_timeout = '1s'; SET LOCAL synchronous_commit = on",
};
/// Intents and late stores.
const INTENT_SESSION: Session = Session { by_key: true, ..SESSION };
/// Results of all orders go through one connection.
const RESULT_SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET statement_timeout = '10s';
        SET lock_timeout = '250ms'; SET synchronous_commit = on",
    by_key: true,
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s';
        SET LOCAL lock_timeout = '250ms'; SET LOCAL synchronous_commit = on",
};

/// Reads from the replica. It writes nothing, whatever server the setting names.
const REPLICA_SESSION: Session = Session {
    direct: "
        SET default_transaction_isolation = 'read committed'; SET statement_timeout = '10s';
        SET default_transaction_read_only = on",
    by_key: false,
    pooled: "
        BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = '10s'",
};
/// The longest wait for a connection to the replica: the primary can be read instead.
const ACQUIRE_REPLICA: Duration = Duration::from_secs(1);

/// Said in a session whose few statements read rows by their keys. Then one plan suits all
/// arguments, however many rows they name and however small the tables are when it is made: each is
/// planned once, and only with indexes. Otherwise PostgreSQL plans a statement with arrays at each
/// call.
pub(in crate::store) const BY_KEY: &str = "
    SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET enable_seqscan = off; SET jit = off";

/// What a session needs, whatever the defaults of server, database and role are.
struct Session {
    /// Said once, when a connection is opened.
    direct: &'static str,
    /// Whether [`BY_KEY`] is said, too.
    by_key: bool,
    /// Begins each transaction, if the connection leads to a transaction pooler.
    pooled: &'static str,
}

pub(super) struct Pools {
    /// For orders, registrations and the API.
    pub(super) queue: Pool<Postgres>,
    /// For the claims of exchanges, which share transactions.
    pub(super) claims: Pool<Postgres>,
    /// For intents and the ends of exchanges.
    pub(super) intents: Pool<Postgres>,
    /// One connection for the ends of attempts and the shoppers of users, which are written
    /// together.
    pub(super) results: Pool<Postgres>,
    /// One connection for heartbeats.
    pub(super) heartbeats: Pool<Postgres>,
    pub(super) scarcity: Scarcity,
    /// How to connect for `LISTEN`.
    pub(super) listen: PgConnectOptions,
    /// Half of the queue's connections, for writes that may have to wait for a locked token: the
    /// other half stays free for new orders and claims.
    pub(super) half_of_queue: Arc<Semaphore>,
    /// The same of those for intents: the other half stays free for what is about to be sent.
    pub(super) half_of_intents: Arc<Semaphore>,
}

impl Pools {
    pub(super) fn open(database: &Database, claim_sessions: u32) -> Result<Self, StoreError> {
        let options = Address::of_process("database.url", expose(&database.url))?.options;
        let options = options.statement_cache_capacity(database.statement_cache);
        let listen = match &database.listen_url {
            Some(url) => Address::of_process("database.listen_url", expose(url))?.options,
            None => options.clone(),
        };
        let scarcity = Scarcity::default();
        let pool = |most, session: &'static Session, keeps_last| {
            let pooled = database.goes_through_pooler();
            Pool::new(PoolSettings { keeps_last, ..settings(most, session, pooled, &options, &scarcity) })
        };
        Ok(Self {
            queue: pool(database.max_connections, &SESSION, false),
            claims: pool(claim_sessions, &CLAIM_SESSION, false),
            intents: pool(INTENT_CONNECTIONS, &INTENT_SESSION, false),
            results: pool(1, &RESULT_SESSION, true),
            heartbeats: pool(1, &SESSION, true),
            half_of_queue: half(database.max_connections),
            half_of_intents: half(INTENT_CONNECTIONS),
            scarcity,
            listen,
        })
    }

    /// Opens the pool of the read replica, if the settings have one. It shares no server with the
    /// others.
    pub(super) fn replica(database: &Database) -> Result<Option<Pool<Postgres>>, StoreError> {
        let Some(url) = &database.read_url else { return Ok(None) };
        let options = Address::of_process("database.read_url", expose(url))?.options;
        let options = options.statement_cache_capacity(database.statement_cache);
        let pooled = database.goes_through_pooler();
        let (most, scarcity) = (database.max_connections, Scarcity::default());
        let settings = settings(most, &REPLICA_SESSION, pooled, &options, &scarcity);
        Ok(Some(Pool::new(PoolSettings { wait: ACQUIRE_REPLICA, ..settings })))
    }

    /// Takes one of the queue's connections for a write that may have to wait for a locked token.
    pub(super) async fn writer(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        self.queue.behind(&self.half_of_queue).await
    }

    /// Takes one of the connections for intents for the end of an exchange.
    pub(super) async fn late_store(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        self.intents.behind(&self.half_of_intents).await
    }

    /// Connects to the server outside the pools, because they would retry for a while and hide the
    /// reason.
    ///
    /// # Errors
    /// Also [`StoreError::Location`] where the database's encoding cannot hold every text, and
    /// [`StoreError::Pooler`] where the settings do not suit the pooler before the server.
    pub(super) async fn reach(&self, database: &Database) -> Result<(), StoreError> {
        let options = self.queue.options();
        let mut connection = bounded(options.connect()).await?;
        let encoding: String =
            bounded(raw_sql("SHOW server_encoding").fetch_one(&mut connection)).await?.try_get(0)?;
        if encoding != "UTF8" {
            return Err(StoreError::Location(format!(
                "the database has the encoding {encoding}, which cannot hold every text: create one with CREATE \
                 DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in database.url"
            )));
        }
        pooler::check(database, &mut connection, options, &self.listen).await?;
        bounded(connection.close()).await
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
        self.results.close().await;
        self.heartbeats.close().await;
        self.queue.close().await;
    }
}

fn settings(
    most: u32,
    session: &'static Session,
    pooled: bool,
    options: &PgConnectOptions,
    scarcity: &Scarcity,
) -> PoolSettings<Postgres> {
    PoolSettings {
        options: options.clone(),
        most,
        few: usize::MAX,
        wait: ACQUIRE,
        ages: true,
        keeps_last: false,
        prepare: (!pooled).then_some(Prepare {
            sql: session.direct,
            run: if session.by_key { run_by_key } else { run_on },
        }),
        guard: None,
        begin: pooled.then_some(session.pooled),
        scarcity: scarcity.clone(),
    }
}

fn run_on<'c>(connection: &'c mut PgConnection, sql: &'static str) -> BoxFuture<'c, sqlx::Result<()>> {
    Box::pin(async move { connection.execute(sql).await.map(drop) })
}

/// As [`run_on`], for a session that reads rows by their keys.
fn run_by_key<'c>(connection: &'c mut PgConnection, sql: &'static str) -> BoxFuture<'c, sqlx::Result<()>> {
    Box::pin(async move {
        connection.execute(sql).await?;
        connection.execute(BY_KEY).await.map(drop)
    })
}

/// Half of so many connections, at least one.
fn half(connections: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(
        usize::try_from(connections / 2).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS),
    ))
}

/// Returns the migrations that the database has run, including those of newer programs. Empty if it
/// has none of our tables.
pub(super) async fn applied_migrations(c: &mut PgConnection) -> Result<Vec<Applied>, StoreError> {
    let there = sqlx::query_scalar::<_, bool>(sql::HAS_MIGRATIONS);
    if !bounded(there.persistent(false).fetch_one(&mut *c)).await? {
        return Ok(Vec::new());
    }
    let applied = sqlx::query_as::<_, Applied>(sql::APPLIED_MIGRATIONS);
    bounded(applied.persistent(false).fetch_all(c)).await
}
