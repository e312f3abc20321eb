//! A limited number of permits that merchants share, so that one merchant's slow endpoint never
//! takes all of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::ids::MerchantName;

/// While a merchant takes permits, it leaves at least one free for every three that it holds.
const HELD_FOR_EACH_FREE: usize = 3;

/// Whether a merchant that holds `held` permits may take one of the `free` ones.
///
/// Its first permit is always allowed. With each further one it must still hold no more than three
/// times as many as are left: it gets three quarters of all permits, a second merchant three
/// quarters of the rest, and so on. Where there is no other merchant (`lone`), it may take all.
#[must_use]
pub fn may_take(held: usize, free: usize, lone: bool) -> bool {
    free > 0 && (held == 0 || lone || held < HELD_FOR_EACH_FREE * (free - 1))
}

/// Whether there is only one merchant, which may take all permits. This may change.
#[derive(Clone)]
pub struct OnlyMerchant(Arc<dyn Fn() -> bool + Send + Sync>);

impl OnlyMerchant {
    /// Returns what asks this function each time.
    #[must_use]
    pub fn following(is_only: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_only))
    }

    /// Returns whether it is so now.
    #[must_use]
    pub fn now(&self) -> bool {
        (self.0)()
    }
}

impl From<bool> for OnlyMerchant {
    fn from(always: bool) -> Self {
        Self::following(move || always)
    }
}

impl fmt::Debug for OnlyMerchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnlyMerchant").field(&self.now()).finish()
    }
}

/// The permits. Clones share them.
#[derive(Clone)]
pub struct Bulkhead(Arc<Shared>);

struct Shared {
    permits: usize,
    lone: OnlyMerchant,
    state: Mutex<State>,
    /// Notified when a permit is released.
    released: Notify,
}

#[derive(Default)]
struct State {
    /// How many permits are taken or reserved.
    used: usize,
    held: BTreeMap<MerchantName, usize>,
    /// Who waits, by [`Priority`], and then in order of arrival.
    waiting: [VecDeque<Waiter>; 2],
}

/// Who is served first, as an index of [`State::waiting`].
#[derive(Clone, Copy)]
enum Priority {
    First = 0,
    Last = 1,
}

struct Waiter {
    merchant: MerchantName,
    granted: oneshot::Sender<BulkheadPermit>,
}

/// A merchant's permit. Dropping it releases it.
pub struct BulkheadPermit {
    bulkhead: Bulkhead,
    merchant: MerchantName,
}

/// Free permits that are kept for one caller until it knows which merchants take them. Dropping it
/// releases those that are left.
pub struct Reservation {
    bulkhead: Bulkhead,
    permits: usize,
}

impl Bulkhead {
    /// Creates `permits` permits for one merchant alone (`lone`) or for several.
    #[must_use]
    pub fn new(permits: usize, lone: impl Into<OnlyMerchant>) -> Self {
        let lone = lone.into();
        Self(Arc::new(Shared { permits, lone, state: Mutex::default(), released: Notify::new() }))
    }

