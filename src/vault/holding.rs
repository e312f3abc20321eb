//! What keeps a merchant's refresh tokens from being presented now: the circuit breaker of its
//! token endpoint, or a pause that an operator ordered.

use std::time::Duration;

use super::Vault;
use crate::breaker::CallPermit;
use crate::clock::since_boot;
use crate::ids::MerchantName;
use crate::pauses::{PauseKind, Paused};

impl Vault {
    /// Returns how long a request to the merchant's token endpoint would have to wait now; `None`
    /// if it would not.
    #[must_use]
    pub fn held(&self, merchant: &MerchantName) -> Option<Duration> {
        let pause = self.pauses.of(PauseKind::Exchanges, merchant, since_boot()).map(Paused::wait);
        self.breakers.wait(merchant, since_boot()).max(pause)
    }

    /// Returns for how long no request may have been sent to the merchant's token endpoint. A
    /// running probe counts as not allowed.
    #[must_use]
    pub fn held_for(&self, merchant: &MerchantName) -> Option<Duration> {
        let pause = self.pauses.of(PauseKind::Exchanges, merchant, since_boot()).map(|pause| pause.age);
        self.breakers.open_for(merchant, since_boot()).max(pause)
    }

    /// Whether an operator has paused the merchant's sweeps, or all of its exchanges.
    #[must_use]
    pub fn sweeps_are_paused(&self, merchant: &MerchantName) -> bool {
        self.pause_of_sweeps(merchant).is_some()
    }

    /// Returns the permit to present a token for an order or a vend now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub(super) fn admit(&self, merchant: &MerchantName) -> Result<CallPermit, Duration> {
        if let Some(pause) = self.pauses.of(PauseKind::Exchanges, merchant, since_boot()) {
            return Err(pause.wait());
        }
        self.breakers.admit(merchant, since_boot())
    }

    /// Returns the permit to present a token for a sweep now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub(super) fn admit_sweep(&self, merchant: &MerchantName) -> Result<CallPermit, Duration> {
        if let Some(pause) = self.pause_of_sweeps(merchant) {
            return Err(pause.wait());
        }
        self.breakers.admit(merchant, since_boot())
    }

    fn pause_of_sweeps(&self, merchant: &MerchantName) -> Option<Paused> {
        let of = |kind| self.pauses.of(kind, merchant, since_boot());
        of(PauseKind::Exchanges).or_else(|| of(PauseKind::Keeper))
    }
}
