//! The statements for those who look on; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;

use super::{Connection, Now, Own, Row, sql};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{
    Backlog, InstallationCounts, InstallationStats, Overview, PoolUse, StoreError, WebhookBacklog, WebhookCounts,
    micros,
};

#[async_trait]
impl InstallationStats for Own {
    async fn overview(&self, lost_after: Duration, lapsing_within: Duration) -> Result<Overview, StoreError> {
        let mut lease = self.read().await?;
        let done = overview(&mut lease, self.now(), lost_after, lapsing_within).await?;
        lease.done();
        Ok(done)
    }

    async fn counts(&self) -> Result<InstallationCounts, StoreError> {
        let mut lease = self.read().await?;
        let done = counts(&mut lease).await?;
        lease.done();
        Ok(done)
    }

    fn pools(&self) -> Vec<PoolUse> {
        self.used()
    }
}

async fn overview(
    c: &mut Connection,
    now: Now,
    lost_after: Duration,
    lapsing_within: Duration,
) -> Result<Overview, StoreError> {
    let backlogs = bounded(query(sql::BACKLOGS).bind(now).fetch_all(&mut *c)).await?;
    let webhooks = bounded(query(sql::WEBHOOK_BACKLOGS).bind(now).fetch_all(&mut *c)).await?;
    let lapsing = query(sql::LAPSING_TOKENS).bind(micros(lapsing_within)).bind(now);
    let lapsing = bounded(lapsing.fetch_one(&mut *c)).await?;
    let row = bounded(query(sql::OVERVIEW).bind(micros(lost_after)).bind(now).fetch_one(c)).await?;
    Ok(Overview {
        now: row.time("now")?,
        merchants: backlogs.iter().map(backlog).collect::<Result<_, _>>()?,
        webhooks: webhooks.iter().map(webhook_backlog).collect::<Result<_, _>>()?,
        workers: count(&row, "workers")?,
        open_exchanges: count(&row, "open_exchanges")?,
        swept_at: row.opt_time("swept_at")?,
        oldest_due_token: row.opt_time("oldest_due_token")?,
        lapsing_tokens: count(&lapsing, "tokens")?,
    })
}

async fn counts(c: &mut Connection) -> Result<InstallationCounts, StoreError> {
    let webhooks = bounded(query(sql::WEBHOOK_TALLY).fetch_all(&mut *c)).await?;
    let held = bounded(query(sql::HELD_ORDERS).fetch_one(c)).await?;
    Ok(InstallationCounts {
        webhooks: webhooks.iter().map(webhook_counts).collect::<Result<_, _>>()?,
        held_orders: count(&held, "orders")?,
    })
}

fn backlog(row: &Row) -> Result<Backlog, StoreError> {
    Ok(Backlog {
        merchant: row.text("merchant")?,
        queued: count(row, "queued")?,
        due: count(row, "due")?,
        running: count(row, "running")?,
        oldest_due: row.opt_time("oldest_due")?,
    })
}

fn webhook_backlog(row: &Row) -> Result<WebhookBacklog, StoreError> {
    Ok(WebhookBacklog {
        merchant: row.text("merchant")?,
        pending: count(row, "pending")?,
        due: count(row, "due")?,
        oldest_due: row.opt_time("oldest_due")?,
        disabled: row.flag("disabled")?,
    })
}

fn webhook_counts(row: &Row) -> Result<WebhookCounts, StoreError> {
    Ok(WebhookCounts {
        merchant: row.text("merchant")?,
        failed: count(row, "failed")?,
        oldest_pending: row.opt_time("oldest_pending")?,
    })
}

fn count(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or_default())
}
