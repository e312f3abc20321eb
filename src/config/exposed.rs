//! Finds files with secrets that other users of the machine can read or change.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::setting::is_loopback;
use super::{KeySource, Merchant, Settings};

/// The permissions that others must not have. The group may read, because containers mount secrets
/// that way.
const OTHERS: u32 = 0o027;

/// A file with a secret that others can read or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedFile {
    /// The setting that names it.
    pub key: String,
    /// The file.
    pub path: PathBuf,
    /// Its permissions, such as 0o644.
    pub mode: u32,
}

impl Settings {
    /// Returns the files with secrets that others can read or change, the settings file included if
    /// it has any. A file that is not there yet is not one of them.
    #[must_use]
    pub fn exposed_files(&self) -> Vec<ExposedFile> {
        let keys = self.vault.keys.iter().filter_map(|(name, source)| match source {
            KeySource::File(path) => Some((format!("vault.keys.{name}.file"), path.clone())),
            // A wrapped key is of no use without its key service.
            KeySource::Env(_) | KeySource::Wrapped(_) => None,
        });
        let named = self.secret_files.iter().map(|(key, path)| (key.clone(), path.clone()));
        let own = self.file.iter().filter_map(|file| {
            let key = self.secrets_within.iter().find(|key| !self.is_of_sandbox(key))?;
            Some((key.clone(), file.clone()))
        });
        keys.chain(named).chain(own).filter_map(|(key, path)| ExposedFile::of(key, path)).collect()
    }

    /// Whether a setting is one of a merchant whose calls do not leave this machine: then a sandbox
    /// answers them, and its secrets open nothing else.
    fn is_of_sandbox(&self, key: &str) -> bool {
        let of_merchant = |merchant: &Merchant| {
            let section = format!("merchants.{}.", merchant.name);
            let mut urls =
                [&merchant.token_url, &merchant.payments_url].into_iter().chain(&merchant.checkout_url);
            key.starts_with(&section) && urls.all(|url| is_loopback(url))
        };
        self.merchants.values().any(|merchant| of_merchant(merchant))
    }
}

impl ExposedFile {
    /// `None` if others can neither read nor change the file, or there is none.
    #[must_use]
    pub fn of(key: String, path: PathBuf) -> Option<Self> {
        let mode = path.metadata().ok()?.permissions().mode() & 0o777;
        (mode & OTHERS != 0).then_some(Self { key, path, mode })
    }
}
