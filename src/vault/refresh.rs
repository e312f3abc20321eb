//! Refreshes a token for the keeper, if it is still due.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::exchange::Exchange;
use super::{Refreshed, Vault};
use crate::clock::since_boot;
use crate::config::Merchant;
use crate::ids::{MerchantName, PurposeId, UserId, UserKey};
use crate::token::{IfDue, LOOK_AGAIN, Purpose, PurposeKind};

/// Calculates when the keeper refreshes a token. The keeper implements it; the vault and the
/// registry store the date with each successor and each sign-in.
pub trait DueDates: Send + Sync {
    /// Returns the due date of a token that expires at `expires_at`.
    fn due_at(&self, key: &UserKey, expires_at: DateTime<Utc>) -> DateTime<Utc>;
}

impl Vault {
    /// Returns how long a request to the merchant's token endpoint would have to wait now; `None` if it
    /// would not.
    #[must_use]
    pub fn held(&self, merchant: &MerchantName) -> Option<Duration> {
        self.breakers.wait(merchant, since_boot())
    }

    /// Returns for how long the circuit breaker of the merchant's token endpoint has not been
    /// closed.
    #[must_use]
    pub fn token_breaker_open_for(&self, merchant: &MerchantName) -> Option<Duration> {
        self.breakers.open_for(merchant, since_boot())
    }

    /// Presents the user's token for a sweep, if it is still due after the claim. Orders come
    /// first: this waits while any order waits for a permit, and the keeper uses at most half of
    /// the permits.
    ///
    /// Dropping the future ends the waiting, but not an exchange that has begun.
    pub async fn refresh(&self, merchant: &Arc<Merchant>, user: &UserId, sweep: PurposeId, if_due: IfDue) -> Refreshed {
        let trial = self.trials.wait(&merchant.name).await;
        // Take the permit first: whoever has the user's lock must not wait behind orders.
        let permit = self.permits.for_keeper(&merchant.name).await;
        let call_permit = match self.breakers.admit(&merchant.name, since_boot()) {
            Ok(call_permit) => call_permit,
            Err(wait) => return Refreshed::Held(wait),
        };
        call_permit.wait_for_rate().await;
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        let Some(user_lock) = self.user_locks.take(&key) else {
            return Refreshed::ComeBack(LOOK_AGAIN);
        };
        let exchange = Exchange {
            context: Arc::clone(&self.context),
            merchant: Arc::clone(merchant),
            key,
            purpose: Purpose { kind: PurposeKind::Keeper, id: sweep },
            claim_number: None,
            if_due: Some(if_due),
            user_lock,
            permit,
        };
        exchange.spawn(call_permit, trial).await.for_keeper()
    }
}
