//! This machine's spools: that of the service, and that of `refresh` and `tokens vend` with the
//! same settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::{App, AppError};
use crate::config::Settings;
use crate::store::StoreError;
use crate::vault::instance::{self, Disk, Instance, InstanceError, Replayed, Spool};
use crate::worker::ResultSpool;

impl App {
    /// The encryption keys that files in this machine's spools need, with the number of files for
    /// each key.
    #[must_use]
    pub fn spooled_keys(&self) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for folder in [&self.settings.vault.instance_dir, &refresh_folder(&self.settings)] {
            for (key, files) in Spool::keys_in(folder, &self.settings.installation) {
                *keys.entry(key).or_default() += files;
            }
        }
        keys
    }

    /// How many refresh tokens wait in this machine's spools. The database does not have them yet.
    #[must_use]
    pub fn successors_waiting(&self) -> usize {
        Spool::successors_in(&self.settings.vault.instance_dir)
            + Spool::successors_in(&refresh_folder(&self.settings))
    }
}

/// The number of files in this machine's spools, for whoever must not wait for the disk.
pub(super) struct SpoolFiles {
    app: App,
    counted: Arc<AtomicUsize>,
    counting: Arc<AtomicBool>,
}

impl SpoolFiles {
    /// Begins the first count.
    pub(super) fn new(app: &App) -> Self {
        let files = Self { app: app.clone(), counted: Arc::default(), counting: Arc::default() };
        files.last();
        files
    }

    /// Returns the last count, and begins another one unless one is under way.
    pub(super) fn last(&self) -> usize {
        if !self.counting.swap(true, Ordering::SeqCst) {
            let (app, counted, counting) =
                (self.app.clone(), Arc::clone(&self.counted), Arc::clone(&self.counting));
            let count = move || {
                let folders = [app.settings.vault.instance_dir.clone(), refresh_folder(&app.settings)];
                counted.store(folders.iter().map(|folder| Spool::waiting_in(folder)).sum(), Ordering::SeqCst);
                counting.store(false, Ordering::SeqCst);
            };
            if thread::Builder::new().name("spool files".into()).spawn(count).is_err() {
                self.counting.store(false, Ordering::SeqCst);
            }
        }
        self.counted.load(Ordering::SeqCst)
    }
}

/// Works with an instance folder, on a thread of its own: its disk may hang.
pub(super) async fn on_disk<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(&Path) -> Result<T, InstanceError> + Send + 'static,
) -> Result<T, InstanceError> {
    let path = folder.to_owned();
    let done = Disk::default().run(move || Ok(work(&path))).await;
    done.map_err(|error| InstanceError::Unusable { folder: folder.to_owned(), error })?
}

/// Checks that the settings have every key that a file in the spool needs.
pub(super) async fn keys_of_spool(app: &App, folder: &Path) -> Result<(), InstanceError> {
    let installation = app.settings.installation.clone();
    let keys = on_disk(folder, move |folder| Ok(Spool::keys_in(folder, &installation))).await?;
    for (key, files) in keys {
        if !app.secrets.cipher().fingerprints().contains_key(&key) {
            return Err(InstanceError::KeyMissing { folder: folder.to_owned(), key, files });
        }
    }
    Ok(())
}

/// The instance folder of `refresh` and `tokens vend`, beside that of a service with the same
/// settings.
pub(super) fn refresh_folder(settings: &Settings) -> PathBuf {
    instance::refresh_folder(&settings.vault.instance_dir)
}

/// Replays the spool of `refresh`, unless a `refresh` is running. One that was killed during an
/// outage left tokens there, and the next one may start hours later.
pub(super) async fn replay_for_refresh(app: &App) -> Result<(), AppError> {
    let folder = refresh_folder(&app.settings);
    let take = |folder: &Path| match Spool::waiting_in(folder) {
        0 => Ok(None),
        _ => Instance::take(folder).map(Some),
    };
    let _held = match on_disk(&folder, take).await {
        Ok(Some(held)) => held,
        Ok(None) | Err(InstanceError::Taken(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    replay(app, &folder).await?;
    Ok(())
}

/// Replays the spool of an instance folder. The caller holds its lock.
pub(super) async fn replay(app: &App, folder: &Path) -> Result<Replayed, AppError> {
    Ok(open_spools(app, folder).await?.replay(app).await?)
}

/// What waits in an instance folder for the database.
pub(super) struct Spools {
    /// Refresh tokens.
    pub(super) tokens: Spool,
    /// Results of orders.
    pub(super) results: ResultSpool,
}

impl Spools {
    /// Stores everything. Results do not wait for tokens that another session has locked.
    pub(super) async fn replay(&self, app: &App) -> Result<Replayed, StoreError> {
        let (tokens, results) =
            tokio::join!(self.tokens.replay(&*app.store), self.results.replay(&*app.store));
        let mut replayed = tokens?;
        replayed += results?;
        Ok(replayed)
    }
}

pub(super) async fn open_spools(app: &App, folder: &Path) -> Result<Spools, InstanceError> {
    let (installation, secrets) = (app.settings.installation.clone(), Arc::clone(&app.secrets));
    on_disk(folder, move |folder| {
        let unusable = |error| InstanceError::Unusable { folder: folder.to_owned(), error };
        Ok(Spools {
            tokens: Spool::open(folder, &installation, Arc::clone(&secrets)).map_err(unusable)?,
            results: ResultSpool::open(folder, &installation, secrets).map_err(unusable)?,
        })
    })
    .await
}
