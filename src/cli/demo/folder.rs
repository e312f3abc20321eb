//! The demo's folder: all that it writes lies in it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::CliError;

/// Says that the folder is the demo's to empty; held while it runs.
const MARK: &str = ".klarna-order-worker-demo";

/// An empty folder, this demo's alone while this lives.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder, or empties it where an earlier demo made it. Any other folder is left alone.
    pub(super) fn take(path: &Path) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::failed(format!("use the folder {}", path.display()), error);
        fs::create_dir_all(path).map_err(failed)?;
        let mark = path.join(MARK);
        let is_empty = fs::read_dir(path).map_err(failed)?.next().is_none();
        if !is_empty && !mark.exists() {
            return Err(CliError::Usage(format!(
                "{} holds something that the demo did not write, and the demo empties its folder: name another with --data",
                path.display()
            )));
        }
        let lock = File::options().write(true).create(true).truncate(false).open(&mark).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let doing = format!("use the folder {}", path.display());
                return Err(CliError::failed(
                    doing,
                    "another demo runs in it; end that one, or name another with --data",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        empty(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A path in the folder.
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
        // The type of a link itself: what it points at is not ours.
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
