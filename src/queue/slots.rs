//! The slots for running jobs, and the claims that this process holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::share::Load;
use crate::bulkhead::{Bulkhead, BulkheadPermit, OnlyMerchant, Reservation};
use crate::ids::MerchantName;

/// How long to wait for more slots after the first one is free: if many jobs end at once, one claim
/// fills all their slots.
const GATHER: Duration = Duration::from_millis(1);

/// For each slot, how many jobs may wait outside before no more are claimed.
const OUTSIDE_FOR_EACH_SLOT: usize = 4;

/// The slots of a queue; their number is its concurrency.
#[derive(Clone)]
pub(super) struct Slots<I> {
    lone: OnlyMerchant,
    inside: Bulkhead,
    outside: Bulkhead,
    claims: Arc<Mutex<Claims<I>>>,
}

struct Claims<I> {
    /// The number of the next job. A claim's id is not enough, because a row may be claimed again
    /// while its earlier, lost job still runs.
    next: u64,
    held: BTreeMap<u64, I>,
}

/// The claim of a running job, with its slot. Dropping it frees the slot, also after a panic.
pub(super) struct HeldClaim<I> {
    number: u64,
    claims: Arc<Mutex<Claims<I>>>,
    pub(super) slot: Slot,
}

/// The slot of a running job. A handler that waits for something else than its own work waits
/// [outside](Slot::outside) of it.
pub struct Slot {
    group: MerchantName,
    inside: Bulkhead,
    outside: Bulkhead,
    permit: Option<BulkheadPermit>,
}

impl Slot {
    /// A slot for a job that runs without a queue.
    #[must_use]
    pub fn of_its_own(group: MerchantName) -> Self {
        let (inside, outside) = (Bulkhead::new(1, true), Bulkhead::new(1, true));
        let permit = Some(inside.take_anyway(&group));
        Self { group, inside, outside, permit }
    }

    /// Waits for `future` while another job uses this slot, and then for a slot to go on in.
    ///
    /// The queue claims no more jobs of a group while very many of its jobs wait in this way.
    pub async fn outside<T>(&mut self, future: impl Future<Output = T>) -> T {
        let waiting = self.outside.take_anyway(&self.group);
        self.permit = None;
        let done = future.await;
        drop(waiting);
        self.permit = Some(self.inside.take(&self.group).await);
        done
    }
}

impl<I: Clone> Slots<I> {
    /// `lone`: there is only one group, which may have all slots.
    pub(super) fn new(count: usize, lone: OnlyMerchant) -> Self {
        Self {
            inside: Bulkhead::new(count, lone.clone()),
            outside: Bulkhead::new(count.saturating_mul(OUTSIDE_FOR_EACH_SLOT), lone.clone()),
            lone,
            claims: Arc::new(Mutex::new(Claims { next: 0, held: BTreeMap::new() })),
        }
    }

    /// Waits until a slot is free, then takes all free ones.
    pub(super) async fn take_free(&self) -> Reservation {
        loop {
            if let Some(free) = self.inside.reserve() {
                return free;
            }
            self.inside.released().await;
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Waits until a job ended, or stopped waiting outside, since the last call. It may return too
    /// early.
    pub(super) async fn changed(&self) {
        tokio::select! {
            () = self.inside.released() => {}
            () = self.outside.released() => {}
        }
        tokio::time::sleep(GATHER).await;
    }

    /// Whether no job is running.
    pub(super) fn is_idle(&self) -> bool {
        lock(&self.claims).held.is_empty()
    }

    /// Waits until no job is running.
    pub(super) async fn idle(&self) {
        while !self.is_idle() {
            self.inside.released().await;
        }
    }

    /// Gives a job a free slot.
    pub(super) fn hold(&self, permit: BulkheadPermit, id: I, group: MerchantName) -> HeldClaim<I> {
        let mut claims = lock(&self.claims);
        let number = claims.next;
        claims.next += 1;
        claims.held.insert(number, id);
        let (inside, outside) = (self.inside.clone(), self.outside.clone());
        HeldClaim {
            number,
            claims: Arc::clone(&self.claims),
            slot: Slot { group, inside, outside, permit: Some(permit) },
        }
    }

    /// Gives a job a slot if its group may have one more now.
    pub(super) fn try_hold(&self, id: I, group: &MerchantName) -> Option<HeldClaim<I>> {
        if self.full_outside().contains(group) {
            return None;
        }
        let permit = self.inside.try_take(group)?;
        Some(self.hold(permit, id, group.clone()))
    }

    /// What runs, for the next claim.
    pub(super) fn load(&self) -> Load {
        let full = self.full_outside().into_iter().collect();
        Load { running: self.inside.held(), full, lone: self.lone.now() }
    }

    /// The groups of which so many jobs wait outside that no more are started.
    fn full_outside(&self) -> Vec<MerchantName> {
        if self.outside.used() == 0 { Vec::new() } else { self.outside.full() }
    }

    /// The claims of all running jobs.
    pub(super) fn claims(&self) -> Vec<I> {
        lock(&self.claims).held.values().cloned().collect()
    }
}

impl<I> Drop for HeldClaim<I> {
    /// Runs before the slot is freed, so that the next user of the slot sees the claims without
    /// this one.
    fn drop(&mut self) {
        lock(&self.claims).held.remove(&self.number);
    }
}

/// Ignores poisoning: each change is a single insert or remove, so the map is consistent even after
/// a panic.
fn lock<I>(claims: &Mutex<Claims<I>>) -> MutexGuard<'_, Claims<I>> {
    claims.lock().unwrap_or_else(PoisonError::into_inner)
}
