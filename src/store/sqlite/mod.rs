//! SQLite: one file, one writer, one serving process. The committed intent is the claim.

mod claim;
mod file;
mod inspect;
pub(super) mod multi_row;
mod pick;
mod pools;
mod shared;
mod signals;
pub(super) mod writes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::migrate::Migrator;
use sqlx::{Executor, SqliteConnection};

use self::pools::Pools;
use self::shared::Shared;
use self::signals::Bus;
use super::columns::Stamp;
use super::engine::{self, Engine, Now, Param, RawQuery, Row, by};
use super::migrations::{self, Applied};
use super::pool::PooledConnection;
use super::sql::{Statements, sqlite as sql};
use super::subject::Subject;
use super::{
    Claim, ClaimAttempt, ClaimFailed, ClaimedOrder, Inserted, InsertedOne, Inspection, OrderRow, OrderTx,
    PoolUse, Signal, Signals, StoreError, StoredEnd, exchanges, order_insert, tokens,
};
use crate::clock::Clock;
use crate::ids::{MerchantName, Provider, UserKey, WorkerId};
use crate::order::{Disposition, OrderId};
use crate::token::{ExchangeEnd, NewToken, Registered, Settled, Successor};

type Connection<'c> = engine::Connection<'c, Sqlite>;

pub(super) struct Sqlite {
    pools: Pools,
    bus: Bus,
    clock: Clock,
    /// Runs transactions that callers share.
    shared: Shared,
}

impl Sqlite {
    /// Opens the file. A missing file is created with its folder.
    ///
    /// # Errors
    /// [`StoreError::Location`] if the folder cannot be created, [`StoreError::Unavailable`] if the
    /// file cannot be opened.
    pub(super) async fn open(path: &Path, readers: u32, clock: Clock) -> Result<Self, StoreError> {
        let pools = Pools::open(path, readers)?;
        let shared = Shared::new(pools.writer.clone(), clock.clone());
        let sqlite = Self { pools, bus: Bus::default(), clock, shared };
        sqlite.writer().await?.give_back();
        sqlite.pools.file.remember();
        Ok(sqlite)
    }
}

/// Returns the time of the program's clock. Statements use it, because the database has no clock of
/// its own.
fn now(clock: &Clock) -> Now {
    Now(Some(clock.now()))
}

impl Engine for Sqlite {
    type Database = sqlx::Sqlite;

