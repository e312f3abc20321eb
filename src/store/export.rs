//! The storage trait for the export of a user's data: the orders and webhooks of a user, with what
//! their lists leave out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::order_search::order_view;
use super::{StoreError, from_json};
use crate::ids::{UserKey, WebhookId};
use crate::order::{OrderError, OrderId, OrderView};

/// An order with everything that was stored of it, except what the shop got for the shopper's
/// browser.
#[derive(Clone, Debug)]
pub struct ExportedOrder {
    /// The order, as in lists.
    pub view: OrderView,
    /// The body as the shop wrote it, until retention deletes it.
    pub body: Option<String>,
    /// The attempts that failed, in their order.
    pub failed_attempts: Vec<FailedAttempt>,
}

/// An attempt at an order that did not submit it.
#[derive(Clone, Debug)]
pub struct FailedAttempt {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Whether its worker was lost.
    pub lost: bool,
    /// Why it failed.
    pub error: Option<OrderError>,
}

/// A webhook event with its data. Words are as they are stored, so that none makes it unreadable.
#[derive(Clone, Debug)]
pub struct ExportedWebhook {
    /// What [`Exports::exported_webhooks`] takes to go on after it.
    pub cursor: i64,
    /// The event's id.
    pub id: WebhookId,
    /// What happened.
    pub kind: String,
    /// The event's data for the shop, a JSON object.
    pub data: String,
    /// Its status.
    pub status: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of attempts that have ended.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Storage for the export of a user's data.
#[async_trait]
pub trait Exports: Send + Sync {
    /// Returns up to `limit` orders of a user, newest first. With `before`, only older ones than
    /// that.
    async fn exported_orders(
        &self,
        key: &UserKey,
        before: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ExportedOrder>, StoreError>;

    /// Returns up to `limit` webhook events about a user, newest first. With `before`, only those
    /// older than the event with that cursor, even if it was deleted meanwhile.
    async fn exported_webhooks(
        &self,
        key: &UserKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ExportedWebhook>, StoreError>;
}

#[async_trait]
impl<E: Engine> Exports for SqlStore<E> {
    async fn exported_orders(
        &self,
        key: &UserKey,
        before: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<ExportedOrder>, StoreError> {
        let sql = &E::STATEMENTS.export;
        self.read(async |c| {
            let before = before.map(|order| order.as_uuid());
            let orders = c.query(sql.orders).bind_user(key).bind(before).bind(limit).fetch_all().await?;
            let mut orders: Vec<ExportedOrder> = orders.iter().map(order).collect::<Result<_, _>>()?;
            let ids: Vec<OrderId> = orders.iter().map(|order| order.view.id).collect();
            let mut failed = BTreeMap::<OrderId, Vec<FailedAttempt>>::new();
            for row in c.query(sql.attempts).bind(&ids[..]).fetch_all().await? {
                failed.entry(row.id("order_id")?).or_default().push(failed_attempt(&row)?);
            }
            for order in &mut orders {
                order.failed_attempts = failed.remove(&order.view.id).unwrap_or_default();
            }
            Ok(orders)
        })
        .await
    }

    async fn exported_webhooks(
        &self,
        key: &UserKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ExportedWebhook>, StoreError> {
        self.read(async |c| {
            let webhooks = c.query(E::STATEMENTS.export.webhooks).bind_user(key).bind(before).bind(limit);
            webhooks.fetch_all().await?.iter().map(webhook).collect()
        })
        .await
    }
}

fn order(row: &impl Columns) -> Result<ExportedOrder, StoreError> {
    Ok(ExportedOrder { view: order_view(row)?, body: row.opt_text("body")?, failed_attempts: Vec::new() })
}

fn failed_attempt(row: &impl Columns) -> Result<FailedAttempt, StoreError> {
    Ok(FailedAttempt {
        ended_at: row.time("ended_at")?,
        lost: row.flag("lost")?,
        error: row.opt_text("error")?.and_then(|text| from_json("error", &text).ok()),
    })
}

fn webhook(row: &impl Columns) -> Result<ExportedWebhook, StoreError> {
    Ok(ExportedWebhook {
        cursor: row.int("seq")?,
        id: row.id("id")?,
        kind: row.text("kind")?,
        data: row.text("data")?,
        status: row.text("status")?,
        occurred_at: row.time("occurred_at")?,
        ended_at: row.opt_time("ended_at")?,
        attempts: row.int("attempts")?,
        error: row.opt_text("error")?,
    })
}
