//! Allows one exchange of a merchant at a time, until its provider has granted a token.
//!
//! If the settings are wrong, the first answers show it. Until one of them is a success, few tokens
//! should be presented to a provider that may be the wrong one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::ids::MerchantName;

/// The merchants, and whether their providers have granted a token. Clones share them.
#[derive(Clone)]
pub(super) struct ProviderTrials(Arc<BTreeMap<MerchantName, Merchant>>);

#[derive(Default)]
struct Merchant {
    proven: Arc<AtomicBool>,
    one_at_a_time: Arc<Mutex<()>>,
}

/// The refusal of an exchange because another one of the merchant is in flight, whose provider has not
/// granted a token yet.
pub(super) struct InTrial;

/// The permit for one exchange at a provider that has not granted a token yet. Dropping it lets the
/// next exchange begin.
pub(super) struct TrialPermit {
    proven: Arc<AtomicBool>,
    _one_at_a_time: OwnedMutexGuard<()>,
}

impl ProviderTrials {
    pub(super) fn new(merchants: impl Iterator<Item = MerchantName>) -> Self {
        Self(Arc::new(merchants.map(|merchant| (merchant, Merchant::default())).collect()))
    }

    /// Waits until no other exchange of the merchant is in flight. If its provider has granted a
    /// token, returns `None` at once.
    pub(super) async fn wait(&self, merchant: &MerchantName) -> Option<TrialPermit> {
        let Merchant { proven, one_at_a_time } = self.unproven(merchant)?;
        let guard = Arc::clone(one_at_a_time).lock_owned().await;
        (!proven.load(Ordering::Relaxed))
            .then(|| TrialPermit { proven: Arc::clone(proven), _one_at_a_time: guard })
    }

    /// As [`ProviderTrials::wait`].
    ///
    /// # Errors
    /// [`InTrial`] where it would wait.
    pub(super) fn try_now(&self, merchant: &MerchantName) -> Result<Option<TrialPermit>, InTrial> {
        let Some(Merchant { proven, one_at_a_time }) = self.unproven(merchant) else { return Ok(None) };
        let guard = Arc::clone(one_at_a_time).try_lock_owned().map_err(|_| InTrial)?;
        Ok(Some(TrialPermit { proven: Arc::clone(proven), _one_at_a_time: guard }))
    }

    fn unproven(&self, merchant: &MerchantName) -> Option<&Merchant> {
        self.0.get(merchant).filter(|merchant| !merchant.proven.load(Ordering::Relaxed))
    }
}

impl TrialPermit {
    /// Records that the provider has granted a token, so that nobody waits any more.
    pub(super) fn proven(self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}
