//! The encrypted files of one kind in the folder `spool` of an instance folder: each holds what the
//! database could not take yet.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::disk::Disk;
use crate::backoff::Backoff;
use crate::bounded;
use crate::config::private;
use crate::vault::sealing::{Cipher, Secrets};

const FOLDER: &str = "spool";
/// The endings of the files that hold something.
const ENDINGS: [&str; 2] = ["successor", "result"];
/// The ending of a file that is being written.
const UNFINISHED: &str = "writing";
/// The most bytes of a file. One with the largest answer of Klarna is smaller.
const LARGEST: usize = 64 * 1024 * 1024;
/// The pauses between tries to write a file.
const PAUSE: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(5) };
/// How long to wait until a file is removed. The removal itself goes on.
const REMOVAL: Duration = Duration::from_millis(250);

/// The files of one kind in a spool.
#[derive(Clone)]
pub struct SpoolFolder {
    folder: PathBuf,
    ending: &'static str,
    installation: String,
    secrets: Arc<Secrets>,
    disk: Disk,
}

/// A file, encrypted, that is to be written and removed again.
pub struct SpoolFile {
    path: PathBuf,
    text: Arc<[u8]>,
    /// Whether the file is still of use. A write that hung and goes on later looks here.
    wanted: Arc<AtomicBool>,
    disk: Disk,
}

/// A file's content: its installation, and the encrypted record, which names its key.
#[derive(Serialize, Deserialize)]
struct Envelope {
    installation: String,
    record: String,
}

impl SpoolFolder {
    /// Opens the folder in `instance_dir`, and creates it if it does not exist. It removes files
    /// that an earlier process did not write to the end. It writes once as a test: a folder that
    /// cannot be written must be noticed before there is anything to write.
    ///
    /// # Errors
    /// If the folder cannot be created or written.
    pub fn open(
        instance_dir: &Path,
        ending: &'static str,
        installation: &str,
        secrets: Arc<Secrets>,
    ) -> io::Result<Self> {
        let folder = instance_dir.join(FOLDER);
        private::create_folder(&folder)?;
        private::restrict(&folder);
        // Left by a process that died while it wrote; the caller holds the folder's lock.
        for unfinished in files(instance_dir, &[UNFINISHED]) {
            fs::remove_file(unfinished)?;
        }
        let probe = folder.join(format!("{ending}.probe"));
        write_durably(&probe, b"")?;
        fs::remove_file(probe)?;
        Ok(Self { folder, ending, installation: installation.to_owned(), secrets, disk: Disk::default() })
    }

    /// The threads that work with the files.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Returns a file with this record. Nothing is written yet.
    ///
    /// # Errors
    /// If the record cannot be encrypted.
    pub fn file(&self, name: &str, record: &[u8]) -> io::Result<SpoolFile> {
        Ok(SpoolFile {
            path: self.folder.join(format!("{name}.{}", self.ending)),
            text: self.seal(record)?.into(),
            wanted: Arc::new(AtomicBool::new(true)),
            disk: self.disk.clone(),
        })
    }

    /// Returns the paths of the files.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let (folder, ending) = (self.folder.clone(), self.ending);
        let list = move || {
            let paths = fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
            Ok(paths.filter(|path| has_ending(path, ending)).collect())
        };
        self.disk.run(list).await.map_err(|error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("the spool {} cannot be read: {error}", self.folder.display()),
            )
        })
    }

    /// Returns the record in a file; `None` if it has been removed meanwhile. The error says why it
    /// cannot be read.
    ///
    /// # Errors
    /// It is unreadable, of another installation, or encrypted with an unknown key.
    pub async fn read(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let from = path.to_owned();
        let read = move || match fs::symlink_metadata(&from) {
            Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is not a file")),
            Ok(_) => bounded::read(&from, LARGEST).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let text = self.disk.run(read).await.map_err(|error| error.to_string())?;
        text.map(|text| self.open_text(&text)).transpose()
    }

    /// Removes a file that is of no use any more.
    pub async fn remove(&self, path: PathBuf) {
        remove(&self.disk, path).await;
    }

    /// Decrypts a file's text.
    pub(crate) fn open_text(&self, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        let envelope: Envelope = serde_json::from_slice(text).map_err(|_| "it is not a spool file")?;
        if envelope.installation != self.installation {
            return Err(format!("it belongs to the installation {:?}", envelope.installation));
        }
        let sealed = STANDARD.decode(envelope.record).map_err(|_| "it is not a spool file")?;
        self.secrets.open_spooled(&self.installation, &sealed).map_err(|error| error.to_string())
    }

    /// Encrypts a record for a file.
    pub(crate) fn seal(&self, record: &[u8]) -> io::Result<Vec<u8>> {
        let sealed = self.secrets.seal_spooled(&self.installation, record).map_err(io::Error::other)?;
        let envelope = Envelope { installation: self.installation.clone(), record: STANDARD.encode(sealed) };
        Ok(serde_json::to_vec(&envelope)?)
    }
}

