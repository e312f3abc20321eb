//! The rates of merchants, which a reload of the settings changes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::MerchantName;

/// The merchants, and the allowed calls a second of each. Both may change.
pub trait Rates: Send + Sync {
    /// Returns a merchant's rate now; `None` if there is no such merchant.
    fn rate(&self, merchant: &MerchantName) -> Option<f64>;

    /// Returns the longest pause between two tries of a merchant's open breaker.
    fn longest_pause(&self, merchant: &MerchantName) -> Duration;

    /// Returns the merchants that there are now, in order.
    fn merchants(&self) -> Vec<MerchantName>;
}

impl Rates for BTreeMap<MerchantName, f64> {
    fn rate(&self, merchant: &MerchantName) -> Option<f64> {
        self.get(merchant).copied()
    }

    fn longest_pause(&self, _: &MerchantName) -> Duration {
        Duration::from_mins(1)
    }

    fn merchants(&self) -> Vec<MerchantName> {
        self.keys().cloned().collect()
    }
}
