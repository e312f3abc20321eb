//! SQLite: one file, one writer, one serving process. The committed intent is the claim.

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
#[path = "../both/order_admin.rs"]
mod order_admin;
#[path = "../both/orders.rs"]
mod orders;
#[path = "../both/overview.rs"]
mod overview;
mod pick;
mod pools;
#[path = "../both/resolving.rs"]
mod resolving;
#[path = "../both/restore.rs"]
mod restore;
#[path = "../both/search.rs"]
mod search;
mod shared;
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

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};
use uuid::Uuid;

use self::pools::Pools;
use self::shared::Shared;
use self::signals::Bus;
use super::columns::Stamp;
use super::pool::PooledConnection;
use super::{
    Claim, ClaimedOrder, Inserted, Inspection, Installation, OrderFilter, OrderRow, OrderTx, Orders, PoolUse, Signal,
    Signals, Store, StoreError, check_level, migrations,
};
use crate::clock::Clock;
use crate::order::{Disposition, OrderId, OrderView};

#[cfg(test)]
pub(super) use self::search::text as list_of_orders;
#[cfg(test)]
pub(super) use self::sql::ALL as STATEMENTS;

type Connection = SqliteConnection;
type Row = SqliteRow;
type Own = SqliteStore;
type Engine = Sqlite;
type Query<'q> = sqlx::query::Query<'q, Engine, SqliteArguments>;
/// The program's clock, which is the database's too: both are on one machine.
type Now = Stamp;

/// A store in a SQLite file.
pub struct SqliteStore {
    pools: Pools,
    bus: Bus,
    clock: Clock,
    /// Transactions of which many come at a time.
    shared: Arc<Shared>,
}

impl SqliteStore {
    /// Opens the file, made with its folder where absent.
    ///
    /// # Errors
    /// [`StoreError::Location`] where the folder cannot be made, [`StoreError::Unavailable`] where the file cannot be
    /// opened.
    pub async fn open(path: &Path, readers: u32, clock: Clock) -> Result<Self, StoreError> {
        let pools = Pools::open(path, readers)?;
        let shared = Arc::new(Shared::new(pools.writer.clone()));
        let store = Self { pools, bus: Bus::default(), clock, shared };
        store.write().await?.done();
        Ok(store)
    }

    fn now(&self) -> Now {
        Stamp(self.clock.now())
    }

    async fn read(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        self.pools.readers.take().await
    }

    async fn write(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        self.pools.writer.lease().await
    }

    /// A write transaction. `IMMEDIATE`, since one that begins as a reader cannot always become a writer.
    async fn begin(&self) -> Result<PooledConnection<Sqlite>, StoreError> {
        self.pools.writer.begin().await
    }

    fn used(&self) -> Vec<PoolUse> {
        vec![self.pools.writer.pool.used("writer"), self.pools.readers.used("readers")]
    }

    fn tell_settled(&self, orders: &[OrderId]) {
        for order in orders {
            self.bus.tell(Signal::Settled(*order));
        }
    }

    fn tell_due(&self) {
        self.bus.tell(Signal::Due);
    }

    /// What was deleted is overwritten in the file (`secure_delete`), and here in the write-ahead log too.
    async fn overwrite_erased(&self) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        pools::truncate_log(&mut lease).await?;
        lease.done();
        Ok(())
    }
}

/// Deletes what was kept for orders that end.
async fn delete_kept_of(c: &mut Connection, orders: &[OrderId]) -> Result<(), StoreError> {
    for order in orders {
        exchanges::delete_kept(c, order.as_uuid()).await?;
    }
    Ok(())
}

/// Ids as a statement takes them: `SELECT unhex(value) FROM json_each($1)`.
fn id_list(ids: &[OrderId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| id.as_uuid().simple().to_string()).collect();
    serde_json::json!(ids).to_string()
}

async fn settle_one(
    c: &mut Connection,
    now: Now,
    claim: Claim,
    settlement: Arc<Disposition>,
) -> Result<bool, StoreError> {
    let ours = orders::settle(c, now, &claim, &settlement).await?;
    if ours && matches!(*settlement, Disposition::Submitted { .. } | Disposition::Failed { .. }) {
        exchanges::delete_kept(c, claim.order.as_uuid()).await?;
    }
    Ok(ours)
}

async fn commit(mut lease: PooledConnection<Sqlite>) -> Result<(), StoreError> {
    lease.control("COMMIT").await?;
    lease.done();
    Ok(())
}

