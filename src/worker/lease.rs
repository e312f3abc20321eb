//! Keeps this process registered as a worker: sends its heartbeats, and reclaims orders of workers
//! that are lost.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::queue::{HeartbeatOutcome, Lease};
use crate::silence::BeatCount;
use crate::store::{StoreError, Worker, Workers};
use crate::vault::instance::HeartbeatMark;

/// Keeps the row of one worker up to date.
pub struct WorkerLease {
    store: Arc<dyn Workers>,
    worker: Worker,
    /// The instance folder. It stores the last heartbeat that the database confirmed.
    folder: PathBuf,
}

impl WorkerLease {
    /// Returns a lease for `worker`, whose row exists, with the instance folder `folder`.
    #[must_use]
    pub fn new(store: Arc<dyn Workers>, worker: Worker, folder: PathBuf) -> Self {
        Self { store, worker, folder }
    }
}

#[async_trait]
impl Lease for WorkerLease {
    type Error = StoreError;

    async fn heartbeat(&self) -> Result<HeartbeatOutcome, StoreError> {
        let Some(beat) = self.store.heartbeat(self.worker.id).await? else { return Ok(HeartbeatOutcome::Lost) };
        let heartbeat_mark =
            HeartbeatMark { worker: self.worker.id, heartbeat_at: beat.heartbeat_at, beats: beat.beats };
        if let Err(error) = heartbeat_mark.write(&self.folder) {
            // An older mark is still correct, only less precise.
            tracing::debug!(%error, "The time of the last heartbeat could not be recorded in the instance \
                folder");
        }
        Ok(HeartbeatOutcome::Alive)
    }

    async fn register(&self) -> Result<(), StoreError> {
        self.store.begin_worker(&self.worker).await
    }

    async fn beats(&self) -> Result<Vec<BeatCount>, StoreError> {
        Ok(self.store.beats().await?.into_iter().map(|worker| worker.count).collect())
    }

    async fn reclaim(&self, silent: &[BeatCount]) -> Result<usize, StoreError> {
        let reclaimed = self.store.reclaim(silent).await?;
        Ok(usize::try_from(reclaimed.requeued + reclaimed.failed).unwrap_or(usize::MAX))
    }
}
