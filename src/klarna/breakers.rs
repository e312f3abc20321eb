//! The circuit breakers and rate limits of the calls to the targets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::breaker::{BreakerState, CallPermit, CircuitBreakers, Endpoint};
use crate::clock::since_boot;
use crate::config::{Live, Merchants};
use crate::ids::MerchantName;
use crate::order::Target;

/// Circuit breakers and rate limits, for each target by itself: if one API fails, orders for
/// another still go out. Clones share them.
#[derive(Clone)]
pub struct TargetBreakers([CircuitBreakers; Target::ALL.len()]);

impl TargetBreakers {
    /// Creates closed breakers for the create calls, with the rates in the settings.
    #[must_use]
    pub fn new(merchants: &Live<Merchants>) -> Self {
        Self::named(merchants, |target| match target {
            Target::Checkout => Endpoint::Checkout,
            Target::Payments => Endpoint::Payments,
        })
    }

    /// Creates closed breakers for the calls about orders and sessions that exist, with the same
    /// rates. So these calls take nothing from the create calls, and their failures stop none.
    #[must_use]
    pub fn of_sessions(merchants: &Live<Merchants>) -> Self {
        Self::named(merchants, |target| match target {
            Target::Checkout => Endpoint::CheckoutSession,
            Target::Payments => Endpoint::PaymentsSession,
        })
    }

    fn named(merchants: &Live<Merchants>, endpoint: fn(Target) -> Endpoint) -> Self {
        let rates = merchants.rates(|merchant| merchant.checkout_rate_per_second);
        Self(Target::ALL.map(|target| CircuitBreakers::new(endpoint(target), Arc::clone(&rates))))
    }

    /// Returns the breakers of each target.
    pub fn each(&self) -> impl Iterator<Item = CircuitBreakers> {
        self.0.iter().cloned()
    }

    /// Returns the breakers of one target.
    #[must_use]
    pub fn of(&self, target: Target) -> &CircuitBreakers {
        &self.0[target as usize]
    }

    /// Returns the state of each target's breakers, by merchant, at a time since boot.
    pub fn states(
        &self,
        now: Duration,
    ) -> impl Iterator<Item = (Target, BTreeMap<MerchantName, BreakerState>)> {
        Target::ALL.into_iter().map(move |target| (target, self.of(target).states(now)))
    }
}

/// Waits for a permit for at most `longest`, while calls wait for the rate or for a limit of
/// Klarna. `None` if it would take longer, or if the circuit breaker is open.
pub(crate) async fn admit_unless_open(
    breakers: &CircuitBreakers,
    merchant: &MerchantName,
    longest: Duration,
) -> Option<CallPermit> {
    let until = since_boot() + longest;
    loop {
        match breakers.admit(merchant, since_boot()) {
            Ok(permit) => return Some(permit),
            Err(_) if breakers.open_for(merchant, since_boot()).is_some() => return None,
            Err(wait) if since_boot() + wait > until => return None,
            Err(wait) => sleep(wait).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::breaker::{CallOutcome, UsedUp};

    #[tokio::test]
    async fn a_limit_is_waited_for_and_an_open_breaker_is_not() {
        let (shop, minute) = (MerchantName::from("shop"), Duration::from_mins(1));
        let rates = BTreeMap::from([(shop.clone(), 1_000.0)]);
        let breakers = CircuitBreakers::new(Endpoint::Checkout, Arc::new(rates));
        let used_up = |wait| breakers.used_up(&shop, &UsedUp { limit: None, wait }, since_boot());
        used_up(Duration::from_secs(3));
        let permit = admit_unless_open(&breakers, &shop, minute).await.expect("the limit is new soon");
        used_up(Duration::from_hours(1));
        assert!(admit_unless_open(&breakers, &shop, minute).await.is_none(), "it would take an hour");

        permit.report(CallOutcome::Stopped(minute), since_boot());
        let waited = timeout(minute / 2, admit_unless_open(&breakers, &shop, Duration::from_hours(2))).await;
        assert!(waited.expect("an open breaker is waited for").is_none());
    }

    #[test]
    fn each_target_has_its_own() {
        for (index, target) in Target::ALL.into_iter().enumerate() {
            assert_eq!(target as usize, index);
        }
    }
}
