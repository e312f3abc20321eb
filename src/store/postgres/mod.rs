//! PostgreSQL: many processes, advisory locks for claims, `NOTIFY` for wake-ups, everything in a
//! schema of its own.

mod address;
mod claims;
mod inspect;
mod migrate;
mod pick;
mod pooler;
mod pools;
mod ready;
mod replica;
mod signals;
mod writers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::{Executor, PgConnection};

use self::address::Address;
use self::claims::{Claims, NewSuccessor, store_successors};
use self::pools::Pools;
use self::replica::Replica;
use self::writers::{Announcement, Announcements, AttemptResult, End, Results, Written, still_held};
use super::batch::{Batcher, unanswered};
use super::columns::Stamp;
use super::engine::{self, Engine, Now, Param, RawQuery, Row, by, transaction_by};
use super::migrations::{self, Applied};
use super::pool::PooledConnection;
use super::sql::{Statements, postgres as sql};
use super::subject::Subject;
use super::{
    Claim, ClaimAttempt, ClaimFailed, ClaimedOrder, Inserted, InsertedOne, Inspection, OrderRow, OrderTx,
    PoolUse, ReplicaFacts, ReplicaState, Signals, StoreError, StoredEnd, Transport, order_insert, tokens,
};
use crate::clock::Clock;
use crate::config::Database;
use crate::ids::{MerchantName, Provider, UserKey, WorkerId};
use crate::order::{Disposition, OrderId};
use crate::token::{ExchangeEnd, NewToken, Registered, Settled, Successor};

#[cfg(test)]
pub(super) use self::pools::BY_KEY;

type Connection<'c> = engine::Connection<'c, Postgres>;
type Query<'c> = engine::Query<'c, Postgres>;

pub(super) struct Postgres {
    pools: Arc<Pools>,
    replica: Option<Replica>,
    clock: Clock,
    claims: Claims,
    announcements: Arc<Batcher<Announcements>>,
    results: Batcher<Results>,
}

impl Postgres {
    /// Connects to the server that `database.url` names.
    ///
    /// # Errors
    /// [`StoreError::Location`] if the URL cannot be read, [`StoreError::Unavailable`] if the
    /// server does not answer, [`StoreError::Pooler`] if the settings do not suit the pooler before
    /// it.
    pub(super) async fn open(
        database: &Database,
        claim_sessions: u32,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let pools = Arc::new(Pools::open(database, claim_sessions)?);
        pools.reach(database).await?;
        let announcements = Announcements { pool: pools.intents.clone(), clock: clock.clone() };
        let announcements = Arc::new(Batcher::new(announcements));
        let results = Batcher::new(Results { pool: pools.results.clone(), clock: clock.clone() });
        let claims = Claims::new(&pools, &announcements, &clock, claim_sessions);
        let replica = Pools::replica(database)?.map(|pool| Replica::new(pool, clock.clone()));
        Ok(Self { pools, replica, clock, claims, announcements, results })
    }
}

/// How connections to the server in the URL of the setting `key` are protected.
///
/// # Errors
/// If the URL cannot be read.
pub(super) fn transport(key: &str, url: &str) -> Result<Transport, StoreError> {
    Ok(Address::of_process(key, url)?.transport)
}

/// Returns the file with the key of the client's certificate, if the URL or the environment names
/// one.
///
/// # Errors
/// If the URL cannot be read.
pub(super) fn client_key(key: &str, url: &str) -> Result<Option<PathBuf>, StoreError> {
    Ok(Address::of_process(key, url)?.client_key)
}

/// Returns null, so that statements use the database's clock; in tests, the time of the test's
/// clock.
fn now(clock: &Clock) -> Now {
    Now(clock.manual_now())
}

/// The error for a row that a write does not wait for.
fn order_is_locked() -> StoreError {
    StoreError::Busy("it has locked the order's row".into())
}

