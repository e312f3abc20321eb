//! The database's file, and whether it is still the one that was opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::store::StoreError;

/// The file of a SQLite database. SQLite goes on writing into a file that was deleted, renamed or
/// replaced, and everything written there is lost with the process.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    /// Its device and inode when it was first looked at.
    opened: OnceLock<(u64, u64)>,
}

impl DatabaseFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: OnceLock::new() }
    }

    /// Remembers the file that is there now; SQLite has just opened it.
    pub(super) fn remember(&self) {
        if let Some(now) = identity(&self.path) {
            // The first one counts.
            let _ = self.opened.set(now);
        }
    }

    /// Checks that the path still leads to the file that was opened.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.opened.get() {
            Some(opened) if identity(&self.path) != Some(*opened) => {
                Err(StoreError::FileReplaced(self.path.display().to_string()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Windows lets nobody delete or rename an open file.
#[cfg(windows)]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
