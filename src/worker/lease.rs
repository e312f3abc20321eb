//! This process as a worker: its beats, and the orders of workers that fell silent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::queue::{Beat, Lease};
use crate::store::{Store, StoreError, Worker};

/// Keeps one worker's row.
pub struct WorkerLease {
    store: Arc<dyn Store>,
    worker: Worker,
}

impl WorkerLease {
    /// A lease for `worker`, whose row is there.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, worker: Worker) -> Self {
        Self { store, worker }
    }
}

#[async_trait]
impl Lease for WorkerLease {
    type Error = StoreError;

    async fn beat(&self) -> Result<Beat, StoreError> {
        Ok(if self.store.beat(self.worker.id).await? { Beat::Alive } else { Beat::Lost })
    }

    async fn register(&self) -> Result<(), StoreError> {
        self.store.begin_worker(&self.worker).await
    }

    async fn reap(&self, silent_for: Duration) -> Result<usize, StoreError> {
        let reaped = self.store.reap(Some(silent_for)).await?;
        Ok(usize::try_from(reaped.requeued + reaped.failed).unwrap_or(usize::MAX))
    }
}
