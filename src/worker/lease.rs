//! This process as a worker: its beats, and the orders of workers that fell silent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::queue::{Beat, Lease};
use crate::store::{Store, StoreError, Worker};
use crate::vault::instance::Mark;

/// Keeps one worker's row.
pub struct WorkerLease {
    store: Arc<dyn Store>,
    worker: Worker,
    /// The instance folder, which remembers the last beat that the database confirmed.
    folder: PathBuf,
}

impl WorkerLease {
    /// A lease for `worker`, whose row is there, and which lives in `folder`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, worker: Worker, folder: PathBuf) -> Self {
        Self { store, worker, folder }
    }
}

#[async_trait]
impl Lease for WorkerLease {
    type Error = StoreError;

    async fn beat(&self) -> Result<Beat, StoreError> {
        let Some(beat_at) = self.store.beat(self.worker.id).await? else { return Ok(Beat::Lost) };
        let mark = Mark { worker: self.worker.id, beat_at };
        if let Err(error) = mark.write(&self.folder) {
            // An older mark holds as well, only less.
            tracing::debug!(%error, "What was seen of the database could not be written down");
        }
        Ok(Beat::Alive)
    }

    async fn register(&self) -> Result<(), StoreError> {
        self.store.begin_worker(&self.worker).await
    }

    async fn reap(&self, silent_for: Duration) -> Result<usize, StoreError> {
        let reaped = self.store.reap(Some(silent_for)).await?;
        Ok(usize::try_from(reaped.requeued + reaped.failed).unwrap_or(usize::MAX))
    }
}
