//! The right to sweep: one process at a time, over all machines. It is renewed while the sweep goes on; where its holder
//! ends or falls silent, another takes it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::clock::since_boot;
use crate::store::{Store, StoreError};

/// How long it is held at a time, by the database's clock.
const HOLD: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(10);

/// The right, held. Dropped without [`SweepLease::end`] it lapses.
pub(super) struct SweepLease {
    store: Arc<dyn Store>,
    worker: Uuid,
    lost: watch::Receiver<bool>,
    renewing: JoinHandle<()>,
}

impl SweepLease {
    /// Takes the right for this start of a process; `None` where another has it.
    pub(super) async fn take(store: &Arc<dyn Store>, worker: Uuid) -> Result<Option<Self>, StoreError> {
        if !store.take_sweep(worker, HOLD).await? {
            return Ok(None);
        }
        let (losing, lost) = watch::channel(false);
        let renewing = tokio::spawn(renew(Arc::clone(store), worker, losing));
        Ok(Some(Self { store: Arc::clone(store), worker, lost, renewing }))
    }

    /// Whether another may have it by now.
    pub(super) fn lost(&self) -> watch::Receiver<bool> {
        self.lost.clone()
    }

    /// Gives it up; `whole` where the sweep came to its end.
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

async fn renew(store: Arc<dyn Store>, worker: Uuid, losing: watch::Sender<bool>) {
    let mut good = since_boot();
    loop {
        tokio::time::sleep(RENEW).await;
        let asked = since_boot();
        match store.renew_sweep(worker, HOLD).await {
            Ok(true) => good = asked,
            Ok(false) => break,
            Err(error) => tracing::warn!(%error, "The right to sweep could not be renewed for now"),
        }
        if since_boot().saturating_sub(good) > HOLD {
            break;
        }
    }
    tracing::warn!("Another process may sweep by now; this sweep ends");
    losing.send_replace(true);
}