impl Query<'_> {
    /// Binds an array, one value for each row.
    fn bind_array<'t, T>(self, values: Vec<T>) -> Self
    where
        Vec<T>: sqlx::Encode<'t, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        Self { query: self.query.bind(values), ..self }
    }
}

impl Engine for Postgres {
    type Database = sqlx::Postgres;

    const STATEMENTS: &'static Statements = &sql::STATEMENTS;
    /// Whatever the default of role, database or server is: a transaction of another isolation
    /// would not see what was committed since it began. A server that lets nobody write is left at
    /// that.
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";

    fn bind(query: RawQuery<Self>, value: Param<'_>) -> RawQuery<Self> {
        match value {
            Param::Text(value) => query.bind(value),
            Param::Int(value) => query.bind(value),
            Param::Flag(value) => query.bind(value),
            Param::Id(value) => query.bind(value),
            Param::Bytes(value) => query.bind(value),
            Param::Time(value) => query.bind(value.map(Stamp)),
            Param::Ids(ids) => query.bind(ids.iter().map(OrderId::as_uuid).collect::<Vec<_>>()),
        }
    }

    async fn fetch_all(connection: &mut PgConnection, query: RawQuery<Self>) -> sqlx::Result<Vec<Row<Self>>> {
        query.fetch_all(connection).await
    }

    async fn fetch_optional(
        connection: &mut PgConnection,
        query: RawQuery<Self>,
    ) -> sqlx::Result<Option<Row<Self>>> {
        query.fetch_optional(connection).await
    }

    async fn execute(connection: &mut PgConnection, query: RawQuery<Self>) -> sqlx::Result<u64> {
        Ok(query.execute(connection).await?.rows_affected())
    }

    async fn control(connection: &mut PgConnection, word: &'static str) -> sqlx::Result<()> {
        connection.execute(word).await?;
        Ok(())
    }

    fn now(&self) -> Now {
        now(&self.clock)
    }

