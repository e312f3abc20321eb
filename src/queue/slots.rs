//! The slots for running jobs, and which claim uses each of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::MerchantName;

/// How long to wait for more slots after the first one is free: if many jobs end at once, one claim
/// fills all their slots.
const GATHER: Duration = Duration::from_millis(1);

/// The slots of a queue; their number is its concurrency.
#[derive(Clone)]
pub(super) struct Slots<I> {
    count: usize,
    free: Arc<Semaphore>,
    held: Arc<Mutex<Held<I>>>,
}

struct Held<I> {
    /// The number of the next slot. A claim's id is not enough, because a row may be claimed again
    /// while its earlier, lost job still runs.
    next: u64,
    claims: BTreeMap<u64, (I, MerchantName)>,
}

/// The slot of a running job. Dropping it frees the slot, also after a panic.
pub(super) struct Slot<I> {
    number: u64,
    held: Arc<Mutex<Held<I>>>,
    _permit: OwnedSemaphorePermit,
}

impl<I: Clone> Slots<I> {
    pub(super) fn new(count: usize) -> Self {
        let held = Held { next: 0, claims: BTreeMap::new() };
        Self { count, free: Arc::new(Semaphore::new(count)), held: Arc::new(Mutex::new(held)) }
    }

    /// Waits until a slot is free, then takes all free ones. Never `None`, because the semaphore is
    /// not closed.
    pub(super) async fn take_free(&self) -> Option<OwnedSemaphorePermit> {
        let mut free = if let Ok(first) = Arc::clone(&self.free).try_acquire_owned() {
            first
        } else {
            let first = Arc::clone(&self.free).acquire_owned().await.ok()?;
            tokio::time::sleep(GATHER).await;
            first
        };
        let rest = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        if let Ok(rest) = Arc::clone(&self.free).try_acquire_many_owned(rest) {
            free.merge(rest);
        }
        Some(free)
    }

    /// The number of slots, free or used.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Waits until no job is running. Nothing may wait for a free slot meanwhile, or it would wait
    /// as long.
    pub(super) async fn all_free(&self) {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        // An error is never seen: the semaphore is not closed.
        let _ = self.free.acquire_many(all).await;
    }

    /// Assigns a free slot to a job.
    pub(super) fn hold(&self, permit: OwnedSemaphorePermit, id: I, group: MerchantName) -> Slot<I> {
        let mut held = lock(&self.held);
        let number = held.next;
        held.next += 1;
        held.claims.insert(number, (id, group));
        Slot { number, held: Arc::clone(&self.held), _permit: permit }
    }

    /// How many slots each group uses.
    pub(super) fn running(&self) -> BTreeMap<MerchantName, usize> {
        let mut running = BTreeMap::new();
        for (_, group) in lock(&self.held).claims.values() {
            *running.entry(group.clone()).or_insert(0) += 1;
        }
        running
    }

    /// The claims of all running jobs.
    pub(super) fn claims(&self) -> Vec<I> {
        lock(&self.held).claims.values().map(|(id, _)| id.clone()).collect()
    }
}

impl<I> Drop for Slot<I> {
    /// Runs before the permit is released, so that the next user of the slot sees the counts
    /// without this job.
    fn drop(&mut self) {
        lock(&self.held).claims.remove(&self.number);
    }
}

/// Ignores poisoning: each change is a single insert or remove, so the map is consistent even after
/// a panic.
fn lock<I>(held: &Mutex<Held<I>>) -> MutexGuard<'_, Held<I>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
