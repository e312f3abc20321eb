//! Steering on SQLite: in the one writer's transactions, with news to this process.

use std::time::Duration;

use async_trait::async_trait;

use super::steering::{Step, count, many, one};
use super::{SqliteStore, commit, tokens};
use crate::order::OrderId;
use crate::store::{OrderFilter, Signal, Steered, Steering, StoreError, Swept};

impl SqliteStore {
    async fn steer(&self, order: OrderId, step: Step) -> Result<Steered, StoreError> {
        let mut lease = self.begin().await?;
        let steered = one(&mut lease, self.now(), order, step).await?;
        let done = matches!(steered, Steered::Done(_));
        if done {
            tokens::delete_kept(&mut lease, order.as_uuid()).await?;
        }
        commit(lease).await?;
        if done {
            self.tell(&[order], step);
        }
        Ok(steered)
    }

    async fn sweep(&self, filter: &OrderFilter, step: Step) -> Result<Swept, StoreError> {
        let mut lease = self.begin().await?;
        let swept = many(&mut lease, self.now(), filter, step).await?;
        for order in &swept.orders {
            tokens::delete_kept(&mut lease, order.as_uuid()).await?;
        }
        commit(lease).await?;
        self.tell(&swept.orders, step);
        Ok(swept)
    }

    fn tell(&self, orders: &[OrderId], step: Step) {
        match step {
            Step::Cancel => orders.iter().for_each(|order| self.bus.tell(Signal::Settled(*order))),
            Step::Retry(_) => self.bus.tell(Signal::Due),
        }
    }
}

#[async_trait]
impl Steering for SqliteStore {
    async fn cancel_order(&self, order: OrderId) -> Result<Steered, StoreError> {
        self.steer(order, Step::Cancel).await
    }

    async fn retry_order(&self, order: OrderId, order_deadline: Duration) -> Result<Steered, StoreError> {
        self.steer(order, Step::Retry(order_deadline)).await
    }

    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<Swept, StoreError> {
        self.sweep(filter, Step::Cancel).await
    }

    async fn retry_orders(&self, filter: &OrderFilter, order_deadline: Duration) -> Result<Swept, StoreError> {
        self.sweep(filter, Step::Retry(order_deadline)).await
    }

    async fn count_orders(&self, filter: &OrderFilter) -> Result<u64, StoreError> {
        let mut lease = self.read().await?;
        let orders = count(&mut lease, filter).await?;
        lease.done();
        Ok(orders)
    }
}
