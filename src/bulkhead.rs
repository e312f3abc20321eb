//! A limited number of places that merchants share, so that one merchant's slow endpoint never takes
//! all of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::ids::MerchantName;

/// While a merchant takes places, it leaves at least one free for every three that it holds.
const HELD_FOR_EACH_FREE: usize = 3;

/// Whether a merchant that holds `held` places may take one of the `free` ones.
///
/// Its first place is always allowed. With each further one it must still hold no more than three
/// times as many as are left: it gets three quarters of all places, a second merchant three quarters
/// of the rest, and so on. Where there is no other merchant (`lone`), it may take all.
#[must_use]
pub fn may_take(held: usize, free: usize, lone: bool) -> bool {
    free > 0 && (held == 0 || lone || held < HELD_FOR_EACH_FREE * (free - 1))
}

/// Whether there is only one merchant, which may take all places. This may change.
#[derive(Clone)]
pub struct Lone(Arc<dyn Fn() -> bool + Send + Sync>);

impl Lone {
    /// Returns what asks this function each time.
    #[must_use]
    pub fn following(is_lone: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_lone))
    }

    /// Returns whether it is so now.
    #[must_use]
    pub fn now(&self) -> bool {
        (self.0)()
    }
}

impl From<bool> for Lone {
    fn from(always: bool) -> Self {
        Self::following(move || always)
    }
}

impl fmt::Debug for Lone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lone").field(&self.now()).finish()
    }
}

/// The places. Clones share them.
#[derive(Clone)]
pub struct Bulkhead(Arc<Shared>);

struct Shared {
    places: usize,
    lone: Lone,
    state: Mutex<State>,
    /// Told when a place was given back.
    given_back: Notify,
}

#[derive(Default)]
struct State {
    /// How many places are taken or reserved.
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

/// A merchant's permit for one place. Dropping it gives the place back.
pub struct BulkheadPermit {
    bulkhead: Bulkhead,
    merchant: MerchantName,
}

/// Free places that are kept for one caller until it knows which merchants take them. Dropping it
/// gives back those that are left.
pub struct Reservation {
    bulkhead: Bulkhead,
    places: usize,
}

impl Bulkhead {
    /// Creates `places` places for one merchant alone (`lone`) or for several.
    #[must_use]
    pub fn new(places: usize, lone: impl Into<Lone>) -> Self {
        let lone = lone.into();
        Self(Arc::new(Shared { places, lone, state: Mutex::default(), given_back: Notify::new() }))
    }

    /// How many places there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.0.places
    }

