//! Which set of a merchant's credentials Klarna accepts, while they are changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{CredentialSet, Merchant};
use crate::ids::MerchantName;

/// The sets that were accepted last, by merchant. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldCredentials(Arc<Mutex<BTreeMap<MerchantName, CredentialSet>>>);

impl HeldCredentials {
    /// Returns the set that was accepted last; at first the first one.
    pub(super) fn of(&self, merchant: &Merchant) -> CredentialSet {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&merchant.name).copied().unwrap_or_default()
    }

    /// Klarna has accepted a set. A change is logged.
    pub(super) fn accepted(&self, merchant: &Merchant, set: CredentialSet) {
        if merchant.second_api_credentials.is_none() {
            return;
        }
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(merchant.name.clone(), set);
        if before.unwrap_or_default() != set {
            tracing::warn!(merchant = %merchant.name, in_use = set.as_str(), "Klarna refuses one set of the merchant's \
                API credentials and accepts the other, which is used from now on");
        }
    }
}
