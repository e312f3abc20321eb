//! New orders: what is inserted, and what becomes of it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ClaimedOrder, StoreError};
use crate::ids::{MerchantName, UserId};
use crate::order::{OrderId, OrderView, Summary, Target};

/// A new order for the database.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// The order's id.
    pub id: OrderId,
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The user whose refresh token is used.
    pub user: UserId,
    /// The shop's id for the request, unique within a merchant.
    pub idempotency_key: Option<String>,
    /// The hash of the request. It distinguishes a repeated request from a different one with the
    /// same key.
    pub digest: [u8; 32],
    /// Klarna's order, as the shop wrote it.
    pub body: String,
    /// What is kept of the body after its retention.
    pub summary: Summary,
    /// The product of Klarna that it is submitted to. `None`: the merchant's setting.
    pub target: Option<Target>,
    /// Whether absent shopper data is filled in. `None`: the merchant's setting.
    pub prefill: Option<bool>,
    /// Do not submit it before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// When the order is given up. `None`: `order_deadline` after its acceptance or `not_before`.
    pub deadline: Option<DateTime<Utc>>,
    /// The setting `queue.order_deadline`.
    pub order_deadline: Duration,
    /// The trace context of its acceptance, which its attempts are linked to.
    pub trace: Option<String>,
}

/// The result of inserting an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// A new order. An earlier one with its key may have been superseded by it.
    New(OrderId),
    /// The same request was accepted before, as this order.
    Same(OrderId),
    /// The idempotency key was used for another request, which became this order.
    Different(OrderId),
}

/// The result of inserting one order.
#[derive(Clone, Debug)]
pub enum InsertedOne {
    /// A new order, as it was stored, with the worker's claim, if there is one. Otherwise it is
    /// queued.
    New(Box<OrderView>, Option<Box<ClaimedOrder>>),
    /// An earlier order with the same idempotency key.
    Known(Inserted),
}

/// A connection inside the caller's transaction, on either engine. Orders can be inserted through
/// it.
#[async_trait]
pub trait OrderTx: Send {
    /// Inserts the order. On PostgreSQL this also wakes the workers when the transaction commits.
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError>;
}