    /// How many permits there are.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.0.permits
    }

    /// How many permits are taken or reserved; more than there are after [`Bulkhead::take_anyway`].
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock().used
    }

    /// How many permits each merchant holds.
    #[must_use]
    pub fn held(&self) -> BTreeMap<MerchantName, usize> {
        self.lock().held.clone()
    }

    /// The merchants that hold permits and may take no more now.
    #[must_use]
    pub fn full(&self) -> Vec<MerchantName> {
        let state = self.lock();
        state.held.keys().filter(|merchant| !self.allows(&state, merchant)).cloned().collect()
    }

    /// Whether the merchant may have one more permit now.
    #[must_use]
    pub fn has_permit_for(&self, merchant: &MerchantName) -> bool {
        self.allows(&self.lock(), merchant)
    }

    /// Takes a permit if the merchant may have one now.
    #[must_use]
    pub fn try_take(&self, merchant: &MerchantName) -> Option<BulkheadPermit> {
        let mut state = self.lock();
        self.allows(&state, merchant).then(|| self.take_in(&mut state, merchant))
    }

    /// Takes a permit whether one is free or not.
    #[must_use]
    pub fn take_anyway(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.take_in(&mut self.lock(), merchant)
    }

    /// Waits for a permit. Callers are served in order of arrival, except that a merchant that may
    /// take no more lets the others pass. Dropping the future gives up the wait.
    pub async fn take(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.wait(merchant, Priority::First).await
    }

    /// As [`Bulkhead::take`], behind all callers of that.
    pub async fn take_last(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.wait(merchant, Priority::Last).await
    }

    /// Reserves all free permits; `None` if there are none.
    #[must_use]
    pub fn reserve(&self) -> Option<Reservation> {
        let mut state = self.lock();
        let permits = self.free(&state);
        state.used += permits;
        (permits > 0).then(|| Reservation { bulkhead: self.clone(), permits })
    }

    /// Waits until a permit is released. One that was released since the last call counts, so it
    /// may return too early. For one caller only.
    pub async fn released(&self) {
        self.0.released.notified().await;
    }

    async fn wait(&self, merchant: &MerchantName, priority: Priority) -> BulkheadPermit {
        let granted = {
            let mut state = self.lock();
            if self.allows(&state, merchant) {
                return self.take_in(&mut state, merchant);
            }
            let (granted, permit) = oneshot::channel();
            state.waiting[priority as usize].push_back(Waiter { merchant: merchant.clone(), granted });
            permit
        };
        match granted.await {
            Ok(permit) => permit,
            // Never seen: a waiter is dropped only with its permit, or by this future.
            Err(_) => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Consistent even after a panic of a holder: nothing between two changes can panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self, state: &State) -> usize {
        self.0.permits.saturating_sub(state.used)
    }

    fn allows(&self, state: &State, merchant: &MerchantName) -> bool {
        may_take(state.held.get(merchant).copied().unwrap_or_default(), self.free(state), self.0.lone.now())
    }

    fn take_in(&self, state: &mut State, merchant: &MerchantName) -> BulkheadPermit {
        state.used += 1;
        *state.held.entry(merchant.clone()).or_default() += 1;
        BulkheadPermit { bulkhead: self.clone(), merchant: merchant.clone() }
    }

    /// Changes the state, and then gives free permits to those that wait.
    fn release(&self, change: impl FnOnce(&mut State)) {
        let mut refused = Vec::new();
        {
            let mut state = self.lock();
            change(&mut state);
            for priority in [Priority::First, Priority::Last] {
                self.grant(&mut state, priority as usize, &mut refused);
            }
        }
        // Released one after the other, outside the lock.
        drop(refused);
    }

    fn grant(&self, state: &mut State, priority: usize, refused: &mut Vec<BulkheadPermit>) {
        if self.free(state) == 0 {
            return;
        }
        state.waiting[priority].retain(|waiter| !waiter.granted.is_closed());
        let mut at = 0;
        // Without a free permit, nobody else may have one: often many wait, and one permit is
        // released.
        while self.free(state) > 0
            && let Some(waiter) = state.waiting[priority].get(at)
        {
            if !self.allows(state, &waiter.merchant) {
                at += 1;
                continue;
            }
            let Some(waiter) = state.waiting[priority].remove(at) else { return };
            let permit = self.take_in(state, &waiter.merchant);
            refused.extend(waiter.granted.send(permit).err());
        }
    }
}

impl Drop for BulkheadPermit {
    fn drop(&mut self) {
        self.bulkhead.release(|state| {
            state.used -= 1;
            if let Some(held) = state.held.get_mut(&self.merchant) {
                *held -= 1;
                if *held == 0 {
                    state.held.remove(&self.merchant);
                }
            }
        });
        self.bulkhead.0.released.notify_one();
    }
}

impl Reservation {
    /// How many permits are left of it.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Gives one of the permits to a merchant; `None` if none is left.
    pub fn give(&mut self, merchant: &MerchantName) -> Option<BulkheadPermit> {
        self.permits = self.permits.checked_sub(1)?;
        let mut state = self.bulkhead.lock();
        state.used -= 1;
        Some(self.bulkhead.take_in(&mut state, merchant))
    }
}

impl Drop for Reservation {
    /// Notifies nobody who waits for [`Bulkhead::released`]: that is the one who reserved.
    fn drop(&mut self) {
        self.bulkhead.release(|state| state.used -= self.permits);
    }
}

#[cfg(test)]
mod tests;
