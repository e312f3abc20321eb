//! Orders called back or tried again, statement by statement; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;

use super::orders::view;
use super::search;
use super::{Connection, Now, Own, commit, delete_kept_of, id_list, sql};
use crate::order::{OrderId, Status};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{ChangedOrders, OrderAdmin, OrderAdminOutcome, OrderFilter, StoreError, micros};

/// What is done to orders.
#[derive(Clone, Copy)]
enum Step {
    /// Queued ones are called back.
    Cancel,
    /// Failed ones fall due again, with this long to go.
    Retry(Duration),
}

impl Step {
    /// The status that it needs.
    fn needs(self) -> Status {
        match self {
            Self::Cancel => Status::Queued,
            Self::Retry(_) => Status::Failed,
        }
    }
}

impl Own {
    async fn steer(&self, order: OrderId, step: Step) -> Result<OrderAdminOutcome, StoreError> {
        let mut lease = self.begin().await?;
        let steered = one(&mut lease, self.now(), order, step).await?;
        let orders: &[OrderId] = if matches!(steered, OrderAdminOutcome::Done(_)) { &[order] } else { &[] };
        delete_kept_of(&mut lease, orders).await?;
        commit(lease).await?;
        self.tell(orders, step);
        Ok(steered)
    }

    async fn sweep(&self, filter: &OrderFilter, step: Step) -> Result<ChangedOrders, StoreError> {
        let mut lease = self.begin().await?;
        let changed = many(&mut lease, self.now(), filter, step).await?;
        delete_kept_of(&mut lease, &changed.orders).await?;
        commit(lease).await?;
        self.tell(&changed.orders, step);
        Ok(changed)
    }

    fn tell(&self, orders: &[OrderId], step: Step) {
        match step {
            Step::Cancel => self.tell_settled(orders),
            Step::Retry(_) if orders.is_empty() => {}
            Step::Retry(_) => self.tell_due(),
        }
    }
}

#[async_trait]
impl OrderAdmin for Own {
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.steer(order, Step::Cancel).await
    }

    async fn retry_order(&self, order: OrderId, order_deadline: Duration) -> Result<OrderAdminOutcome, StoreError> {
        self.steer(order, Step::Retry(order_deadline)).await
    }

    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.sweep(filter, Step::Cancel).await
    }

    async fn retry_orders(&self, filter: &OrderFilter, order_deadline: Duration) -> Result<ChangedOrders, StoreError> {
        self.sweep(filter, Step::Retry(order_deadline)).await
    }

    async fn count_orders(&self, filter: &OrderFilter) -> Result<u64, StoreError> {
        let mut lease = self.read().await?;
        let orders = search::count(&mut lease, filter).await?;
        lease.done();
        Ok(orders)
    }
}

/// Changes those of the orders that the step is for.
async fn apply(c: &mut Connection, now: Now, orders: &[OrderId], step: Step) -> Result<Vec<OrderId>, StoreError> {
    let statement = match step {
        Step::Cancel => query(sql::CANCEL).bind(id_list(orders)).bind(now),
        Step::Retry(order_deadline) => query(sql::AGAIN).bind(id_list(orders)).bind(now).bind(micros(order_deadline)),
    };
    let rows = bounded(statement.fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}

async fn one(c: &mut Connection, now: Now, order: OrderId, step: Step) -> Result<OrderAdminOutcome, StoreError> {
    let done = !apply(c, now, &[order], step).await?.is_empty();
    let Some(found) = view(c, order).await? else { return Ok(OrderAdminOutcome::Missing) };
    if done {
        return Ok(OrderAdminOutcome::Done(found));
    }
    let gone = bounded(query(sql::BODY_GONE).bind(order.as_uuid()).fetch_optional(c)).await?.is_some();
    Ok(if gone && matches!(step, Step::Retry(_)) {
        OrderAdminOutcome::BodyGone
    } else {
        OrderAdminOutcome::WrongStatus(found)
    })
}

async fn many(c: &mut Connection, now: Now, filter: &OrderFilter, step: Step) -> Result<ChangedOrders, StoreError> {
    let filter = OrderFilter { status: Some(step.needs()), ..filter.clone() };
    let picked = search::with_bodies(&mut *c, &filter).await?;
    let next = picked.last().copied().filter(|_| picked.len() == filter.limit as usize);
    let mut orders = apply(c, now, &picked, step).await?;
    orders.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ChangedOrders { orders, next })
}
