//! Checks that the database's file is still the one that was opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::store::StoreError;

/// The file of a SQLite database. If it is deleted, renamed or replaced, SQLite continues to write
/// to the old file, and everything written there is lost with the process.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    /// Device and inode of the file that was opened.
    opened: OnceLock<(u64, u64)>,
}

impl DatabaseFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: OnceLock::new() }
    }

    /// Remembers the present file, which SQLite has just opened.
    pub(super) fn remember(&self) {
        if let Some(now) = identity(&self.path) {
            // The first one counts.
            let _ = self.opened.set(now);
        }
    }

    /// Checks that the path still leads to the file that was opened. It does not wait for the disk:
    /// the system keeps in memory what it knows of an open file.
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

/// Windows does not let an open file be deleted or renamed.
#[cfg(windows)]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
