//! Allows one exchange of a merchant at a time, until its provider has granted a token.
//!
//! If the settings are wrong, the first answers show it. Until one of them is a success, few tokens
//! should be presented to a provider that may be the wrong one. A merchant whose settings name
//! another provider after a reload begins anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::config::Merchant;
use crate::ids::{MerchantName, Provider};

/// The merchants with their providers, and whether these have granted a token. Clones share them.
#[derive(Clone, Default)]
pub(super) struct ProviderTrials(Arc<StdMutex<BTreeMap<(MerchantName, Provider), Trial>>>);

#[derive(Clone, Default)]
struct Trial {
    proven: Arc<AtomicBool>,
    one_at_a_time: Arc<Mutex<()>>,
}

/// The refusal of an exchange because another one of the merchant is in flight, whose provider has
/// not granted a token yet.
pub(super) struct InTrial;

/// The permit for one exchange at a provider that has not granted a token yet. Dropping it lets the
/// next exchange begin.
pub(super) struct TrialPermit {
    proven: Arc<AtomicBool>,
    _one_at_a_time: OwnedMutexGuard<()>,
}

impl ProviderTrials {
    /// Waits until no other exchange of the merchant is in flight. If its provider has granted a
    /// token, returns `None` at once.
    pub(super) async fn wait(&self, merchant: &Merchant) -> Option<TrialPermit> {
        let Trial { proven, one_at_a_time } = self.unproven(merchant)?;
        let guard = one_at_a_time.lock_owned().await;
        (!proven.load(Ordering::Relaxed)).then(|| TrialPermit { proven, _one_at_a_time: guard })
    }

    /// As [`ProviderTrials::wait`].
    ///
    /// # Errors
    /// [`InTrial`] where it would wait.
    pub(super) fn try_now(&self, merchant: &Merchant) -> Result<Option<TrialPermit>, InTrial> {
        let Some(Trial { proven, one_at_a_time }) = self.unproven(merchant) else { return Ok(None) };
        let guard = one_at_a_time.try_lock_owned().map_err(|_| InTrial)?;
        Ok(Some(TrialPermit { proven, _one_at_a_time: guard }))
    }

    fn unproven(&self, merchant: &Merchant) -> Option<Trial> {
        let mut trials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trial = trials.entry((merchant.name.clone(), merchant.provider())).or_default();
        (!trial.proven.load(Ordering::Relaxed)).then(|| trial.clone())
    }
}

impl TrialPermit {
    /// Records that the provider has granted a token, so that nobody waits any more.
    pub(super) fn proven(self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}
