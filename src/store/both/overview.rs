//! The statements for those who look on; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;

use super::{Connection, Now, Own, Row, sql};
use crate::store::columns::Columns;
use crate::store::lease::bounded;
use crate::store::{Backlog, Looks, Overview, PoolUse, StoreError, micros};

#[async_trait]
impl Looks for Own {
    async fn overview(&self, lost_after: Duration) -> Result<Overview, StoreError> {
        let mut lease = self.read().await?;
        let done = overview(&mut lease, self.now(), lost_after).await?;
        lease.done();
        Ok(done)
    }

    fn pools(&self) -> Vec<PoolUse> {
        self.used()
    }
}

async fn overview(c: &mut Connection, now: Now, lost_after: Duration) -> Result<Overview, StoreError> {
    let backlogs = bounded(query(sql::BACKLOGS).bind(now).fetch_all(&mut *c)).await?;
    let row = bounded(query(sql::OVERVIEW).bind(micros(lost_after)).bind(now).fetch_one(c)).await?;
    Ok(Overview {
        now: row.time("now")?,
        merchants: backlogs.iter().map(backlog).collect::<Result<_, _>>()?,
        workers: count(&row, "workers")?,
        open_exchanges: count(&row, "open_exchanges")?,
        swept_at: row.opt_time("swept_at")?,
        oldest_due_token: row.opt_time("oldest_due_token")?,
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

fn count(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or_default())
}
