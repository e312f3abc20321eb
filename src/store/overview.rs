//! The storage trait for metrics and pages: figures of the whole installation.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::{FOLLOW_UP_FOR, PoolUse, StoreError};
use crate::ids::MerchantName;

/// The state of an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// When the figures were read, by the database's clock.
    pub now: DateTime<Utc>,
    /// The merchants that have queued or running orders.
    pub merchants: Vec<Backlog>,
    /// The merchants that have a webhook.
    pub webhooks: Vec<WebhookBacklog>,
    /// The merchants that have calls about submitted orders to make.
    pub follow_ups: Vec<FollowUpBacklog>,
    /// The number of processes with a recent heartbeat.
    pub workers: u64,
    /// The number of exchanges whose result is not stored yet.
    pub open_exchanges: u64,
    /// When the last complete sweep ended.
    pub swept_at: Option<DateTime<Utc>>,
    /// The earliest due date of all tokens. In the future if no token is due.
    pub oldest_due_token: Option<DateTime<Utc>>,
    /// The number of active tokens that the keeper should have refreshed but that expire soon.
    pub expiring_tokens: u64,
}

/// A merchant's orders that have not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The merchant.
    pub merchant: MerchantName,
    /// Queued orders, including those scheduled for later.
    pub queued: u64,
    /// How many of these are due.
    pub due: u64,
    /// Running orders.
    pub running: u64,
    /// The earliest due date of a queued order. In the future if none is due.
    pub oldest_due: Option<DateTime<Utc>>,
    /// Queued orders that a worker has taken before, and that wait for their next try: after a
    /// failure, or behind a circuit breaker.
    pub delayed: u64,
    /// When a worker first took the oldest of these, and of those that run again: an attempt lasts
    /// while Klarna does not answer.
    pub delayed_since: Option<DateTime<Utc>>,
}

/// A merchant's webhooks that are not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookBacklog {
    /// The merchant.
    pub merchant: MerchantName,
    /// Pending webhooks.
    pub pending: u64,
    /// How many of these are due; 0 while the endpoint is disabled.
    pub due: u64,
    /// The earliest due date of a pending webhook. In the future if none is due.
    pub oldest_due: Option<DateTime<Utc>>,
    /// Whether the endpoint is disabled.
    pub disabled: bool,
}

/// A merchant's calls about submitted orders that are not done yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpBacklog {
    /// The merchant.
    pub merchant: MerchantName,
    /// Calls that wait, including those due later.
    pub waiting: u64,
    /// How many of these have failed at least once.
    pub failed: u64,
    /// Calls that were given up, and that may be about paid orders.
    pub given_up: u64,
    /// When the oldest that waits was asked for.
    pub oldest: Option<DateTime<Utc>>,
    /// Calls that were given up or have failed three times.
    pub stuck: u64,
    /// One of these.
    pub example: Option<StuckFollowUp>,
}

/// A call about a submitted order that does not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckFollowUp {
    /// Klarna's id of the order.
    pub klarna_id: String,
    /// Why the last attempt failed.
    pub error: String,
}

/// Figures that need a scan of many rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallationCounts {
    /// The merchants that have undelivered webhooks.
    pub webhooks: Vec<WebhookCounts>,
    /// Orders that failed when the database was declared restored, and that can still be retried.
    pub held_orders: u64,
}

/// A merchant's undelivered webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCounts {
    /// The merchant.
    pub merchant: MerchantName,
    /// Webhooks that are not tried any more.
    pub failed: u64,
    /// When the event of the oldest pending webhook happened.
    pub oldest_pending: Option<DateTime<Utc>>,
}

/// Storage for metrics and pages.
#[async_trait]
pub trait InstallationStats: Send + Sync {
    /// Returns the state of the installation, from indexes only. A process without a heartbeat for
    /// `lost_after` is not counted. A token expires soon if its expiry is within `expiring_within`.
    async fn overview(&self, lost_after: Duration, expiring_within: Duration)
    -> Result<Overview, StoreError>;

    /// Returns figures that need a scan of many rows. Do not call it often.
    async fn counts(&self) -> Result<InstallationCounts, StoreError>;

