//! The circuit breakers and rate limits of the calls to the targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::breaker::{BreakerState, CircuitBreakers, Endpoint};
use crate::config::{Live, Merchants};
use crate::ids::MerchantName;
use crate::order::Target;

/// Circuit breakers and rate limits, for each target by itself: if one API fails, orders for another
/// still go out. Clones share them.
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

    /// Creates closed breakers for the calls about orders and sessions that exist, with the same rates.
    /// So these calls take nothing from the create calls, and their failures stop none.
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

    /// Returns the state of each target's breakers, by merchant.
    pub fn states(&self) -> impl Iterator<Item = (Target, BTreeMap<MerchantName, BreakerState>)> {
        Target::ALL.into_iter().map(|target| (target, self.of(target).states()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_its_own() {
        for (index, target) in Target::ALL.into_iter().enumerate() {
            assert_eq!(target as usize, index);
        }
    }
}