impl SpoolFile {
    /// Writes the file, with pauses between tries, for as long as it takes. It is durable when this
    /// returns.
    pub async fn persist(&self) {
        let mut tries = 0;
        while let Err(error) = self.write().await {
            tries += 1;
            tracing::error!(file = %self.path.display(), %error,
                "What the database could not take yet could not be written to the spool either; it is only in memory, \
                 and the service keeps trying");
            tokio::time::sleep(PAUSE.delay(tries, rand::random(), None)).await;
        }
    }

    async fn write(&self) -> io::Result<()> {
        let (path, text, wanted) = (self.path.clone(), Arc::clone(&self.text), Arc::clone(&self.wanted));
        let write = move || {
            write_durably(&path, &text)?;
            if wanted.load(Ordering::SeqCst) { Ok(()) } else { fs::remove_file(&path) }
        };
        self.disk.run(write).await
    }

    /// Removes the file, because the database has what it holds. A write that is still under way is
    /// undone.
    pub async fn discard(self) {
        self.wanted.store(false, Ordering::SeqCst);
        remove(&self.disk, self.path).await;
    }
}

async fn remove(disk: &Disk, path: PathBuf) {
    let file = path.clone();
    let removal = disk.run(move || match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    });
    if let Ok(Err(error)) = timeout(REMOVAL, removal).await {
        tracing::warn!(file = %path.display(), %error, "A spool file whose content is stored could not be deleted");
    }
}

/// Returns the key that encrypts each file of this installation in an instance folder. Empty if
/// there is no such folder.
pub(super) fn keys_in(instance_dir: &Path, installation: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for path in files(instance_dir, &ENDINGS) {
        if !path.is_file() {
            continue;
        }
        let text = bounded::read(&path, LARGEST).ok();
        let envelope = text.and_then(|text| serde_json::from_slice::<Envelope>(&text).ok());
        let Some(envelope) = envelope.filter(|envelope| envelope.installation == installation) else {
            continue;
        };
        let sealed = STANDARD.decode(envelope.record).unwrap_or_default();
        keys.extend(Cipher::key_of(&sealed).map(str::to_owned));
    }
    keys
}

/// Returns how many files wait in the spool of an instance folder; 0 if there is no such folder.
pub(super) fn waiting_in(instance_dir: &Path) -> usize {
    files(instance_dir, &ENDINGS).len()
}

/// Returns how many files with a refresh token wait there.
pub(super) fn successors_in(instance_dir: &Path) -> usize {
    files(instance_dir, &ENDINGS[..1]).len()
}

fn files(instance_dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let paths =
        fs::read_dir(instance_dir.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| endings.iter().any(|ending| has_ending(path, ending))).collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// Writes a file so that it is complete or absent: temporary file, fsync, rename, fsync of the
/// folder. The temporary file has a name of its own, because an earlier write of the same file may
/// hang and go on later.
fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.{UNFINISHED}", Uuid::new_v4().simple()));
    let write = || {
        let mut file = private::options().write(true).create_new(true).open(&temporary)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().inspect_err(|_| {
        // There may be none, and a file that is left over is only in the way.
        let _ = fs::remove_file(&temporary);
    })
}
