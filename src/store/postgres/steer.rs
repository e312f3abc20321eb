//! Steering on PostgreSQL: a statement changes, deletes what was kept, and notifies.

use std::time::Duration;

use async_trait::async_trait;

use super::PostgresStore;
use super::steering::{Step, count, many, one};
use crate::order::OrderId;
use crate::store::{OrderFilter, Steered, Steering, StoreError, Swept};

impl PostgresStore {
    async fn steer(&self, order: OrderId, step: Step) -> Result<Steered, StoreError> {
        let mut lease = self.lease().await?;
        let steered = one(&mut lease, self.now(), order, step).await?;
        lease.done();
        Ok(steered)
    }

    async fn sweep(&self, filter: &OrderFilter, step: Step) -> Result<Swept, StoreError> {
        let mut lease = self.lease().await?;
        let swept = many(&mut lease, self.now(), filter, step).await?;
        lease.done();
        Ok(swept)
    }
}

#[async_trait]
impl Steering for PostgresStore {
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
        let mut lease = self.lease().await?;
        let orders = count(&mut lease, filter).await?;
        lease.done();
        Ok(orders)
    }
}
