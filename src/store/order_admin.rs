//! The storage trait for those who steer orders: call them back, or have failed ones tried again.

use std::time::Duration;

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::orders::view;
use super::{OrderFilter, Orders, StoreError, order_search};
use crate::order::{OrderAdminRefusal, OrderId, OrderView, Status};

/// The changed order, or why it was not changed.
pub type OrderAdminOutcome = Result<OrderView, OrderAdminRefusal>;

/// Orders changed in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedOrders {
    /// Those changed, newest first.
    pub orders: Vec<OrderId>,
    /// Where to go on, as [`OrderFilter::before`], where more may follow.
    pub next: Option<OrderId>,
}

/// What a store does for those who steer orders.
#[async_trait]
pub trait OrderAdmin: Orders {
    /// Calls an order back that is queued, deletes what was kept for it, and tells those who wait.
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError>;

    /// Makes a failed order due as if it had just come in, with `order_deadline` from now on. Its
    /// id, its idempotency key and whether Klarna may hold a session of it stay.
    async fn retry_order(&self, order: OrderId, order_deadline: Duration) -> Result<OrderAdminOutcome, StoreError>;

    /// As [`OrderAdmin::cancel_order`], for the queued orders of a filter, whatever its status.
    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError>;

    /// As [`OrderAdmin::retry_order`], for the failed orders of a filter that have their body,
    /// whatever its status.
    async fn retry_orders(&self, filter: &OrderFilter, order_deadline: Duration) -> Result<ChangedOrders, StoreError>;

    /// How many orders of a filter there are that have their body; its `before` and `limit` do not
    /// count.
    async fn count_orders(&self, filter: &OrderFilter) -> Result<u64, StoreError>;
}

#[async_trait]
impl<E: Engine> OrderAdmin for SqlStore<E> {
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.change_one(order, Change::Cancel).await
    }

    async fn retry_order(&self, order: OrderId, order_deadline: Duration) -> Result<OrderAdminOutcome, StoreError> {
        self.change_one(order, Change::Retry(order_deadline)).await
    }

    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.change_many(filter, Change::Cancel).await
    }

    async fn retry_orders(&self, filter: &OrderFilter, order_deadline: Duration) -> Result<ChangedOrders, StoreError> {
        self.change_many(filter, Change::Retry(order_deadline)).await
    }

    async fn count_orders(&self, filter: &OrderFilter) -> Result<u64, StoreError> {
        self.read(async |c| order_search::count(c, filter).await).await
    }
}

/// What is done to orders.
#[derive(Clone, Copy)]
enum Change {
    /// Queued ones are called back.
    Cancel,
    /// Failed ones fall due again, with this long to go.
    Retry(Duration),
}

impl Change {
    /// The status that it needs.
    fn needs(self) -> Status {
        match self {
            Self::Cancel => Status::Queued,
            Self::Retry(_) => Status::Failed,
        }
    }
}

impl<E: Engine> SqlStore<E> {
    async fn change_one(&self, order: OrderId, change: Change) -> Result<OrderAdminOutcome, StoreError> {
        let outcome = self.transaction(async |c| one(c, self.now(), order, change).await).await?;
        if outcome.is_ok() {
            self.tell(&[order], change);
        }
        Ok(outcome)
    }

    async fn change_many(&self, filter: &OrderFilter, change: Change) -> Result<ChangedOrders, StoreError> {
        let changed = self.transaction(async |c| many(c, self.now(), filter, change).await).await?;
        self.tell(&changed.orders, change);
        Ok(changed)
    }

    fn tell(&self, orders: &[OrderId], change: Change) {
        match change {
            Change::Cancel => self.engine.tell_settled(orders),
            Change::Retry(_) if orders.is_empty() => {}
            Change::Retry(_) => self.engine.tell_due(),
        }
    }
}

/// Changes those of the orders that the change is for.
async fn apply<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    orders: &[OrderId],
    change: Change,
) -> Result<Vec<OrderId>, StoreError> {
    let statement = match change {
        Change::Cancel => c.query(E::STATEMENTS.order_admin.cancel).bind(orders).bind(now),
        Change::Retry(order_deadline) => {
            c.query(E::STATEMENTS.order_admin.again).bind(orders).bind(now).bind(order_deadline)
        }
    };
    let rows = statement.fetch_all().await?;
    let changed = rows.iter().map(|row| row.id("id")).collect::<Result<Vec<_>, _>>()?;
    E::delete_kept_of(c, &changed).await?;
    Ok(changed)
}

async fn one<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: OrderId,
    change: Change,
) -> Result<OrderAdminOutcome, StoreError> {
    let done = !apply(c, now, &[order], change).await?.is_empty();
    let Some(found) = view(c, order).await? else { return Ok(Err(OrderAdminRefusal::Missing)) };
    if done {
        return Ok(Ok(found));
    }
    let gone = c.query(E::STATEMENTS.order_admin.body_gone).bind(order).fetch_optional().await?.is_some();
    Ok(Err(match change {
        Change::Cancel => OrderAdminRefusal::NotCancelled(Box::new(found)),
        Change::Retry(_) if gone => OrderAdminRefusal::BodyGone,
        Change::Retry(_) => OrderAdminRefusal::NotRetried(Box::new(found)),
    }))
}

async fn many<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    filter: &OrderFilter,
    change: Change,
) -> Result<ChangedOrders, StoreError> {
    let filter = OrderFilter { status: Some(change.needs()), ..filter.clone() };
    let picked = order_search::with_bodies(c, &filter).await?;
    let next = picked.last().copied().filter(|_| picked.len() == filter.limit as usize);
    let mut orders = apply(c, now, &picked, change).await?;
    orders.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ChangedOrders { orders, next })
}
