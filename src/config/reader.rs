//! Reads the settings key by key.
//!
//! Reading a key makes it known; a given key that nobody reads is an unknown key. So the schema is
//! defined in one place only: where the keys are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use toml::Table;

use super::Fault;
use super::layers::{self, Layers};
use super::setting::Setting;
use super::setting_digests::SettingDigests;
use super::unknown;

/// The given values, the keys read so far, and the faults found.
pub(super) struct Reader {
    pub(super) layers: Layers,
    /// Keys that were read, given or not.
    pub(super) known: BTreeSet<String>,
    /// Sections whose entries have names that the user chooses.
    pub(super) groups: BTreeSet<String>,
    /// The files with secrets that were read, by their keys.
    pub(super) secret_files: BTreeMap<String, PathBuf>,
    /// The keys with secrets whose values are in the settings file.
    pub(super) secrets_within: BTreeSet<String>,
    /// The secrets in files of their own, by the keys that name the files.
    pub(super) secrets_of_files: BTreeMap<String, SecretString>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(file: Table, env: BTreeMap<String, String>) -> Self {
        Self {
            layers: Layers::new(file, env),
            known: BTreeSet::new(),
            groups: BTreeSet::new(),
            secret_files: BTreeMap::new(),
            secrets_within: BTreeSet::new(),
            secrets_of_files: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// Records a fault. Reading continues, so that all faults are reported at once.
    pub(super) fn fault(&mut self, key: &str, wrong: impl Into<String>, instead: impl Into<String>) {
        let variable = self.layers.get(key).and_then(layers::Given::variable).map(str::to_owned);
        self.faults.push(Fault {
            key: key.to_owned(),
            variable,
            wrong: wrong.into(),
            instead: instead.into(),
        });
    }

    /// Whether a fault was recorded for this key.
    pub(super) fn is_faulty(&self, key: &str) -> bool {
        self.faults.iter().any(|fault| fault.key == key)
    }

    /// Whether the key has a value, valid or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.layers.get(key).is_some()
    }

    /// The key's value; `None` if it is absent, or invalid and recorded as a fault.
    pub(super) fn get<T: Setting>(&mut self, key: &str) -> Option<T> {
        self.known.insert(key.to_owned());
        let read = match self.layers.get(key)? {
            layers::Given::File(value) => T::read(value),
            layers::Given::Variable { text, .. } => T::read_text(text),
        };
        read.map_err(|wrong| self.fault(key, wrong, format!("write {}", T::EXPECTED))).ok()
    }

    /// The key's value, or its default.
    pub(super) fn get_or<T: Setting>(&mut self, key: &str, default: T) -> T {
        self.get(key).unwrap_or(default)
    }

    /// The value of a required key. `example` completes "write …" in the fault.
    pub(super) fn require<T: Setting>(&mut self, key: &str, example: &str) -> Option<T> {
        if !self.has(key) {
            self.fault(key, "missing", format!("write {example}"));
        }
        self.get(key)
    }

    /// A value that must lie in a range.
    pub(super) fn within<T>(&mut self, key: &str, default: T, range: &RangeInclusive<T>) -> T
    where
        T: Setting + PartialOrd + Display,
    {
        let value = self.get_or(key, default);
        if !range.contains(&value) {
            self.fault(key, "out of range", format!("write {} to {}", range.start(), range.end()));
        }
        value
    }

    /// A duration that must not be zero.
    pub(super) fn lasting(&mut self, key: &str, default: Duration) -> Duration {
        let value = self.get_or(key, default);
        if value.is_zero() {
            self.fault(key, "zero", format!("write {}", Duration::EXPECTED));
        }
        value
    }

    /// The names of the entries of a group: the merchants, the keys of the vault, the numbers of
    /// the API keys.
    pub(super) fn names(&mut self, group: &str) -> BTreeSet<String> {
        self.groups.insert(group.to_owned());
        if self.layers.is_empty_list(group) {
            self.known.insert(group.to_owned());
        }
        let start = format!("{group}.");
        let below = |path: &str| path.strip_prefix(&start)?.split('.').next().map(str::to_owned);
        self.layers.paths().into_iter().filter_map(below).collect()
    }

    /// Returns a digest of each value. That of a file with a secret is one of the secret.
    pub(super) fn digests(&mut self) -> SettingDigests {
        let mut digests = self.layers.digests();
        for (key, secret) in std::mem::take(&mut self.secrets_of_files) {
            digests.add(&key, secret.expose_secret());
        }
        digests
    }

    /// Returns every fault, unknown keys included, in the order of the keys.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        for unknown in unknown::find(&self.layers, &self.known, &self.groups) {
            self.fault(&unknown.path, unknown.wrong, unknown.instead);
        }
        self.faults.sort_by(|a, b| a.key.cmp(&b.key));
        self.faults
    }
}