#[async_trait]
impl OrderTx for SqliteConnection {
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError> {
        orders::insert(self, Stamp(Clock::system().now()), order).await
    }
}

fn migrator() -> Migrator {
    migrations::migrator(migrations::SQLITE, "klarna_worker_migrations")
}

#[async_trait]
impl Store for SqliteStore {
    async fn migrate(&self) -> Result<usize, StoreError> {
        let missing = self.missing_migrations().await?.len();
        let mut left = missing;
        loop {
            let mut lease = self.write().await?;
            let Err(error) = migrator().run_direct(None, &mut *lease, false).await else {
                lease.done();
                return Ok(missing);
            };
            drop(lease);
            // SQLite has no lock for this: another process may have been faster, and this one goes on from there.
            let before = std::mem::replace(&mut left, self.missing_migrations().await?.len());
            if left >= before {
                return Err(migrations::failed(error));
            }
        }
    }

    fn schema(&self) -> i64 {
        migrator().iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    async fn missing_migrations(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.read().await?;
        let applied = pools::applied_migrations(&mut lease).await?;
        if !applied.is_empty() {
            workers::health(&mut lease).await?;
        }
        lease.done();
        migrations::missing(&migrator(), &applied)
    }

    async fn installation(&self) -> Result<Option<Installation>, StoreError> {
        let mut lease = self.read().await?;
        let founded = !pools::applied_migrations(&mut lease).await?.is_empty();
        let found = if founded { workers::installation(&mut lease).await? } else { None };
        lease.done();
        let Some((installation, needed)) = found else { return Ok(None) };
        check_level(needed)?;
        Ok(Some(installation))
    }

    async fn found_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        workers::found(&mut lease, self.now(), installation).await?;
        lease.done();
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        Ok(Box::new(self.bus.listen(self.pools.writer.clone(), &self.pools.log).await?))
    }

    async fn health(&self) -> Result<(), StoreError> {
        let mut lease = self.read().await?;
        workers::health(&mut lease).await?;
        lease.done();
        Ok(())
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        let mut lease = self.read().await?;
        let inspection = inspect::inspect(&mut lease).await?;
        lease.done();
        Ok(inspection)
    }

    async fn close(&self) {
        self.pools.close().await;
    }
}

#[async_trait]
impl Orders for SqliteStore {
    async fn insert_orders(&self, rows: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let (clock, rows) = (self.clock.clone(), Arc::new(rows.to_vec()));
        let inserted = self
            .shared
            .run(move |c| {
                let (now, rows) = (Stamp(clock.now()), Arc::clone(&rows));
                async move { orders::insert_all(c, now, &rows).await }.boxed()
            })
            .await?;
        self.bus.tell(Signal::Due);
        Ok(inserted)
    }

    async fn due_merchants(&self) -> Result<Vec<String>, StoreError> {
        let mut lease = self.read().await?;
        let merchants = orders::due_merchants(&mut lease, self.now()).await?;
        lease.done();
        Ok(merchants)
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        let mut lease = self.read().await?;
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
        let mut lease = self.begin().await?;
        for claim in claims {
            orders::give_back(&mut lease, claim).await?;
        }
        commit(lease).await?;
        Ok(())
    }

    async fn running_orders(&self, worker: Uuid) -> Result<Vec<Claim>, StoreError> {
        let mut lease = self.read().await?;
        let claims = orders::running_of(&mut lease, worker).await?;
        lease.done();
        Ok(claims)
    }

    async fn settle_order(&self, claim: &Claim, settlement: &Disposition) -> Result<bool, StoreError> {
        let ends = matches!(settlement, Disposition::Submitted { .. } | Disposition::Failed { .. });
        let (clock, claim, settlement) = (self.clock.clone(), *claim, Arc::new(settlement.clone()));
        let ours = self
            .shared
            .run(move |c| {
                let (now, settlement) = (Stamp(clock.now()), Arc::clone(&settlement));
                settle_one(c, now, claim, settlement).boxed()
            })
            .await?;
        if ours && ends {
            self.bus.tell(Signal::Settled(claim.order));
        }
        Ok(ours)
    }

    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        let mut lease = self.read().await?;
        let order = orders::view(&mut lease, id).await?;
        lease.done();
        Ok(order)
    }

    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
        let mut lease = self.read().await?;
        let settled = orders::settled(&mut lease, ids).await?;
        lease.done();
        Ok(settled)
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError> {
        let mut lease = self.read().await?;
        let orders = search::orders(&mut lease, filter).await?;
        lease.done();
        Ok(orders)
    }
}
