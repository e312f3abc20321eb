//! PostgreSQL: many processes, advisory locks for claims, `NOTIFY` for wake-ups, everything in a schema of its own.

#[path = "../both/ahead.rs"]
mod ahead;
mod claim;
#[path = "../both/dashboard.rs"]
mod dashboard;
#[path = "../both/exchanges.rs"]
mod exchanges;
mod inspect;
#[path = "../both/keeper.rs"]
mod keeper;
#[path = "../both/keys.rs"]
mod keys;
mod migrate;
#[path = "../both/order_admin.rs"]
mod order_admin;
#[path = "../both/orders.rs"]
mod orders;
#[path = "../both/overview.rs"]
mod overview;
mod pick;
mod pools;
mod ready;
#[path = "../both/resolving.rs"]
mod resolving;
#[path = "../both/restore.rs"]
mod restore;
mod scratch;
#[path = "../both/search.rs"]
mod search;
mod signals;
mod sql;
#[path = "../both/tokens.rs"]
mod tokens;
#[path = "../both/upkeep.rs"]
mod upkeep;
mod vault;
#[path = "../both/webhooks.rs"]
mod webhooks;
#[path = "../both/workers.rs"]
mod workers;
mod writers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

use self::pools::Pools;
pub use self::scratch::{Bound, Counters, Scratch};
use self::writers::{End, Ends, Intents};
use super::batch::Batcher;
use super::columns::Stamp;
use super::pool::PooledConnection;
use super::{
    Claim, ClaimedOrder, Inserted, Inspection, Installation, OrderFilter, OrderRow, OrderTx, Orders, PoolUse, Signals,
    Store, StoreError, check_level, migrations,
};
use crate::clock::Clock;
use crate::config::Database;
use crate::order::{Disposition, OrderId, OrderView};

#[cfg(test)]
pub(super) use self::search::text as list_of_orders;
#[cfg(test)]
pub(super) use self::sql::ALL as STATEMENTS;

type Connection = PgConnection;
type Row = PgRow;
type Own = PostgresStore;
type Engine = Postgres;
type Query<'q> = sqlx::query::Query<'q, Engine, PgArguments>;
/// Null in service, where the database's clock counts; a test's clock otherwise.
type Now = Option<Stamp>;

/// A store on PostgreSQL.
pub struct PostgresStore {
    pools: Pools,
    clock: Clock,
    intents: Arc<Batcher<Intents>>,
    ends: Batcher<Ends>,
}

impl PostgresStore {
    /// Connects to the server that `database.url` names.
    ///
    /// # Errors
    /// [`StoreError::Location`] where the URL cannot be read, [`StoreError::Unavailable`] where the server does not
    /// answer.
    pub async fn open(database: &Database, max_in_flight: u32, clock: Clock) -> Result<Self, StoreError> {
        let pools = Pools::open(database, max_in_flight)?;
        pools.reach().await?;
        let intents = Arc::new(Batcher::new(Intents { pool: pools.intents.clone(), clock: clock.clone() }));
        let ends = Batcher::new(Ends { pool: pools.queue.clone(), clock: clock.clone() });
        Ok(Self { pools, clock, intents, ends })
    }

    fn now(&self) -> Now {
        now(&self.clock)
    }

    async fn lease(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        self.pools.queue.take().await
    }

    async fn read(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        self.lease().await
    }

    async fn write(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        self.lease().await
    }

    async fn begin(&self) -> Result<PooledConnection<Postgres>, StoreError> {
        let mut lease = self.lease().await?;
        lease.control("BEGIN").await?;
        Ok(lease)
    }

    fn used(&self) -> Vec<PoolUse> {
        vec![self.pools.queue.used("queue"), self.pools.claims.used("claims"), self.pools.intents.used("intents")]
    }

    /// Nothing to tell: the statement notifies.
    #[expect(clippy::unused_self, reason = "as the other engine")]
    fn tell_settled(&self, _: &[OrderId]) {}

    /// Likewise.
    #[expect(clippy::unused_self, reason = "as the other engine")]
    fn tell_due(&self) {}

