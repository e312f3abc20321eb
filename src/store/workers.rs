//! The storage trait for worker processes: which ones are alive, and whose orders are free again.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Row, SqlStore, by};
use super::{Claim, StoreError, exchanges, json, one_row};
use crate::ids::{InstanceId, WorkerId};
use crate::order::OrderError;

/// One start of a worker process.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The id of this start.
    pub id: WorkerId,
    /// The id of its instance folder.
    pub instance: InstanceId,
    /// Host name and process id, for operators.
    pub name: String,
}

/// What happened to the orders of lost workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Orders that are queued again.
    pub requeued: u64,
    /// Orders that failed because they lost their fifth worker.
    pub failed: u64,
}

/// Storage for worker processes.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Records the worker as alive.
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError>;

    /// Records every other start in the worker's instance folder as ended. The caller holds the
    /// folder's lock and has stored what lay in its spool.
    async fn end_earlier(&self, worker: &Worker) -> Result<(), StoreError>;

    /// Renews the worker's heartbeat. Returns the time written, or `None` if the worker is recorded
    /// as ended.
    async fn heartbeat(&self, worker: WorkerId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Records the worker as ended: it has no exchange, no unsettled result and no spool file left.
    /// Its orders become free for others.
    async fn end_worker(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Frees the orders of workers that have ended or have sent no heartbeat for `lost_after`.
    /// `None` means only those that have ended. An order that loses its fifth worker fails.
    async fn reclaim(&self, lost_after: Option<Duration>) -> Result<Reclaimed, StoreError>;
}

#[async_trait]
impl<E: Engine> Workers for SqlStore<E> {
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError> {
        self.write(async |c| {
            let begin = c.query(E::STATEMENTS.workers.begin_worker).bind(worker.id).bind(worker.instance);
            one_row("writing a worker down", begin.bind(&worker.name).bind(self.now()).execute().await?)
        })
        .await
    }

    async fn end_earlier(&self, worker: &Worker) -> Result<(), StoreError> {
        self.write(async |c| {
            let earlier = c.query(E::STATEMENTS.workers.end_earlier).bind(worker.instance).bind(worker.id);
            earlier.bind(self.now()).execute().await?;
            Ok(())
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

pub(super) async fn heartbeat<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    worker: WorkerId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let row = c.query(E::STATEMENTS.workers.heartbeat).bind(worker).bind(now).fetch_optional().await?;
    Ok(row.map(|row| row.time("heartbeat_at")).transpose()?)
}

pub(super) async fn lose<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
) -> Result<Reclaimed, StoreError> {
    let lose = c.query(E::STATEMENTS.workers.lose_order).bind(claim.order).bind(claim.worker).bind(claim.number);
    let rows = lose.bind(now).bind(&crashed_worker()?).fetch_all().await?;
    freed(c, &rows).await
}

/// Counts the orders that were freed, and deletes the cached tokens of those that failed.
async fn freed<E: Engine>(c: &mut Connection<'_, E>, rows: &[Row<E>]) -> Result<Reclaimed, StoreError> {
    let mut reclaimed = Reclaimed::default();
    for row in rows {
        if row.text("status")? == "failed" {
            reclaimed.failed += 1;
            exchanges::delete_cached(c, row.id("id")?).await?;
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
