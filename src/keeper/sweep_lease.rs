//! The lease that lets one process at a time sweep, over all machines. Its holder renews it during
//! the sweep; when the holder ends or dies, another process can take it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::since_boot;
use crate::ids::WorkerId;
use crate::store::{Keeper, StoreError};

/// How long the lease lasts without a renewal, by the database's clock.
const HOLD: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(10);

/// A held lease. Dropped without [`SweepLease::end`], it expires after [`HOLD`].
pub(super) struct SweepLease {
    store: Arc<dyn Keeper>,
    worker: WorkerId,
    lost: watch::Receiver<bool>,
    renewing: JoinHandle<()>,
}

impl SweepLease {
    /// Takes the lease for the process `worker`; `None` if another process holds it.
    pub(super) async fn take(store: &Arc<dyn Keeper>, worker: WorkerId) -> Result<Option<Self>, StoreError> {
        if !store.take_sweep(worker, HOLD).await? {
            return Ok(None);
        }
        let (losing, lost) = watch::channel(false);
        let renewing = tokio::spawn(renew(Arc::clone(store), worker, losing));
        Ok(Some(Self { store: Arc::clone(store), worker, lost, renewing }))
    }

    /// Becomes `true` when the lease is lost, so that another process may sweep.
    pub(super) fn lost(&self) -> watch::Receiver<bool> {
        self.lost.clone()
    }

    /// Releases the lease. `whole` records that the sweep was complete.
    pub(super) async fn end(self, whole: bool) -> Result<(), StoreError> {
        self.renewing.abort();
        self.store.end_sweep(self.worker, whole && !*self.lost.borrow()).await
    }
}

impl Drop for SweepLease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn renew(store: Arc<dyn Keeper>, worker: WorkerId, losing: watch::Sender<bool>) {
    let mut good = since_boot();
    loop {
        tokio::time::sleep(RENEW).await;
        let asked = since_boot();
        match store.renew_sweep(worker, HOLD).await {
            Ok(true) => good = asked,
            Ok(false) => break,
            Err(error) => {
                tracing::warn!(%error, "The sweep lease could not be renewed; the next try follows");
            }
        }
        if since_boot().saturating_sub(good) > HOLD {
            break;
        }
    }
    tracing::warn!("The sweep lease was lost, so another process may sweep; this sweep ends");
    losing.send_replace(true);
}
