//! Finds files with secrets that other users of the machine can read or change.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{KeySource, Settings};

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
    /// Returns the files with secrets that others can read or change. A file that is not there yet
    /// is not one of them.
    #[must_use]
    pub fn exposed_files(&self) -> Vec<ExposedFile> {
        let keys = self.vault.keys.iter().filter_map(|(name, source)| match source {
            KeySource::File(path) => Some((format!("vault.keys.{name}.file"), path.clone())),
            // A wrapped key is of no use without its key service.
            KeySource::Env(_) | KeySource::Wrapped(_) => None,
        });
        let named = self.secret_files.iter().map(|(key, path)| (key.clone(), path.clone()));
        let exposed = keys.chain(named).filter_map(|(key, path)| {
            let mode = path.metadata().ok()?.permissions().mode() & 0o777;
            (mode & OTHERS != 0).then_some(ExposedFile { key, path, mode })
        });
        exposed.collect()
    }
}