    const STATEMENTS: &'static Statements = &sql::STATEMENTS;
    /// Begins as a writer at once, because a transaction that has read cannot always become one.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    fn bind(query: RawQuery<Self>, value: Param<'_>) -> RawQuery<Self> {
        match value {
            Param::Text(value) => query.bind(value),
            Param::Int(value) => query.bind(value),
            Param::Flag(value) => query.bind(value),
            Param::Id(value) => query.bind(value),
            Param::Bytes(value) => query.bind(value),
            Param::Time(value) => query.bind(value.map(Stamp)),
            Param::Ids(ids) => query.bind(id_list(ids)),
        }
    }

    async fn fetch_all(
        connection: &mut SqliteConnection,
        query: RawQuery<Self>,
    ) -> sqlx::Result<Vec<Row<Self>>> {
        query.fetch_all(connection).await
    }

    async fn fetch_optional(
        connection: &mut SqliteConnection,
        query: RawQuery<Self>,
    ) -> sqlx::Result<Option<Row<Self>>> {
        query.fetch_optional(connection).await
    }

    async fn execute(connection: &mut SqliteConnection, query: RawQuery<Self>) -> sqlx::Result<u64> {
        Ok(query.execute(connection).await?.rows_affected())
    }

    async fn control(connection: &mut SqliteConnection, word: &'static str) -> sqlx::Result<()> {
        connection.execute(word).await?;
        Ok(())
    }

    fn now(&self) -> Now {
        now(&self.clock)
    }

    async fn reader(&self) -> Result<PooledConnection<sqlx::Sqlite>, StoreError> {
        self.pools.readers.take().await
    }

    async fn writer(&self) -> Result<PooledConnection<sqlx::Sqlite>, StoreError> {
        self.pools.writer.in_turn().await
    }

    async fn order_writer(&self) -> Result<PooledConnection<sqlx::Sqlite>, StoreError> {
        self.writer().await
    }

    async fn urgent(&self) -> Result<PooledConnection<sqlx::Sqlite>, StoreError> {
        self.pools.writer.urgent().await
    }

    async fn heartbeats(&self) -> Result<PooledConnection<sqlx::Sqlite>, StoreError> {
        self.pools.writer.urgent().await
    }

    fn pools(&self) -> Vec<PoolUse> {
        vec![self.pools.writer.pool.used("writer"), self.pools.readers.used("readers")]
    }

    async fn close(&self) {
        self.pools.close().await;
    }

    fn migrator() -> Migrator {
        migrations::migrator(migrations::SQLITE, "klarna_worker_migrations")
    }

    async fn applied_migrations(connection: &mut SqliteConnection) -> Result<Vec<Applied>, StoreError> {
        pools::applied_migrations(connection).await
    }

    async fn migrate(&self, missing: usize) -> Result<usize, StoreError> {
        let mut left = missing;
        loop {
            let mut connection = self.writer().await?;
            let Err(error) = Self::migrator().run_direct(None, &mut *connection, false).await else {
                connection.give_back();
                return Ok(missing);
            };
            drop(connection);
            // SQLite has no lock for migrations. Another process may have run some meanwhile;
            // continue after those.
            let applied =
                by::<Self, _>(self.reader().await?, async |c| pools::applied_migrations(c.raw).await).await?;
            let before =
                std::mem::replace(&mut left, migrations::missing(&Self::migrator(), &applied)?.len());
            if left >= before {
                return Err(migrations::failed(error));
            }
        }
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        by::<Self, _>(self.reader().await?, async |c| inspect::inspect(c).await).await
    }

    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        Ok(Box::new(self.bus.listen(self.pools.writer.clone(), &self.pools.log).await?))
    }

    fn notify_settled(&self, orders: &[OrderId]) {
        for order in orders {
            self.bus.send(Signal::Settled(*order));
        }
    }

    fn notify_due(&self) {
        self.bus.send(Signal::Due);
    }

    fn notify_pauses(&self) {
        self.bus.send(Signal::Pauses);
    }

    /// In the file, deleted data is overwritten at once (`secure_delete`). This also removes it
    /// from the write-ahead log.
    async fn overwrite_erased(&self) -> Result<(), StoreError> {
        by::<Self, _>(self.writer().await?, async |c| pools::truncate_log(c.raw).await).await
    }

    async fn insert_orders(&self, rows: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let (clock, rows) = (self.clock.clone(), Arc::new(rows.to_vec()));
        self.shared
            .run(move |c| {
                let (now, rows) = (now(&clock), Arc::clone(&rows));
                async move { order_insert::insert_all(c, now, &rows).await }.boxed()
            })
            .await
    }

    async fn insert_order(
        &self,
        row: &OrderRow,
        worker: Option<WorkerId>,
    ) -> Result<InsertedOne, StoreError> {
        let (clock, row) = (self.clock.clone(), Arc::new(row.clone()));
        self.shared
            .run(move |c| {
                let (now, row) = (now(&clock), Arc::clone(&row));
                async move { order_insert::insert_one(c, now, &row, worker).await }.boxed()
            })
            .await
    }

    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, ClaimFailed> {
        Ok(pick::claim(self, worker, shares, recent).await?)
    }

    async fn settle_order(
        &self,
        claim: &Claim,
        disposition: &Disposition,
    ) -> Result<Option<StoredEnd>, StoreError> {
        self.shared.settle_order(claim, disposition).await
    }

    async fn announce_create(&self, claim: &Claim) -> Result<bool, StoreError> {
        self.shared.announce_create(claim).await
    }

    async fn delete_cached_of(c: &mut Connection<'_>, orders: &[OrderId]) -> Result<(), StoreError> {
        for order in orders {
            exchanges::delete_cached(c, (*order).into()).await?;
        }
        Ok(())
    }

    async fn register_tokens(&self, rows: &[NewToken]) -> Result<Vec<Registered>, StoreError> {
        let (clock, rows) = (self.clock.clone(), Arc::new(rows.to_vec()));
        self.shared
            .run(move |c| {
                let (now, rows) = (now(&clock), Arc::clone(&rows));
                async move { tokens::register_all(c, now, &rows).await }.boxed()
            })
            .await
    }

    async fn claim_token(&self, key: &UserKey, provider: Provider) -> Result<ClaimAttempt, StoreError> {
        claim::claim(&self.pools.readers, &self.shared, &self.clock, key, provider).await
    }

    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        self.shared.settle_exchange(end).await
    }

    async fn store_successor(
        c: &mut Connection<'_>,
        now: Now,
        end: &ExchangeEnd,
        successor: &Successor,
    ) -> Result<Option<Settled>, StoreError> {
        Ok(writes::store(c, now, &[writes::Rotated { end, successor }]).await?.pop().flatten())
    }

    async fn note_subject(&self, subject: Subject) -> Result<(), StoreError> {
        self.shared.note(subject).await
    }
}

/// Returns ids as JSON, for `SELECT unhex(value) FROM json_each($1)`.
fn id_list(ids: &[OrderId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| id.as_uuid().simple().to_string()).collect();
    serde_json::json!(ids).to_string()
}

#[async_trait]
impl OrderTx for SqliteConnection {
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError> {
        order_insert::insert::<Sqlite>(&mut engine::Connection::of_caller(self), now(&Clock::system()), order)
            .await
    }
}
