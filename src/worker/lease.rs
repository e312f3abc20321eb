//! This process as a worker: its heartbeats, and the orders of workers that fell silent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::queue::{HeartbeatOutcome, Lease};
use crate::store::{StoreError, Worker, Workers};
use crate::vault::instance::HeartbeatMark;

/// Keeps one worker's row.
pub struct WorkerLease {
    store: Arc<dyn Workers>,
    worker: Worker,
    /// The instance folder, which remembers the last heartbeat that the database confirmed.
    folder: PathBuf,
}

impl WorkerLease {
    /// A lease for `worker`, whose row is there, and which lives in `folder`.
    #[must_use]
    pub fn new(store: Arc<dyn Workers>, worker: Worker, folder: PathBuf) -> Self {
        Self { store, worker, folder }
    }
}

#[async_trait]
impl Lease for WorkerLease {
    type Error = StoreError;

    async fn heartbeat(&self) -> Result<HeartbeatOutcome, StoreError> {
        let Some(beat_at) = self.store.heartbeat(self.worker.id).await? else { return Ok(HeartbeatOutcome::Lost) };
        let heartbeat_mark = HeartbeatMark { worker: self.worker.id, beat_at };
        if let Err(error) = heartbeat_mark.write(&self.folder) {
            // An older mark holds as well, only less.
            tracing::debug!(%error, "The time of the last heartbeat could not be recorded in the instance \
                folder");
        }
        Ok(HeartbeatOutcome::Alive)
    }

    async fn register(&self) -> Result<(), StoreError> {
        self.store.begin_worker(&self.worker).await
    }

    async fn reclaim(&self, silent_for: Duration) -> Result<usize, StoreError> {
        let reclaimed = self.store.reclaim(Some(silent_for)).await?;
        Ok(usize::try_from(reclaimed.requeued + reclaimed.failed).unwrap_or(usize::MAX))
    }
}
