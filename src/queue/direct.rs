//! Starts jobs whose rows are inserted with a claim of this worker already, so that nobody has to
//! look for them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::backend::SlottedJob;
use super::feeder::{RecoveryRequest, Stopping, give_back};
use super::slots::{HeldClaim, Slots};
use super::source::Source;
use super::wake::Wake;
use crate::ids::MerchantName;

/// Takes slots of a running queue for jobs that are about to be inserted.
pub struct DirectStarts<S: Source> {
    pub(super) source: Arc<S>,
    pub(super) slots: Slots<S::Id>,
    /// Weak, so that it does not keep a queue going that was told to stop.
    pub(super) jobs: mpsc::WeakSender<SlottedJob<S>>,
    pub(super) stopping: Stopping,
    pub(super) recovery: RecoveryRequest,
    pub(super) wake: Wake,
}

/// A slot for a job that is about to be inserted with a claim. A stop of the queue waits for it.
///
/// Dropping it means that nobody knows whether the row has the claim. The queue then looks for the
/// row and makes it due again.
#[must_use = "dropping it makes the queue look for the row"]
pub struct DirectStart<S: Source> {
    source: Arc<S>,
    jobs: mpsc::Sender<SlottedJob<S>>,
    /// Held from before the insert, so that a recovery never mistakes the row for a lost one.
    claim: Option<HeldClaim<S::Id>>,
    recovery: RecoveryRequest,
    wake: Wake,
}

impl<S: Source> DirectStarts<S> {
    /// Takes a slot for a job of `group` that will be inserted with the claim `id`. `None` if the
    /// group may not have one now, by the same rules as for claims, or if the queue stops.
    #[must_use]
    pub fn begin(&self, group: &MerchantName, id: S::Id) -> Option<DirectStart<S>> {
        if self.stopping.is_requested() || !self.source.may_start(group) {
            return None;
        }
        let jobs = self.jobs.upgrade()?;
        let claim = Some(self.slots.try_hold(id, group)?);
        let (recovery, wake) = (self.recovery.clone(), self.wake.clone());
        Some(DirectStart { source: Arc::clone(&self.source), jobs, claim, recovery, wake })
    }
}

impl<S: Source> DirectStart<S> {
    /// Starts the job, whose row is committed with the claim. While the queue stops, the row is
    /// released instead.
    pub async fn start(mut self, job: S::Job) {
        let Some(claim) = self.claim.take() else { return };
        if let Err(refused) = self.jobs.send(SlottedJob { job, claim }).await {
            give_back(&*self.source, vec![refused.0.job]).await;
        }
    }

    /// Frees the slot: the row certainly does not have the claim.
    pub fn cancel(mut self) {
        self.claim = None;
    }
}

impl<S: Source> Drop for DirectStart<S> {
    fn drop(&mut self) {
        if self.claim.take().is_some() {
            self.recovery.raise();
            self.wake.notify();
        }
    }
}