    /// Dead rows go with the next vacuum.
    #[expect(clippy::unused_async, reason = "as the other engine")]
    async fn overwrite_erased(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

async fn commit(mut lease: PooledConnection<Postgres>) -> Result<(), StoreError> {
    lease.control("COMMIT").await?;
    lease.done();
    Ok(())
}

/// Nothing to delete: the statement that ends the orders does.
async fn delete_kept_of(_: &mut Connection, _: &[OrderId]) -> Result<(), StoreError> {
    Ok(())
}

/// Ids as a statement takes them: `= ANY($1)`.
fn id_list(ids: &[OrderId]) -> Vec<Uuid> {
    ids.iter().map(OrderId::as_uuid).collect()
}

fn now(clock: &Clock) -> Now {
    clock.manual_now().map(Stamp)
}

/// The clock of a caller's own transaction: always the database's.
#[async_trait]
impl OrderTx for PgConnection {
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError> {
        orders::insert(self, None, order).await
    }
}

fn migrator() -> Migrator {
    let mut migrator = migrations::migrator(migrations::POSTGRES, "klarna_worker.migrations");
    migrator.create_schema("klarna_worker");
    migrator
}

#[async_trait]
impl Store for PostgresStore {
    async fn migrate(&self) -> Result<usize, StoreError> {
        // A database that needs a newer program is none of this one's.
        self.missing_migrations().await?;
        migrate::migrate(&self.pools).await
    }

    fn schema(&self) -> i64 {
        migrator().iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    async fn missing_migrations(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.lease().await?;
        let applied = pools::applied_migrations(&mut lease).await?;
        if !applied.is_empty() {
            workers::health(&mut lease).await?;
        }
        lease.done();
        migrations::missing(&migrator(), &applied)
    }

    async fn installation(&self) -> Result<Option<Installation>, StoreError> {
        let mut lease = self.lease().await?;
        let founded = !pools::applied_migrations(&mut lease).await?.is_empty();
        let found = if founded { workers::installation(&mut lease).await? } else { None };
        lease.done();
        let Some((installation, needed)) = found else { return Ok(None) };
        check_level(needed)?;
        Ok(Some(installation))
    }

    async fn found_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        workers::found(&mut lease, self.now(), installation).await?;
        lease.done();
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        signals::listen(&self.pools.listen).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        workers::health(&mut lease).await?;
        lease.done();
        Ok(())
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        inspect::inspect(&self.pools).await
    }

    async fn keep_ready(&self) -> Result<(), StoreError> {
        ready::keep(&self.pools, self.now()).await
    }

    async fn close(&self) {
        self.pools.close().await;
    }
}

#[async_trait]
impl Orders for PostgresStore {
    async fn insert_orders(&self, rows: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let mut lease = self.lease().await?;
        if let [row] = rows {
            let inserted = orders::insert(&mut lease, self.now(), row).await?;
            lease.done();
            return Ok(vec![inserted]);
        }
        lease.control("BEGIN").await?;
        let inserted = orders::insert_all(&mut lease, self.now(), rows).await?;
        lease.control("COMMIT").await?;
        lease.done();
        Ok(inserted)
    }

    async fn due_merchants(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.lease().await?;
        let merchants = orders::due_merchants(&mut lease, self.now()).await?;
        lease.done();
        Ok(merchants)
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        let mut lease = self.lease().await?;
        let wait = orders::next_due(&mut lease, self.now()).await?;
        lease.done();
        Ok(wait)
    }

    async fn claim_orders(
        &self,
        worker: Uuid,
        shares: &BTreeMap<String, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, StoreError> {
        pick::claim(self, worker, shares, recent).await
    }

    async fn give_back(&self, claims: &[Claim]) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        for claim in claims {
            orders::give_back(&mut lease, claim).await?;
        }
        lease.done();
        Ok(())
    }

    async fn running_orders(&self, worker: Uuid) -> Result<Vec<Claim>, StoreError> {
        let mut lease = self.lease().await?;
        let claims = orders::running_of(&mut lease, worker).await?;
        lease.done();
        Ok(claims)
    }

    async fn settle_order(&self, claim: &Claim, settlement: &Disposition) -> Result<bool, StoreError> {
        self.ends.put(End::Attempt(*claim, settlement.clone())).await
    }

    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        let mut lease = self.lease().await?;
        let order = orders::view(&mut lease, id).await?;
        lease.done();
        Ok(order)
    }

    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
        let mut lease = self.lease().await?;
        let settled = orders::settled(&mut lease, ids).await?;
        lease.done();
        Ok(settled)
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError> {
        let mut lease = self.lease().await?;
        let orders = search::orders(&mut lease, filter).await?;
        lease.done();
        Ok(orders)
    }
}
