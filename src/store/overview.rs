//! The storage trait for who looks on: what is true of the installation as a whole, and how much
//! there is to do.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use crate::ids::MerchantName;

/// How an installation stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// When this was so, by the database's clock.
    pub now: DateTime<Utc>,
    /// Merchants that have orders queued or running.
    pub merchants: Vec<Backlog>,
    /// Merchants that have a webhook.
    pub webhooks: Vec<WebhookBacklog>,
    /// Processes with a current heartbeat.
    pub workers: u64,
    /// Presentations whose outcome is not written down yet.
    pub open_exchanges: u64,
    /// When the last sweep that came to its end did.
    pub swept_at: Option<DateTime<Utc>>,
    /// Since when the token is due that has been for longest; in the future where none is due.
    pub oldest_due_token: Option<DateTime<Utc>>,
    /// Active tokens that the keeper looks after and that lapse soon all the same.
    pub lapsing_tokens: u64,
}

/// A merchant's orders that have not come to their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The merchant.
    pub merchant: MerchantName,
    /// Queued, those that are to begin later included.
    pub queued: u64,
    /// Of those, how many could begin.
    pub due: u64,
    /// In work.
    pub running: u64,
    /// Since when the order waits that has for longest; in the future where none could begin.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// A merchant's events that the shop has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookBacklog {
    /// The merchant.
    pub merchant: MerchantName,
    /// To be sent, or sent again.
    pub pending: u64,
    /// Of those, how many could be sent now; none while the endpoint is disabled.
    pub due: u64,
    /// Since when the event could be sent that could for longest; in the future where none can.
    pub oldest_due: Option<DateTime<Utc>>,
    /// Whether nothing is sent to the endpoint.
    pub disabled: bool,
}

/// What takes a look at many rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallationCounts {
    /// Merchants with events that are not delivered.
    pub webhooks: Vec<WebhookCounts>,
    /// Orders that a restore of the database made fail, and that could still be sent.
    pub held_orders: u64,
}

/// A merchant's events that are not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCounts {
    /// The merchant.
    pub merchant: MerchantName,
    /// Given up.
    pub failed: u64,
    /// When the event happened that is pending for longest.
    pub oldest_pending: Option<DateTime<Utc>>,
}

/// How a pool of connections is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Its name.
    pub pool: &'static str,
    /// Open connections that somebody uses.
    pub used: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// The most that may be open.
    pub most: u32,
}

/// What a store tells those who look on.
#[async_trait]
pub trait InstallationStats: Send + Sync {
    /// How the installation stands, from indexes alone. A process that has sent no heartbeat for
    /// `lost_after` is none; a token lapses soon whose last day comes within `lapsing_within`.
    async fn overview(&self, lost_after: Duration, lapsing_within: Duration) -> Result<Overview, StoreError>;

    /// What takes a look at many rows: not to be asked often.
    async fn counts(&self) -> Result<InstallationCounts, StoreError>;

    /// How this process uses its connections.
    fn pools(&self) -> Vec<PoolUse>;
}

#[async_trait]
impl<E: Engine> InstallationStats for SqlStore<E> {
    async fn overview(&self, lost_after: Duration, lapsing_within: Duration) -> Result<Overview, StoreError> {
        let sql = &E::STATEMENTS.overview;
        self.read(async |c| {
            let backlogs = c.query(sql.backlogs).bind(self.now()).fetch_all().await?;
            let webhooks = c.query(sql.webhook_backlogs).bind(self.now()).fetch_all().await?;
            let lapsing = c.query(sql.lapsing_tokens).bind(lapsing_within).bind(self.now()).fetch_one().await?;
            let row = c.query(sql.overview).bind(lost_after).bind(self.now()).fetch_one().await?;
            Ok(Overview {
                now: row.time("now")?,
                merchants: backlogs.iter().map(backlog).collect::<Result<_, _>>()?,
                webhooks: webhooks.iter().map(webhook_backlog).collect::<Result<_, _>>()?,
                workers: row.count("workers")?,
                open_exchanges: row.count("open_exchanges")?,
                swept_at: row.opt_time("swept_at")?,
                oldest_due_token: row.opt_time("oldest_due_token")?,
                lapsing_tokens: lapsing.count("tokens")?,
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

fn webhook_counts(row: &impl Columns) -> Result<WebhookCounts, StoreError> {
    Ok(WebhookCounts {
        merchant: row.merchant()?,
        failed: row.count("failed")?,
        oldest_pending: row.opt_time("oldest_pending")?,
    })
}
