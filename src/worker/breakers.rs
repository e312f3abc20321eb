//! The circuit breakers and rate limits of the create calls.

use std::collections::BTreeMap;

use crate::breaker::{BreakerState, CircuitBreakers};
use crate::config::Merchants;
use crate::ids::MerchantName;
use crate::order::Target;

/// Circuit breakers and rate limits, for each target by itself: if one API fails, orders for another
/// still go out. Clones share them.
#[derive(Clone)]
pub struct TargetBreakers([CircuitBreakers; Target::ALL.len()]);

impl TargetBreakers {
    /// Creates closed breakers with the rates in the settings.
    #[must_use]
    pub fn new(merchants: &Merchants) -> Self {
        Self(Target::ALL.map(|target| {
            let rates =
                merchants.values().map(|merchant| (&merchant.name, merchant.checkout_rate_per_second));
            CircuitBreakers::new(target.as_str(), rates)
        }))
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
