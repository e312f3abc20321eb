//! Files and folders that only their owner can read, whatever the process's umask.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Creates a folder with mode 0700, and missing ones above it. A folder that exists stays as it is.
///
/// # Errors
/// If it cannot be created.
pub fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Returns options with which a new file gets mode 0600.
#[must_use]
pub fn options() -> OpenOptions {
    let mut options = File::options();
    options.mode(0o600);
    options
}

/// Writes a file, with mode 0600 if it is new.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut options().write(true).create(true).truncate(true).open(path)?, content)
}

/// Removes the permissions of group and others from an existing file or folder. Only its owner can
/// do this. If somebody else owns it, that is logged and is no error.
pub fn restrict(path: &Path) {
    remove(path, 0o077);
}

/// As [`restrict`], but the group may go on reading: a program that collects logs may be in it.
pub fn keep_from_others(path: &Path) {
    remove(path, 0o037);
}

fn remove(path: &Path, permissions: u32) {
    let Ok(metadata) = path.metadata() else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & permissions == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & !permissions)) {
        tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), %error,
            "Other users of this machine may read this file or folder, and its permissions cannot be changed");
    }
}
