//! The storage trait for workers: who is alive, and whose rows are free again.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Row, SqlStore, by};
use super::{Claim, StoreError, exchanges, json, one_row};
use crate::ids::{InstanceId, WorkerId};
use crate::order::OrderError;

/// One start of a process that works.
#[derive(Clone, Debug)]
pub struct Worker {
    /// This start.
    pub id: WorkerId,
    /// The instance folder it lives in.
    pub instance: InstanceId,
    /// For operators: host and process.
    pub name: String,
}

/// What became of lost workers' orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Orders that are due again.
    pub requeued: u64,
    /// Orders that lost their fifth worker and failed.
    pub failed: u64,
}

/// What a store does for workers.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Writes the worker down as alive, anew where it was thought dead, and every other start in
    /// its instance folder as dead: the caller holds the folder's lock.
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError>;

    /// Renews the worker's heartbeat; the time written, or `None` where it is written down as dead.
    async fn heartbeat(&self, worker: WorkerId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Writes the worker down as gone; what it still holds is free for others.
    async fn end_worker(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Frees the orders of workers that are gone, or silent for `lost_after`; `None` looks only at
    /// those written down as gone. An order that loses its fifth worker fails.
    async fn reclaim(&self, lost_after: Option<Duration>) -> Result<Reclaimed, StoreError>;
}

#[async_trait]
impl<E: Engine> Workers for SqlStore<E> {
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError> {
        let sql = &E::STATEMENTS.workers;
        self.transaction(async |c| {
            let earlier = c.query(sql.end_earlier).bind(worker.instance).bind(worker.id).bind(self.now());
            earlier.execute().await?;
            let begin = c.query(sql.begin_worker).bind(worker.id).bind(worker.instance).bind(&worker.name);
            one_row("writing a worker down", begin.bind(self.now()).execute().await?)
        })
        .await
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<Option<DateTime<Utc>>, StoreError> {
        by::<E, _>(self.engine.urgent().await?, async |c| heartbeat(c, self.now(), worker).await).await
    }

    async fn end_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.workers.end_worker).bind(worker).bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }

    async fn reclaim(&self, lost_after: Option<Duration>) -> Result<Reclaimed, StoreError> {
        self.transaction(async |c| {
            let reclaim = c.query(E::STATEMENTS.workers.reclaim).bind(lost_after).bind(self.now());
            let rows = reclaim.bind(&crashed_worker()?).fetch_all().await?;
            freed(c, &rows).await
        })
        .await
    }
}

/// Renews a worker's heartbeat.
pub(super) async fn heartbeat<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    worker: WorkerId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let row = c.query(E::STATEMENTS.workers.heartbeat).bind(worker).bind(now).fetch_optional().await?;
    Ok(row.map(|row| row.time("beat_at")).transpose()?)
}

/// Frees one order, as if its worker were lost.
pub(super) async fn lose<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
) -> Result<Reclaimed, StoreError> {
    let lose = c.query(E::STATEMENTS.workers.lose_order).bind(claim.order).bind(claim.worker).bind(claim.number);
    let rows = lose.bind(now).bind(&crashed_worker()?).fetch_all().await?;
    freed(c, &rows).await
}

/// Counts the orders that were freed, and deletes what was kept for those that failed.
async fn freed<E: Engine>(c: &mut Connection<'_, E>, rows: &[Row<E>]) -> Result<Reclaimed, StoreError> {
    let mut reclaimed = Reclaimed::default();
    for row in rows {
        if row.text("status")? == "failed" {
            reclaimed.failed += 1;
            exchanges::delete_kept(c, row.id("id")?).await?;
        } else {
            reclaimed.requeued += 1;
        }
    }
    Ok(reclaimed)
}

fn crashed_worker() -> Result<String, StoreError> {
    json(&OrderError {
        code: "crashed_worker".into(),
        message: "five workers in a row were lost while running this order; look at their logs before retrying it"
            .into(),
        faults: Vec::new(),
        correlation_id: None,
    })
}