    /// How many places are taken or reserved; more than there are after [`Bulkhead::take_anyway`].
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock().used
    }

    /// How many places each merchant holds.
    #[must_use]
    pub fn held(&self) -> BTreeMap<MerchantName, usize> {
        self.lock().held.clone()
    }

    /// The merchants that hold places and may take no more now.
    #[must_use]
    pub fn full(&self) -> Vec<MerchantName> {
        let state = self.lock();
        state.held.keys().filter(|merchant| !self.allows(&state, merchant)).cloned().collect()
    }

    /// Whether the merchant may have one more place now.
    #[must_use]
    pub fn has_place_for(&self, merchant: &MerchantName) -> bool {
        self.allows(&self.lock(), merchant)
    }

    /// Takes a place if the merchant may have one now.
    #[must_use]
    pub fn try_take(&self, merchant: &MerchantName) -> Option<BulkheadPermit> {
        let mut state = self.lock();
        self.allows(&state, merchant).then(|| self.take_in(&mut state, merchant))
    }

    /// Takes a place whether there is one or not.
    #[must_use]
    pub fn take_anyway(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.take_in(&mut self.lock(), merchant)
    }

    /// Waits for a place. Callers are served in order of arrival, except that a merchant that may take
    /// no more lets the others pass. Dropping the future gives up the wait.
    pub async fn take(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.wait(merchant, Priority::First).await
    }

    /// As [`Bulkhead::take`], behind all callers of that.
    pub async fn take_last(&self, merchant: &MerchantName) -> BulkheadPermit {
        self.wait(merchant, Priority::Last).await
    }

    /// Reserves all free places; `None` if there are none.
    #[must_use]
    pub fn reserve(&self) -> Option<Reservation> {
        let mut state = self.lock();
        let places = self.free(&state);
        state.used += places;
        (places > 0).then(|| Reservation { bulkhead: self.clone(), places })
    }

    /// Waits until a place is given back. One that was given back since the last call counts, so it may
    /// return too early. For one caller only.
    pub async fn given_back(&self) {
        self.0.given_back.notified().await;
    }

    async fn wait(&self, merchant: &MerchantName, priority: Priority) -> BulkheadPermit {
        let granted = {
            let mut state = self.lock();
            if self.allows(&state, merchant) {
                return self.take_in(&mut state, merchant);
            }
            let (granted, place) = oneshot::channel();
            state.waiting[priority as usize].push_back(Waiter { merchant: merchant.clone(), granted });
            place
        };
        match granted.await {
            Ok(place) => place,
            // Never seen: a waiter is dropped only with its place, or by this future.
            Err(_) => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Consistent even after a panic of a holder: nothing between two changes can panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self, state: &State) -> usize {
        self.0.places.saturating_sub(state.used)
    }

    fn allows(&self, state: &State, merchant: &MerchantName) -> bool {
        may_take(state.held.get(merchant).copied().unwrap_or_default(), self.free(state), self.0.lone.now())
    }

    fn take_in(&self, state: &mut State, merchant: &MerchantName) -> BulkheadPermit {
        state.used += 1;
        *state.held.entry(merchant.clone()).or_default() += 1;
        BulkheadPermit { bulkhead: self.clone(), merchant: merchant.clone() }
    }

    /// Changes the state, and then gives free places to those that wait.
    fn give_back(&self, change: impl FnOnce(&mut State)) {
        let mut refused = Vec::new();
        {
            let mut state = self.lock();
            change(&mut state);
            for priority in [Priority::First, Priority::Last] {
                self.grant(&mut state, priority as usize, &mut refused);
            }
        }
        // Gives them back one after the other, outside the lock.
        drop(refused);
    }

    fn grant(&self, state: &mut State, priority: usize, refused: &mut Vec<BulkheadPermit>) {
        if self.free(state) == 0 {
            return;
        }
        state.waiting[priority].retain(|waiter| !waiter.granted.is_closed());
        let mut at = 0;
        // Without a free place, nobody else may have one: often many wait, and one place is given back.
        while self.free(state) > 0
            && let Some(waiter) = state.waiting[priority].get(at)
        {
            if !self.allows(state, &waiter.merchant) {
                at += 1;
                continue;
            }
            let Some(waiter) = state.waiting[priority].remove(at) else { return };
            let place = self.take_in(state, &waiter.merchant);
            refused.extend(waiter.granted.send(place).err());
        }
    }
}

impl Drop for BulkheadPermit {
    fn drop(&mut self) {
        self.bulkhead.give_back(|state| {
            state.used -= 1;
            if let Some(held) = state.held.get_mut(&self.merchant) {
                *held -= 1;
                if *held == 0 {
                    state.held.remove(&self.merchant);
                }
            }
        });
        self.bulkhead.0.given_back.notify_one();
    }
}

impl Reservation {
    /// How many places are left of it.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places
    }

    /// Gives one of the places to a merchant; `None` if none is left.
    pub fn give(&mut self, merchant: &MerchantName) -> Option<BulkheadPermit> {
        self.places = self.places.checked_sub(1)?;
        let mut state = self.bulkhead.lock();
        state.used -= 1;
        Some(self.bulkhead.take_in(&mut state, merchant))
    }
}

impl Drop for Reservation {
    /// Tells nobody that waits for [`Bulkhead::given_back`]: that is the one who reserved.
    fn drop(&mut self) {
        self.bulkhead.give_back(|state| state.used -= self.places);
    }
}

#[cfg(test)]
mod tests;
