//! Refreshes a token for the keeper, if it is still due.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::exchange::Exchange;
use super::exchange_permits::ExchangePermit;
use super::provider_trials::TrialPermit;
use super::{Refreshed, Vault};
use crate::breaker::CallPermit;
use crate::config::Merchant;
use crate::ids::{PurposeId, UserId, UserKey};
use crate::token::{IfDue, POLL_INTERVAL, Purpose, PurposeKind};

/// Calculates when the keeper refreshes a token. The keeper implements it; the vault and the
/// registry store the date with each successor and each sign-in.
pub trait DueDates: Send + Sync {
    /// Returns the due date of a token that expires at `expires_at`.
    fn due_at(&self, key: &UserKey, expires_at: DateTime<Utc>) -> DateTime<Utc>;
}

/// What an exchange of the keeper needs to begin.
struct KeeperPermits {
    trial: Option<TrialPermit>,
    permit: ExchangePermit,
    call_permit: CallPermit,
}

impl Vault {
    /// Presents the user's token for a sweep, if it is still due after the claim. Orders come
    /// first: this waits behind all orders that may have a permit, and the keeper uses at most half
    /// of them. If `stopped` resolves before the exchange has begun, it does not begin.
    ///
    /// Dropping the future ends the waiting, but not an exchange that has begun.
    pub async fn refresh(
        &self,
        merchant: &Arc<Merchant>,
        user: &UserId,
        sweep: PurposeId,
        if_due: IfDue,
        stopped: impl Future<Output = ()> + Send,
    ) -> Refreshed {
        let permits = tokio::select! {
            biased;
            () = stopped => return Refreshed::NotBegun,
            permits = self.keeper_permits(merchant) => permits,
        };
        let KeeperPermits { trial, permit, call_permit } = match permits {
            Ok(permits) => permits,
            Err(wait) => return Refreshed::Held(wait),
        };
        let key = UserKey { merchant: merchant.name.clone(), user: user.clone() };
        let Some(user_lock) = self.user_locks.take(&key) else {
            return Refreshed::ComeBack(POLL_INTERVAL);
        };
        let exchange = Exchange {
            context: Arc::clone(&self.context),
            merchant: Arc::clone(merchant),
            key,
            purpose: Purpose { kind: PurposeKind::Keeper, id: sweep },
            claim_number: None,
            if_due: Some(if_due),
            unless: None,
            user_lock,
            permit,
        };
        exchange.spawn(call_permit, trial).await.for_keeper()
    }

    /// Waits until the keeper may begin an exchange at the merchant's token endpoint.
    ///
    /// # Errors
    /// The circuit breaker is open or an operator has paused this, for this long.
    async fn keeper_permits(&self, merchant: &Merchant) -> Result<KeeperPermits, Duration> {
        let trial = self.trials.wait(merchant).await;
        let merchant = &merchant.name;
        // Take the permit first: whoever has the user's lock must not wait behind orders.
        let permit = self.permits.for_keeper(merchant).await;
        let call_permit = self.admit_sweep(merchant)?;
        call_permit.wait_for_rate().await;
        Ok(KeeperPermits { trial, permit, call_permit })
    }
}
