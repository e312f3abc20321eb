//! Digests of the settings, by key, from which a reload finds out what has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest, Sha256};

/// A digest of each given value, by its key. The value of a key that names a file with a secret
/// includes the secret.
#[derive(Clone, Default)]
pub(super) struct SettingDigests(BTreeMap<String, [u8; 32]>);

/// Leaves out the digests, because a guessed value could be checked against them.
impl fmt::Debug for SettingDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingDigests").finish_non_exhaustive()
    }
}

impl SettingDigests {
    /// Adds a value of a key.
    pub(super) fn add(&mut self, key: &str, value: &str) {
        let before = self.0.get(key).copied().unwrap_or_default();
        let digest = Sha256::new().chain_update(before).chain_update(value).finalize();
        self.0.insert(key.to_owned(), digest.into());
    }

    /// Returns the keys whose values differ, or that only one of both has.
    pub(super) fn differing(&self, other: &Self) -> BTreeSet<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).cloned().collect()
    }

    /// Returns one digest of all.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut all = Sha256::new();
        for (key, value) in &self.0 {
            all.update(key);
            all.update([0]);
            all.update(value);
        }
        all.finalize().into()
    }

    /// Takes over the values of the keys for which `which` holds, and keeps the others.
    pub(super) fn take(&mut self, other: &Self, which: impl Fn(&str) -> bool) {
        self.0.retain(|key, _| !which(key));
        self.0.extend(other.0.iter().filter(|(key, _)| which(key)).map(|(key, value)| (key.clone(), *value)));
    }
}
