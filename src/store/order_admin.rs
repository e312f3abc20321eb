//! The storage trait for those who steer orders: call them back, or have failed ones tried again.

use std::time::Duration;

use async_trait::async_trait;

use super::{OrderFilter, StoreError};
use crate::order::{OrderId, OrderView};

/// What became of the wish to cancel or retry one order.
#[derive(Clone, Debug)]
pub enum OrderAdminOutcome {
    /// The order, changed.
    Done(OrderView),
    /// Its status does not allow it: nothing changed.
    WrongStatus(OrderView),
    /// It failed, and its body was deleted since: there is nothing left to send.
    BodyGone,
    /// There is no such order.
    Missing,
}

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
pub trait OrderAdmin: Send + Sync {
    /// Calls an order back that is queued, deletes what was kept for it, and tells those who wait.
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError>;

    /// Makes a failed order due as if it had just come in, with `order_deadline` from now on. Its id, its idempotency key and
    /// whether Klarna may hold a session of it stay.
    async fn retry_order(&self, order: OrderId, order_deadline: Duration) -> Result<OrderAdminOutcome, StoreError>;

    /// As [`OrderAdmin::cancel_order`], for the queued orders of a filter, whatever its status.
    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError>;

    /// As [`OrderAdmin::retry_order`], for the failed orders of a filter that have their body, whatever its status.
    async fn retry_orders(&self, filter: &OrderFilter, order_deadline: Duration) -> Result<ChangedOrders, StoreError>;

    /// How many orders of a filter there are that have their body; its `before` and `limit` do not count.
    async fn count_orders(&self, filter: &OrderFilter) -> Result<u64, StoreError>;
}
