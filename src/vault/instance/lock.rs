//! The lock of the instance folder. A process that holds it knows that every earlier process in
//! this folder is dead.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::config::private;
use crate::ids::{InstanceId, WorkerId};

/// Why a process cannot use its instance folder.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// It cannot be created or written.
    #[error("vault.instance_dir: {folder} cannot be used: {error}; give the process a folder of its own with \
        write access", folder = .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// Another process uses it.
    #[error("vault.instance_dir: another process uses {folder}; give each process a folder of its own", folder = .0.display())]
    Taken(PathBuf),
    /// Its spool, or that of `refresh`, has files that no key of the settings can decrypt.
    #[error("vault.keys has no {key}, which {files} files in {folder}/spool are encrypted with: they contain refresh tokens that are stored nowhere else; add [vault.keys.{key}] again, and remove it after they are stored (see `keys status`)", folder = .folder.display())]
    KeyMissing {
        /// The folder.
        folder: PathBuf,
        /// The key's name.
        key: String,
        /// The number of files.
        files: usize,
    },
    /// Its id cannot be read.
    #[error("vault.instance_dir: {file} contains no id; restore it, or delete it if the spool is empty", file = .0.display())]
    NoId(PathBuf),
}

/// A locked instance folder. The lock ends with the process.
#[derive(Debug)]
pub struct Instance {
    /// The folder's id, the same at every start.
    pub folder: InstanceId,
    /// The id of this start of the process.
    pub start: WorkerId,
    _lock: File,
}

impl Instance {
    /// Locks the folder, and creates it if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be written, or another process has locked it.
    pub fn take(folder: &Path) -> Result<Self, InstanceError> {
        let unusable = |error| InstanceError::Unusable { folder: folder.to_owned(), error };
        private::create_folder(folder).map_err(unusable)?;
        private::restrict(folder);
        let path = folder.join("instance");
        let mut lock =
            private::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        private::restrict(&path);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(InstanceError::Taken(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut text = String::new();
        lock.read_to_string(&mut text).map_err(unusable)?;
        let id = if text.is_empty() {
            let id = InstanceId::from(Uuid::now_v7());
            lock.rewind().and_then(|()| writeln!(lock, "{id}")).and_then(|()| lock.sync_all()).map_err(unusable)?;
            id
        } else {
            text.trim().parse().map_err(|_| InstanceError::NoId(path))?
        };
        Ok(Self { folder: id, start: Uuid::now_v7().into(), _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_id_and_has_one_tenant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = Instance::take(&path).unwrap();
        assert!(matches!(Instance::take(&path), Err(InstanceError::Taken(_))));
        let (id, start) = (first.folder, first.start);
        drop(first);
        let second = Instance::take(&path).unwrap();
        assert_eq!(second.folder, id);
        assert_ne!(second.start, start);
    }

    #[test]
    fn a_file_in_its_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = Instance::take(&path).unwrap_err().to_string();
        assert!(error.starts_with("vault.instance_dir: ") && error.contains("cannot be used"), "{error}");
    }
}
