//! The parts of the settings that a reload replaces while the service runs.
//!
//! Each part is immutable. Whoever works with it takes it once, at the beginning of a request, a
//! job or a sweep, and goes on with it to the end: a reload meanwhile is for the next one.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{ApiKeys, Keeper, Merchant, Merchants, Settings, SettingsStatus};
use crate::breaker::Rates;
use crate::bulkhead::OnlyMerchant;
use crate::ids::MerchantName;

/// A part of the settings that a reload replaces. Clones share it.
#[derive(Debug)]
pub struct Live<T>(watch::Sender<Arc<T>>);

/// Everything that a reload replaces.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// The merchants by name.
    pub merchants: Live<Merchants>,
    /// The API keys.
    pub api_keys: Live<ApiKeys>,
    /// The section `keeper`. Its dates stay as they were at the start.
    pub keeper: Live<Keeper>,
    /// When that was read, and how the last reload ended.
    pub status: Live<SettingsStatus>,
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> From<Arc<T>> for Live<T> {
    fn from(first: Arc<T>) -> Self {
        Self(watch::Sender::new(first))
    }
}

impl<T> From<T> for Live<T> {
    fn from(first: T) -> Self {
        Arc::new(first).into()
    }
}

impl<T> Live<T> {
    /// Returns what is in force now.
    #[must_use]
    pub fn now(&self) -> Arc<T> {
        Arc::clone(&self.0.borrow())
    }

    /// Replaces it.
    pub fn replace(&self, next: T) {
        self.0.send_replace(Arc::new(next));
    }

    /// Returns what resolves when it is replaced after this call.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<T>> {
        self.0.subscribe()
    }
}

impl Live<Merchants> {
    /// Returns a merchant of the settings.
    #[must_use]
    pub fn get<Q>(&self, name: &Q) -> Option<Arc<Merchant>>
    where
        MerchantName: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.borrow().get(name).cloned()
    }

    /// Returns whether the settings have a merchant.
    #[must_use]
    pub fn contains_key(&self, name: &MerchantName) -> bool {
        self.0.borrow().contains_key(name)
    }

    /// Returns whether there is only one merchant, at each time.
    #[must_use]
    pub fn only_merchant(&self) -> OnlyMerchant {
        let merchants = self.clone();
        OnlyMerchant::following(move || merchants.0.borrow().len() == 1)
    }

    /// Returns a rate of each merchant, at each time.
    #[must_use]
    pub fn rates(&self, of: fn(&Merchant) -> f64) -> Arc<dyn Rates> {
        Arc::new(MerchantRates { merchants: self.clone(), of })
    }
}

/// A rate in the settings of each merchant.
struct MerchantRates {
    merchants: Live<Merchants>,
    of: fn(&Merchant) -> f64,
}

impl Rates for MerchantRates {
    fn rate(&self, merchant: &MerchantName) -> Option<f64> {
        self.merchants.0.borrow().get(merchant).map(|merchant| (self.of)(merchant))
    }

    fn longest_pause(&self, merchant: &MerchantName) -> Duration {
        let merchants = self.merchants.0.borrow();
        let pauses = merchants.get(merchant).map(|merchant| merchant.longest_pauses);
        pauses.unwrap_or_default().between_tries
    }

    fn merchants(&self) -> Vec<MerchantName> {
        self.merchants.0.borrow().keys().cloned().collect()
    }
}

impl LiveSettings {
    /// Returns the parts of the settings at the start, which were read at `read_at`.
    #[must_use]
    pub fn new(settings: &Settings, read_at: DateTime<Utc>) -> Self {
        Self {
            merchants: settings.merchants.clone().into(),
            api_keys: settings.server.api_keys.clone().into(),
            keeper: settings.keeper.clone().into(),
            status: SettingsStatus { read_at, reloaded_by: None, failed: None, after_restart: Vec::new() }
                .into(),
        }
    }

    /// Replaces all parts except the status. It cannot fail.
    pub fn replace(&self, settings: &Settings) {
        // A key may be limited to new merchants.
        self.merchants.replace(settings.merchants.clone());
        self.api_keys.replace(settings.server.api_keys.clone());
        self.keeper.replace(settings.keeper.clone());
    }
}
