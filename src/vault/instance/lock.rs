//! The lock of the instance folder. A process that holds it knows that every earlier process in
//! this folder is dead.

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::LARGEST;
use super::host::{HostMark, Origin};
use crate::bounded;
use crate::config::private;
use crate::ids::{InstanceId, WorkerId};

/// The lock file, which contains the folder's id.
const LOCK: &str = "instance";

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
    #[error(
        "vault.instance_dir: another process uses {folder}; give each process a folder of its own",
        folder = .0.display()
    )]
    Taken(PathBuf),
    /// Its spool, or that of `refresh`, has files that no key of the settings can decrypt.
    #[error("vault.keys has no {key}, which {files} files in {folder}/spool are encrypted with: they contain \
        refresh tokens that are stored nowhere else; add [vault.keys.{key}] again, and remove it after they \
        are stored (see `keys status`)", folder = .folder.display())]
    KeyMissing {
        /// The folder.
        folder: PathBuf,
        /// The key's name.
        key: String,
        /// The number of files.
        files: usize,
    },
    /// It was used on another machine last.
    #[error("vault.instance_dir: {folder} was used on another machine last, so it is a copy or was moved here; give \
        this process a folder of its own, or make this one an instance of its own with `klarna-order-worker instance \
        new`", folder = .0.display())]
    OtherMachine(PathBuf),
    /// A process with this folder still sends heartbeats.
    #[error("vault.instance_dir: a process that uses {folder}, or the folder that it was copied from, still sends \
        heartbeats; give this process a folder of its own, or make a copy an instance of its own with \
        `klarna-order-worker instance new`", folder = .0.display())]
    InUse(PathBuf),
    /// Its id cannot be read.
    #[error(
        "vault.instance_dir: {file} contains no id; restore it, or delete it if the spool is empty",
        file = .0.display()
    )]
    NoId(PathBuf),
}

/// A locked instance folder. The lock ends with the process.
#[derive(Debug)]
pub struct Instance {
    /// The folder's id, the same at every start.
    pub folder: InstanceId,
    /// The id of this start of the process.
    pub start: WorkerId,
    /// Whether the lock proves that earlier processes are dead.
    pub origin: Origin,
    host_mark: HostMark,
    lock: File,
}

/// This machine and an instance folder on it.
pub struct HostRecord(HostMark);

impl HostRecord {
    /// Records in the folder that it is used here.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn record(&self, folder: &Path) -> Result<(), InstanceError> {
        self.0.write(folder).map_err(|error| InstanceError::Unusable { folder: folder.to_owned(), error })
    }
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
        let path = folder.join(LOCK);
        let mut lock = private::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        private::restrict(&path);
        match try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(InstanceError::Taken(folder.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let text = bounded::read_text_from(&lock, LARGEST).map_err(unusable)?;
        let host_mark = HostMark::of(&lock).map_err(unusable)?;
        let mut origin = host_mark.origin(HostMark::read(folder).as_ref());
        let id = if text.is_empty() {
            host_mark.write(folder).map_err(unusable)?;
            origin = Origin::Here;
            new_id(&mut lock).map_err(unusable)?
        } else {
            text.trim().parse().map_err(|_| InstanceError::NoId(path))?
        };
        Ok(Self { folder: id, start: Uuid::now_v7().into(), origin, host_mark, lock })
    }

    /// Returns the folder's id, without its lock; `None` if nothing has used the folder yet.
    #[must_use]
    pub fn id_of(folder: &Path) -> Option<InstanceId> {
        bounded::read_text(&folder.join(LOCK), LARGEST).ok()?.trim().parse().ok()
    }

    /// Gives the folder another id, so that it is an instance of its own on this machine. Its spool
    /// stays. Returns the id.
    ///
    /// # Errors
    /// If the folder cannot be written, or another process has locked it.
    pub fn renew(folder: &Path) -> Result<InstanceId, InstanceError> {
        let unusable = |error| InstanceError::Unusable { folder: folder.to_owned(), error };
        let mut taken = Self::take(folder)?;
        let id = new_id(&mut taken.lock).map_err(unusable)?;
        taken.host_mark.write(folder).map_err(unusable)?;
        Ok(id)
    }

    /// Returns what [`HostRecord::record`] writes into the folder.
    #[must_use]
    pub fn host_mark(&self) -> HostRecord {
        HostRecord(self.host_mark.clone())
    }
}

/// Locks the file. [`is_taken`] holds the lock for a moment, so a lock that is held is tried again.
fn try_lock(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            done => return done,
        }
    }
    lock.try_lock()
}

/// Returns whether a process uses the folder.
#[must_use]
pub fn is_taken(folder: &Path) -> bool {
    let lock = File::options().read(true).write(true).open(folder.join("instance"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Writes a new id into the lock file. The old one is overwritten at once, because both have the
/// same length.
fn new_id(lock: &mut File) -> std::io::Result<InstanceId> {
    let id = InstanceId::from(Uuid::now_v7());
    lock.rewind()?;
    writeln!(lock, "{id}")?;
    lock.sync_all()?;
    Ok(id)
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
        assert_eq!((Instance::id_of(&path), Instance::id_of(folder.path())), (Some(id), None));
        drop(first);
        let second = Instance::take(&path).unwrap();
        assert_eq!(second.folder, id);
        assert_ne!(second.start, start);
        assert_eq!(second.origin, Origin::Here);
        drop(second);
        let renewed = Instance::renew(&path).unwrap();
        assert_ne!(renewed, id);
        assert_eq!(Instance::take(&path).unwrap().folder, renewed);
    }

    #[test]
    fn a_copy_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("a"), folder.path().join("b"));
        drop(Instance::take(&path).unwrap());
        std::fs::create_dir(&copy).unwrap();
        for file in ["instance", "host"] {
            std::fs::copy(path.join(file), copy.join(file)).unwrap();
        }
        assert_eq!(Instance::take(&copy).unwrap().origin, Origin::Unproven);
        Instance::renew(&copy).unwrap();
        assert_eq!(Instance::take(&copy).unwrap().origin, Origin::Here);
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