    async fn reader(&self) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        self.pools.queue.take().await
    }

    async fn replica(&self) -> Option<PooledConnection<sqlx::Postgres>> {
        self.replica.as_ref()?.take(&self.pools.queue).await
    }

    fn replica_failed(&self, error: &StoreError) {
        if let Some(replica) = &self.replica {
            replica.failed(error);
        }
    }

    async fn replica_state(&self) -> Option<ReplicaState> {
        Some(self.replica.as_ref()?.current_state(&self.pools.queue).await)
    }

    async fn examine_replica(&self) -> Result<Option<ReplicaFacts>, StoreError> {
        match &self.replica {
            Some(replica) => replica.examine().await.map(Some),
            None => Ok(None),
        }
    }

    async fn writer(&self) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        self.pools.writer().await
    }

    async fn order_writer(&self) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        self.pools.queue.take().await
    }

    async fn urgent(&self) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        self.pools.late_store().await
    }

    async fn heartbeats(&self) -> Result<PooledConnection<sqlx::Postgres>, StoreError> {
        self.pools.heartbeats.take().await
    }

    fn pools(&self) -> Vec<PoolUse> {
        vec![
            self.pools.queue.used("queue"),
            self.pools.claims.used("claims"),
            self.pools.intents.used("intents"),
            self.pools.results.used("results"),
            self.pools.heartbeats.used("heartbeats"),
        ]
    }

    async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
        self.pools.close().await;
    }

    fn migrator() -> Migrator {
        let mut migrator = migrations::migrator(migrations::POSTGRES, "klarna_worker.migrations");
        migrator.create_schema("klarna_worker");
        migrator
    }

    async fn applied_migrations(connection: &mut PgConnection) -> Result<Vec<Applied>, StoreError> {
        pools::applied_migrations(connection).await
    }

    async fn migrate(&self, _missing: usize) -> Result<usize, StoreError> {
        migrate::migrate(&self.pools).await
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        inspect::inspect(&self.pools).await
    }

    async fn keep_ready(&self) -> Result<(), StoreError> {
        ready::keep(&self.pools, self.now()).await
    }

    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        signals::listen(&self.pools).await
    }

    async fn insert_orders(&self, rows: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let connection = self.pools.queue.take().await?;
        transaction_by::<Self, _>(connection, async |c| order_insert::insert_all(c, self.now(), rows).await)
            .await
    }

    /// An order whose key is new needs no transaction around its statement.
    async fn insert_order(
        &self,
        row: &OrderRow,
        worker: Option<WorkerId>,
    ) -> Result<InsertedOne, StoreError> {
        let connection = self.pools.queue.take().await?;
        let insert =
            async |c: &mut Connection<'_>| order_insert::insert_new(c, self.now(), row, None, worker).await;
        if let Some(new) = by::<Self, _>(connection, insert).await? {
            return Ok(new);
        }
        let connection = self.pools.queue.take().await?;
        transaction_by::<Self, _>(connection, async |c| {
            order_insert::insert_one(c, self.now(), row, worker).await
        })
        .await
    }

    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, ClaimFailed> {
        let connection = self.pools.queue.take().await?;
        let together = connection.begin().is_some();
        let mut claimed = Vec::new();
        let claim = async |c: &mut Connection<'_>| {
            pick::claim(c, self.now(), worker, shares, recent, &mut claimed).await
        };
        match by::<Self, _>(connection, claim).await {
            Ok(()) => Ok(claimed),
            // They were one transaction, which was rolled back, or may have been.
            Err(error) if together => Err(error.into()),
            Err(error) => Err(ClaimFailed { claimed, error }),
        }
    }

    async fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> Result<Option<StoredEnd>, StoreError> {
        let end = End { claim: *claim, disposition: disposition.clone() };
        match self.results.put(AttemptResult::End(end)).await? {
            Written::Yes(stored) => Ok(Some(stored)),
            Written::ClaimLost => Ok(None),
            Written::Subject => Err(unanswered()),
            Written::Locked => Err(order_is_locked()),
        }
    }

    async fn announce_create(&self, claim: &Claim) -> Result<bool, StoreError> {
        if self.announcements.put(Announcement::Create(*claim)).await? {
            return Ok(true);
        }
        let connection = self.pools.intents.take().await?;
        let held = by::<Self, _>(connection, async |c| still_held(c, &[*claim]).await).await?;
        if held.is_empty() { Ok(false) } else { Err(order_is_locked()) }
    }

    async fn register_tokens(&self, rows: &[NewToken]) -> Result<Vec<Registered>, StoreError> {
        transaction_by::<Self, _>(self.writer().await?, async |c| {
            tokens::register_all(c, self.now(), rows).await
        })
        .await
    }

    async fn claim_token(&self, key: &UserKey, provider: Provider) -> Result<ClaimAttempt, StoreError> {
        self.claims.claim(key, provider).await
    }

    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        claims::settle_alone(&self.pools, self.now(), end).await
    }

    /// Waits for a locked row, which the statement for many successors would leave out.
    async fn store_successor(
        c: &mut Connection<'_>,
        now: Now,
        end: &ExchangeEnd,
        successor: &Successor,
    ) -> Result<Option<Settled>, StoreError> {
        c.query(sql::LOCK_TOKEN).bind(end.version.token).fetch_optional().await?;
        Ok(store_successors(c, now, &[NewSuccessor { end, successor }]).await?.remove(&end.exchange))
    }

    async fn note_subject(&self, subject: Subject) -> Result<(), StoreError> {
        self.results.put(AttemptResult::Subject(subject)).await?;
        Ok(())
    }
}

/// Uses the database's clock, because the transaction is the caller's.
#[async_trait]
impl OrderTx for PgConnection {
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError> {
        order_insert::insert::<Postgres>(&mut engine::Connection::of_caller(self), Now(None), order).await
    }
}
