//! Keeps this process registered as a worker: sends its heartbeats, and reclaims orders of workers
//! that are lost.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

use async_trait::async_trait;

use crate::queue::{HeartbeatOutcome, WorkerRows};
use crate::silence::HeartbeatCount;
use crate::store::{StoreError, Worker, Workers};
use crate::vault::instance::HeartbeatMark;

/// Keeps the row of one worker up to date.
pub struct WorkerLease {
    store: Arc<dyn Workers>,
    worker: Worker,
    /// Writes the last heartbeat that the database confirmed into the instance folder.
    marks: SyncSender<HeartbeatMark>,
    /// The disk of the instance folder does not answer.
    hangs: AtomicBool,
}

impl WorkerLease {
    /// Returns a lease for `worker`, whose row exists, with the instance folder `folder`.
    #[must_use]
    pub fn new(store: Arc<dyn Workers>, worker: Worker, folder: PathBuf) -> Self {
        let (marks, confirmed) = sync_channel::<HeartbeatMark>(1);
        let write = move || {
            for heartbeat_mark in confirmed {
                if let Err(error) = heartbeat_mark.write(&folder) {
                    // An older mark is still correct, only less precise.
                    tracing::debug!(%error, "The time of the last heartbeat could not be recorded in the instance \
                        folder");
                }
            }
        };
        // A thread of its own, because a disk that hangs must not delay a heartbeat.
        if let Err(error) = thread::Builder::new().name("heartbeat mark".into()).spawn(write) {
            tracing::error!(%error, "The thread that records heartbeats in the instance folder could not be started");
        }
        Self { store, worker, marks, hangs: AtomicBool::new(false) }
    }

    /// Hands the mark to the thread that writes it, and does not wait for it.
    fn record(&self, heartbeat_mark: HeartbeatMark) {
        match self.marks.try_send(heartbeat_mark) {
            Ok(()) => self.hangs.store(false, Ordering::Relaxed),
            Err(TrySendError::Full(_)) if !self.hangs.swap(true, Ordering::Relaxed) => {
                tracing::error!(
                    "The disk of vault.instance_dir does not answer: heartbeats are not recorded there, and \
                    nothing can be written to the spool"
                );
            }
            // Without a thread there is no mark, and its start was reported.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

#[async_trait]
impl WorkerRows for WorkerLease {
    type Error = StoreError;

    async fn heartbeat(&self) -> Result<HeartbeatOutcome, StoreError> {
        let Some(confirmed) = self.store.heartbeat(self.worker.id).await? else {
            return Ok(HeartbeatOutcome::Lost);
        };
        let heartbeat_mark = HeartbeatMark {
            worker: self.worker.id,
            heartbeat_at: confirmed.heartbeat_at,
            heartbeats: confirmed.heartbeats,
        };
        self.record(heartbeat_mark);
        Ok(HeartbeatOutcome::Alive)
    }

    async fn register(&self) -> Result<(), StoreError> {
        self.store.begin_worker(&self.worker).await
    }

    async fn heartbeats(&self) -> Result<Vec<HeartbeatCount>, StoreError> {
        Ok(self.store.heartbeats().await?.into_iter().map(|worker| worker.count).collect())
    }

    async fn reclaim(&self, silent: &[HeartbeatCount]) -> Result<usize, StoreError> {
        let reclaimed = self.store.reclaim(silent).await?;
        Ok(usize::try_from(reclaimed.requeued + reclaimed.failed).unwrap_or(usize::MAX))
    }
}