    /// Returns how this process uses its connections.
    fn pools(&self) -> Vec<PoolUse>;
}

#[async_trait]
impl<E: Engine> InstallationStats for SqlStore<E> {
    async fn overview(
        &self,
        lost_after: Duration,
        expiring_within: Duration,
    ) -> Result<Overview, StoreError> {
        let sql = &E::STATEMENTS.overview;
        self.read(async |c| {
            let backlogs = c.query(sql.backlogs).bind(self.now()).fetch_all().await?;
            let webhooks = c.query(sql.webhook_backlogs).bind(self.now()).fetch_all().await?;
            let follow_ups = c.query(sql.follow_up_backlogs).fetch_all().await?;
            let expiring =
                c.query(sql.expiring_tokens).bind(expiring_within).bind(self.now()).fetch_one().await?;
            let row = c.query(sql.overview).bind(lost_after).bind(self.now()).fetch_one().await?;
            Ok(Overview {
                now: row.time("now")?,
                merchants: backlogs.iter().map(backlog).collect::<Result<_, _>>()?,
                webhooks: webhooks.iter().map(webhook_backlog).collect::<Result<_, _>>()?,
                follow_ups: follow_ups.iter().map(follow_up_backlog).collect::<Result<_, _>>()?,
                workers: row.count("workers")?,
                open_exchanges: row.count("open_exchanges")?,
                swept_at: row.opt_time("swept_at")?,
                oldest_due_token: row.opt_time("oldest_due_token")?,
                expiring_tokens: expiring.count("tokens")?,
            })
        })
        .await
    }

    async fn counts(&self) -> Result<InstallationCounts, StoreError> {
        self.read(async |c| {
            let webhooks = c.query(E::STATEMENTS.overview.webhook_counts).fetch_all().await?;
            let held = c.query(E::STATEMENTS.overview.held_orders).fetch_one().await?;
            Ok(InstallationCounts {
                webhooks: webhooks.iter().map(webhook_counts).collect::<Result<_, _>>()?,
                held_orders: held.count("orders")?,
            })
        })
        .await
    }

    fn pools(&self) -> Vec<PoolUse> {
        self.engine.pools()
    }
}

fn backlog(row: &impl Columns) -> Result<Backlog, StoreError> {
    Ok(Backlog {
        merchant: row.merchant()?,
        queued: row.count("queued")?,
        due: row.count("due")?,
        running: row.count("running")?,
        oldest_due: row.opt_time("oldest_due")?,
        delayed: row.count("delayed")?,
        delayed_since: row.opt_time("delayed_since")?,
    })
}

fn webhook_backlog(row: &impl Columns) -> Result<WebhookBacklog, StoreError> {
    Ok(WebhookBacklog {
        merchant: row.merchant()?,
        pending: row.count("pending")?,
        due: row.count("due")?,
        oldest_due: row.opt_time("oldest_due")?,
        disabled: row.flag("disabled")?,
    })
}

fn follow_up_backlog(row: &impl Columns) -> Result<FollowUpBacklog, StoreError> {
    Ok(FollowUpBacklog {
        merchant: row.merchant()?,
        waiting: row.count("waiting")?,
        failed: row.count("failed")?,
        given_up: row.count("given_up")?,
        oldest: row.opt_time("give_up_at")?.map(|give_up_at| give_up_at - FOLLOW_UP_FOR),
        stuck: row.count("stuck")?,
        example: row.opt_text("example")?.as_deref().and_then(stuck),
    })
}

/// Reads an id and an error, each on a line.
fn stuck(text: &str) -> Option<StuckFollowUp> {
    let (klarna_id, error) = text.split_once('\n')?;
    Some(StuckFollowUp { klarna_id: klarna_id.to_owned(), error: error.to_owned() })
}

fn webhook_counts(row: &impl Columns) -> Result<WebhookCounts, StoreError> {
    Ok(WebhookCounts {
        merchant: row.merchant()?,
        failed: row.count("failed")?,
        oldest_pending: row.opt_time("oldest_pending")?,
    })
}
