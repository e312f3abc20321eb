//! The trait [`Engine`] has what differs between the two engines. The storage traits use it to run
//! a statement of the engine's dialect with its parameters, on a connection that goes back to its
//! pool only after success.

mod param;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::database::HasStatementCache;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Database};

pub(super) use self::param::Param;
use super::columns::Columns;
use super::migrations::Applied;
use super::pool::{PooledConnection, bounded};
use super::sql::Statements;
use super::subject::Subject;
use super::{
    Claim, ClaimAttempt, ClaimFailed, ClaimedOrder, Inserted, InsertedOne, Inspection, OrderRow, PoolUse,
    ReplicaFacts, ReplicaState, Signals, StoreError, StoredEnd,
};
use crate::ids::{MerchantName, Provider, TokenVersion, UserKey, WorkerId};
use crate::order::{Disposition, OrderId};
use crate::received::storable;
use crate::token::{ExchangeEnd, NewToken, Registered, Settled, Successor};

/// A store on one of the engines. Beside each storage trait is its one implementation for both
/// engines.
pub struct SqlStore<E> {
    pub(super) engine: Arc<E>,
    /// Whether reads outside transactions may be a little old, so that a replica answers them.
    pub(super) may_lag: bool,
}

/// An engine: its types and statements, its pools, and the few operations that need code of their
/// own on each engine.
pub(super) trait Engine: Sized + Send + Sync + 'static {
    /// sqlx's driver.
    type Database: Database<Row: Columns> + HasStatementCache;

    /// The statements that both engines have, in this engine's dialect.
    const STATEMENTS: &'static Statements;

    /// The statement that begins a transaction that writes.
    const BEGIN: &'static str;

    /// Binds the next parameter of a statement.
    fn bind(query: RawQuery<Self>, value: Param<'_>) -> RawQuery<Self>;

    fn fetch_all(
        connection: &mut RawConnection<Self>,
        query: RawQuery<Self>,
    ) -> impl Future<Output = sqlx::Result<Vec<Row<Self>>>> + Send;

    fn fetch_optional(
        connection: &mut RawConnection<Self>,
        query: RawQuery<Self>,
    ) -> impl Future<Output = sqlx::Result<Option<Row<Self>>>> + Send;

    /// Runs a statement and returns how many rows it affected.
    fn execute(
        connection: &mut RawConnection<Self>,
        query: RawQuery<Self>,
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Runs statements of transaction control, such as `COMMIT`, in one round trip.
    fn control(
        connection: &mut RawConnection<Self>,
        word: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Returns the time that statements get as their parameter.
    fn now(&self) -> Now;

    /// Takes a connection for reading.
    fn reader(&self) -> impl Future<Output = Result<PooledConnection<Self::Database>, StoreError>> + Send;

    /// Takes a connection to the read replica; `None` if there is none, or it cannot be used.
    fn replica(&self) -> impl Future<Output = Option<PooledConnection<Self::Database>>> + Send {
        async { None }
    }

    /// Notes that a read from the replica failed.
    fn replica_failed(&self, _error: &StoreError) {}

    /// As [`super::Replica::replica_state`].
    fn replica_state(&self) -> impl Future<Output = Option<ReplicaState>> + Send {
        async { None }
    }

    /// As [`super::Replica::examine_replica`].
    fn examine_replica(&self) -> impl Future<Output = Result<Option<ReplicaFacts>, StoreError>> + Send {
        async { Ok(None) }
    }

    /// Takes a connection for writing. Of several, those that wait for locks never take all:
    /// accepting and claiming orders does not use this.
    fn writer(&self) -> impl Future<Output = Result<PooledConnection<Self::Database>, StoreError>> + Send;

    /// Takes a connection for writes to orders that touch no token: they wait for no sign-in.
    fn order_writer(
        &self,
    ) -> impl Future<Output = Result<PooledConnection<Self::Database>, StoreError>> + Send;

    /// Takes a connection for short writes that must not wait behind orders: ends of exchanges.
    fn urgent(&self) -> impl Future<Output = Result<PooledConnection<Self::Database>, StoreError>> + Send;

    /// Takes a connection for heartbeats, which nothing else keeps waiting.
    fn heartbeats(&self)
    -> impl Future<Output = Result<PooledConnection<Self::Database>, StoreError>> + Send;

    /// Returns how the pools are used.
    fn pools(&self) -> Vec<PoolUse>;

    fn close(&self) -> impl Future<Output = ()> + Send;

    /// Returns this program's migrations.
    fn migrator() -> Migrator;

    /// Returns the migrations that the database has run, including those of newer programs. Empty
    /// if it has none of our tables.
    fn applied_migrations(
        connection: &mut RawConnection<Self>,
    ) -> impl Future<Output = Result<Vec<Applied>, StoreError>> + Send;

    /// Runs the missing migrations and returns how many ran. `missing` is their number.
    fn migrate(&self, missing: usize) -> impl Future<Output = Result<usize, StoreError>> + Send;

    fn inspect(&self) -> impl Future<Output = Result<Inspection, StoreError>> + Send;

    /// As [`super::Connections::keep_ready`].
    fn keep_ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    fn listen(&self) -> impl Future<Output = Result<Box<dyn Signals>, StoreError>> + Send;

    /// Notifies this process that orders have ended, if the statement did not notify all processes.
    fn notify_settled(&self, _orders: &[OrderId]) {}

    /// Notifies this process that orders are due, if the statement did not notify all processes.
    fn notify_due(&self) {}

    /// Notifies this process that pauses have changed, if the statement did not notify all
    /// processes.
    fn notify_pauses(&self) {}

    /// Overwrites erased data that the engine would otherwise keep for a while.
    fn overwrite_erased(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// As [`super::Orders::insert_orders`].
    fn insert_orders(
        &self,
        rows: &[OrderRow],
    ) -> impl Future<Output = Result<Vec<Inserted>, StoreError>> + Send;

    /// As [`super::Orders::insert_order`].
    fn insert_order(
        &self,
        row: &OrderRow,
        worker: Option<WorkerId>,
    ) -> impl Future<Output = Result<InsertedOne, StoreError>> + Send;

    /// As [`super::Orders::claim_orders`].
    fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> impl Future<Output = Result<Vec<ClaimedOrder>, ClaimFailed>> + Send;

    /// As [`super::Orders::settle_order`].
    fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> impl Future<Output = Result<Option<StoredEnd>, StoreError>> + Send;

    /// As [`super::Orders::announce_create`].
    fn announce_create(&self, claim: &Claim) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes the cached tokens of orders that end, if the statement that ends them does not.
    fn delete_cached_of(
        _c: &mut Connection<'_, Self>,
        _orders: &[OrderId],
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// As [`super::Tokens::register_tokens`].
    fn register_tokens(
        &self,
        rows: &[NewToken],
    ) -> impl Future<Output = Result<Vec<Registered>, StoreError>> + Send;

    /// As [`super::Tokens::claim_token`].
    fn claim_token(
        &self,
        key: &UserKey,
        provider: Provider,
    ) -> impl Future<Output = Result<ClaimAttempt, StoreError>> + Send;

    /// As [`super::Tokens::settle_exchange`].
    fn settle_exchange(&self, end: &ExchangeEnd) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// Stores a successor under the next generation, with its hash and the cached tokens, and
    /// closes the intent. Returns `None`, and writes nothing, if the generation has changed or the
    /// exchange is unknown.
    fn store_successor(
        c: &mut Connection<'_, Self>,
        now: Now,
        end: &ExchangeEnd,
        successor: &Successor,
    ) -> impl Future<Output = Result<Option<Settled>, StoreError>> + Send;

    /// As [`super::Tokens::note_subject`].
    fn note_subject(&self, subject: Subject) -> impl Future<Output = Result<(), StoreError>> + Send;
}

pub(super) type RawConnection<E> = <<E as Engine>::Database as Database>::Connection;
pub(super) type Row<E> = <<E as Engine>::Database as Database>::Row;
pub(super) type RawQuery<E> =
    sqlx::query::Query<'static, <E as Engine>::Database, <<E as Engine>::Database as Database>::Arguments>;

/// The time parameter of statements. On SQLite, it is the program's clock. On PostgreSQL it is
/// null, and the statement uses the database's clock; only tests give a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now(pub(super) Option<DateTime<Utc>>);

impl<E: Engine> SqlStore<E> {
    pub(super) fn now(&self) -> Now {
        self.engine.now()
    }

    /// Runs statements that write, each a transaction of its own.
    pub(super) async fn write<T>(
        &self,
        run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        by::<E, T>(self.engine.writer().await?, run).await
    }

    /// Runs statements in one transaction, which is committed unless one of them fails. After a
    /// transient error, it is unknown whether the transaction was committed.
    pub(super) async fn transaction<T>(
        &self,
        run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        transaction_by::<E, T>(self.engine.writer().await?, run).await
    }
}

/// Runs statements on a connection and gives it back. After an error, or if the caller stops
/// waiting, the state of the connection is unknown, so it is closed. Not if only a lock was in the
/// way: a full server might refuse another connection. Behind a transaction pooler, the statements
/// run in one transaction, because the session's defaults are not ours.
pub(super) async fn by<E: Engine, T>(
    mut connection: PooledConnection<E::Database>,
    run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if connection.begin().is_some() {
        return transaction_by::<E, T>(connection, run).await;
    }
    let done = run(&mut Connection::on(&mut connection)).await;
    // A statement that met a lock did nothing.
    if matches!(done, Ok(_) | Err(StoreError::Busy(_))) {
        connection.give_back();
    }
    done
}

/// Begins a transaction that writes.
pub(super) async fn begin<E: Engine>(
    connection: &mut PooledConnection<E::Database>,
) -> Result<(), StoreError> {
    let begin = connection.begin().unwrap_or(E::BEGIN);
    bounded(E::control(connection, begin)).await
}

/// As [`by`], in one transaction.
pub(super) async fn transaction_by<E: Engine, T>(
    connection: PooledConnection<E::Database>,
    run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let begin = connection.begin().unwrap_or(E::BEGIN);
    transaction_within::<E, T>(connection, begin, "COMMIT", run).await
}

/// As [`transaction_by`], with other words that begin the transaction and commit it.
pub(super) async fn transaction_within<E: Engine, T>(
    mut connection: PooledConnection<E::Database>,
    begin: &'static str,
    commit: &'static str,
    run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    bounded(E::control(&mut connection, begin)).await?;
    let done = run(&mut Connection::on(&mut connection)).await;
    let end = match &done {
        Ok(_) => commit,
        Err(StoreError::Busy(_)) => "ROLLBACK",
        Err(_) => return done,
    };
    bounded(E::control(&mut connection, end)).await?;
    connection.give_back();
    done
}

/// A connection in use, inside a transaction or outside one.
pub(super) struct Connection<'c, E: Engine> {
    pub(super) raw: &'c mut RawConnection<E>,
    /// Whether statements are prepared under names, which belong to a session.
    named: bool,
}

impl<'c, E: Engine> Connection<'c, E> {
    pub(super) fn on(connection: &'c mut PooledConnection<E::Database>) -> Self {
        let named = connection.begin().is_none();
        Self { raw: &mut *connection, named }
    }

    /// A caller's own connection, which may lead to a transaction pooler.
    pub(super) fn of_caller(raw: &'c mut RawConnection<E>) -> Self {
        Self { raw, named: false }
    }

    /// Begins a statement, whose parameters are bound next.
    pub(super) fn query(&mut self, sql: &'static str) -> Query<'_, E> {
        Query { connection: &mut *self.raw, query: sqlx::query(sql).persistent(self.named) }
    }

    /// Like [`Connection::query`], for a statement that the program composes. It must not contain
    /// values.
    pub(super) fn composed(&mut self, sql: String) -> Query<'_, E> {
        Query { connection: &mut *self.raw, query: sqlx::query(AssertSqlSafe(sql)).persistent(self.named) }
    }
}

/// A statement with its parameters. Running it has the same time limit as every statement.
#[must_use = "a statement does nothing until it is run"]
pub(super) struct Query<'c, E: Engine> {
    pub(super) connection: &'c mut RawConnection<E>,
    pub(super) query: RawQuery<E>,
}

impl<E: Engine> Query<'_, E> {
    /// Binds the next parameter. Characters that the database cannot store are replaced.
    pub(super) fn bind<'p>(self, value: impl Into<Param<'p>>) -> Self {
        let query = match value.into() {
            Param::Text(Some(text)) => E::bind(self.query, Param::Text(Some(&storable(text)))),
            value => E::bind(self.query, value),
        };
        Self { query, ..self }
    }

    /// Binds a token's row and generation as the next two parameters.
    pub(super) fn bind_version(self, version: TokenVersion) -> Self {
        self.bind(version.token).bind(version.generation)
    }

    /// Binds a merchant and a user as the next two parameters.
    pub(super) fn bind_user(self, key: &UserKey) -> Self {
        self.bind(&key.merchant).bind(&key.user)
    }

    pub(super) async fn fetch_all(self) -> Result<Vec<Row<E>>, StoreError> {
        bounded(E::fetch_all(self.connection, self.query)).await
    }

    pub(super) async fn fetch_optional(self) -> Result<Option<Row<E>>, StoreError> {
        bounded(E::fetch_optional(self.connection, self.query)).await
    }

    /// Runs the statement and returns its row. There must be exactly one.
    pub(super) async fn fetch_one(self) -> Result<Row<E>, StoreError> {
        Ok(self.fetch_optional().await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Runs the statement and returns how many rows it affected.
    pub(super) async fn execute(self) -> Result<u64, StoreError> {
        bounded(E::execute(self.connection, self.query)).await
    }
}
