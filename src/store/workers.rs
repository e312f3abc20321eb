//! The storage trait for worker processes: which ones are alive, and whose orders are free again.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Row, SqlStore, by, transaction_by};
use super::{Claim, ProcessFacts, StoreError, exchanges, json, one_row};
use crate::breaker::WaitingBreaker;
use crate::ids::{InstanceId, WorkerId};
use crate::order::{ErrorCode, OrderError};
use crate::silence::HeartbeatCount;

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

/// A heartbeat that the database confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedHeartbeat {
    /// Its time, by the database's clock.
    pub heartbeat_at: DateTime<Utc>,
    /// The worker's number of heartbeats with it.
    pub heartbeats: i64,
}

/// A worker that has not ended, and its number of heartbeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerHeartbeats {
    /// Which worker, and how many heartbeats.
    pub count: HeartbeatCount,
    /// Its host name and process id.
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

    /// Records a heartbeat of the worker, and returns it; `None` if the worker is recorded as
    /// ended.
    async fn heartbeat(&self, worker: WorkerId) -> Result<Option<ConfirmedHeartbeat>, StoreError>;

    /// Returns the workers that have not ended, with their numbers of heartbeats.
    async fn heartbeats(&self) -> Result<Vec<WorkerHeartbeats>, StoreError>;

    /// Returns the number of heartbeats of each start in an instance folder that is not recorded as
    /// ended.
    async fn heartbeats_of(&self, instance: InstanceId) -> Result<BTreeMap<WorkerId, i64>, StoreError>;

    /// Records the worker as ended: it has no exchange, no unsettled result and no spool file left.
    /// Its orders become free for others.
    async fn end_worker(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Notes the circuit breakers of the worker whose calls wait, for operators.
    async fn note_breakers(&self, worker: WorkerId, waiting: &[WaitingBreaker]) -> Result<(), StoreError>;

    /// Notes what only the worker itself knows of its troubles, for operators.
    async fn note_facts(&self, worker: WorkerId, facts: &ProcessFacts) -> Result<(), StoreError>;

    /// Frees the orders of workers that have ended, and of those among `silent` that have sent no
    /// heartbeat since. An order that loses its fifth worker fails.
    async fn reclaim(&self, silent: &[HeartbeatCount]) -> Result<Reclaimed, StoreError>;
}

#[async_trait]
impl<E: Engine> Workers for SqlStore<E> {
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let begin = c.query(E::STATEMENTS.workers.begin_worker).bind(worker.id).bind(worker.instance);
            one_row("writing a worker down", begin.bind(&worker.name).bind(self.now()).execute().await?)
        })
        .await
    }

    async fn end_earlier(&self, worker: &Worker) -> Result<(), StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let earlier = c.query(E::STATEMENTS.workers.end_earlier).bind(worker.instance).bind(worker.id);
            earlier.bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }

    async fn heartbeats_of(&self, instance: InstanceId) -> Result<BTreeMap<WorkerId, i64>, StoreError> {
        self.read(async |c| {
            let rows =
                c.query(E::STATEMENTS.workers.heartbeats_of_instance).bind(instance).fetch_all().await?;
            rows.iter().map(|row| Ok((row.id("id")?, row.int("heartbeats")?))).collect()
        })
        .await
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<Option<ConfirmedHeartbeat>, StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| heartbeat(c, self.now(), worker).await).await
    }

    async fn heartbeats(&self) -> Result<Vec<WorkerHeartbeats>, StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            let rows = c.query(E::STATEMENTS.workers.heartbeats).fetch_all().await?;
            let read = |row: &Row<E>| {
                let count = HeartbeatCount { worker: row.id("id")?, heartbeats: row.int("heartbeats")? };
                Ok(WorkerHeartbeats { count, name: row.text("name")? })
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    async fn end_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            c.query(E::STATEMENTS.workers.end_worker).bind(worker).bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }

    async fn note_breakers(&self, worker: WorkerId, waiting: &[WaitingBreaker]) -> Result<(), StoreError> {
        let told = (!waiting.is_empty()).then(|| json(&waiting)).transpose()?;
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            c.query(E::STATEMENTS.workers.note_breakers).bind(worker).bind(&told).execute().await?;
            Ok(())
        })
        .await
    }

    async fn note_facts(&self, worker: WorkerId, facts: &ProcessFacts) -> Result<(), StoreError> {
        let told = json(facts)?;
        by::<E, _>(self.engine.heartbeats().await?, async |c| {
            c.query(E::STATEMENTS.workers.note_facts).bind(worker).bind(&told).execute().await?;
            Ok(())
        })
        .await
    }

    async fn reclaim(&self, silent: &[HeartbeatCount]) -> Result<Reclaimed, StoreError> {
        transaction_by::<E, _>(self.engine.order_writer().await?, async |c| {
            let reclaim =
                c.query(E::STATEMENTS.workers.reclaim).bind(&heartbeat_counts(silent)).bind(self.now());
            let rows = reclaim.bind(&crashed_worker()?).fetch_all().await?;
            freed(c, &rows).await
        })
        .await
    }
}

async fn heartbeat<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    worker: WorkerId,
) -> Result<Option<ConfirmedHeartbeat>, StoreError> {
    let row = c.query(E::STATEMENTS.workers.heartbeat).bind(worker).bind(now).fetch_optional().await?;
    row.map(|row| {
        Ok(ConfirmedHeartbeat { heartbeat_at: row.time("heartbeat_at")?, heartbeats: row.int("heartbeats")? })
    })
    .transpose()
}

/// The counts as JSON, the form in which both engines take them.
pub(super) fn heartbeat_counts(counts: &[HeartbeatCount]) -> String {
    let json = |count: &HeartbeatCount| {
        let id = count.worker.as_uuid().simple().to_string();
        serde_json::json!({ "id": id, "heartbeats": count.heartbeats })
    };
    counts.iter().map(json).collect::<serde_json::Value>().to_string()
}

pub(super) async fn lose<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
) -> Result<Reclaimed, StoreError> {
    let lose =
        c.query(E::STATEMENTS.workers.lose_order).bind(claim.order).bind(claim.worker).bind(claim.number);
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
    json(&OrderError::new(
        ErrorCode::CrashedWorker,
        "five workers in a row were lost while running this order; look at their logs before retrying it",
    ))
}
