//! What pages show; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::query;

use super::search::first_id;
use super::{Connection, Own, Row, id_list, sql};
use crate::order::{OrderId, Status};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{
    Attempt, DashboardQueries, LatencySample, OrderHistory, OutcomeBucket, StoreError, WorkerView, from_json, micros,
};

#[async_trait]
impl DashboardQueries for Own {
    async fn outcome_buckets(
        &self,
        bounds: &[DateTime<Utc>],
        merchant: Option<&str>,
    ) -> Result<Vec<OutcomeBucket>, StoreError> {
        let ids: Vec<OrderId> = bounds.iter().map(|bound| first_id(*bound)).collect();
        let (Some(begins), Some(ends)) = (ids.get(..ids.len().saturating_sub(1)), ids.get(1..)) else {
            return Ok(Vec::new());
        };
        let mut lease = self.read().await?;
        let counts = query(sql::ARRIVALS).bind(id_list(begins)).bind(id_list(ends)).bind(merchant);
        let rows = bounded(counts.fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(bucket).collect()
    }

    async fn latency_samples(&self, merchant: Option<&str>, limit: u32) -> Result<Vec<LatencySample>, StoreError> {
        let mut lease = self.read().await?;
        let latency_samples = query(sql::PASSAGES).bind(merchant).bind(i64::from(limit));
        let rows = bounded(latency_samples.fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(passage).collect()
    }

    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError> {
        let mut lease = self.read().await?;
        let order_history = order_history(&mut lease, order).await?;
        lease.done();
        Ok(order_history)
    }

    async fn workers(&self, lost_after: Duration) -> Result<Vec<WorkerView>, StoreError> {
        let mut lease = self.read().await?;
        let workers = query(sql::WORKERS).bind(micros(lost_after)).bind(self.now());
        let rows = bounded(workers.fetch_all(&mut *lease)).await?;
        lease.done();
        let view = |row: &Row| {
            Ok(WorkerView {
                name: row.text("name")?,
                started_at: row.time("started_at")?,
                beat_at: row.time("beat_at")?,
                alive: row.flag("alive")?,
            })
        };
        rows.iter().map(view).collect()
    }
}

fn status(row: &Row) -> Result<Status, StoreError> {
    let word = row.text("status")?;
    word.parse().map_err(|_| StoreError::Unreadable(format!("status {word:?}")))
}

fn bucket(row: &Row) -> Result<OutcomeBucket, StoreError> {
    let unreadable = |word: &str| StoreError::Unreadable(format!("token outcome {word:?}"));
    let token = row.opt_text("token_outcome")?;
    Ok(OutcomeBucket {
        slot: usize::try_from(row.int("slot")?).unwrap_or_default(),
        status: status(row)?,
        token: token.map(|word| word.parse().map_err(|_| unreadable(&word))).transpose()?,
        orders: u64::try_from(row.int("orders")?).unwrap_or_default(),
    })
}

fn passage(row: &Row) -> Result<LatencySample, StoreError> {
    let (accepted, due) = (row.time("accepted_at")?, row.time("due_at")?);
    let ended = row.time("ended_at")?;
    let claimed = row.opt_time("first_claimed_at")?.unwrap_or(ended);
    // Where it was put off after its first attempt, the row has forgotten when it could first begin.
    Ok(LatencySample { began: if due <= claimed { due } else { accepted }, claimed, ended })
}

async fn order_history(c: &mut Connection, order: OrderId) -> Result<OrderHistory, StoreError> {
    let row = bounded(query(sql::STORY).bind(order.as_uuid()).fetch_optional(&mut *c)).await?;
    let Some(row) = row else { return Ok(OrderHistory::default()) };
    let attempts = bounded(query(sql::ATTEMPTS).bind(order.as_uuid()).fetch_all(c)).await?;
    let attempt = |row: &Row| {
        Ok(Attempt {
            ended_at: row.time("ended_at")?,
            worker: row.opt_text("worker")?,
            lost: row.flag("lost")?,
            error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
        })
    };
    Ok(OrderHistory {
        first_claimed_at: row.opt_time("first_claimed_at")?,
        has_body: row.flag("has_body")?,
        attempts: attempts.iter().map(attempt).collect::<Result<_, StoreError>>()?,
    })
}
