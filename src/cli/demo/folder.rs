//! The demo's folder. The demo writes nothing outside it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::config::private;

/// The file that shows that the demo may empty the folder. It is locked while the demo runs.
const MARK: &str = ".klarna-order-worker-demo";

/// The demo's folder, locked while this value lives.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder, or empties it if an earlier demo created it.
    ///
    /// # Errors
    /// If the folder has other files, or another demo runs in it.
    pub(super) fn take(path: &Path) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::failed(format!("use the folder {}", path.display()), error);
        private::create_folder(path).map_err(failed)?;
        let mark = path.join(MARK);
        let is_empty = fs::read_dir(path).map_err(failed)?.next().is_none();
        if !is_empty && !mark.exists() {
            return Err(CliError::Usage(format!(
                "the demo empties its folder, and {} has files that the demo did not write: name another \
                 folder with --data",
                path.display()
            )));
        }
        // Its files have tokens and a key, if only those of a sandbox.
        private::restrict(path);
        let lock = private::options().write(true).create(true).truncate(false).open(&mark).map_err(failed)?;
        private::restrict(&mark);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let doing = format!("use the folder {}", path.display());
                return Err(CliError::failed(
                    doing,
                    "another demo runs in it: stop that one, or name another folder with --data",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        empty(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn empty(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        // The type of a link itself, because its target may lie outside the folder.
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
