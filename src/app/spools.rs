//! This machine's spools: that of the service, and that of `refresh` with the same settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{App, AppError};
use crate::vault::instance::{Instance, InstanceError, Replayed, Spool};

impl App {
    /// The encryption keys that files in this machine's spools need, with the number of files for
    /// each key.
    #[must_use]
    pub fn spooled_keys(&self) -> BTreeMap<String, usize> {
        let mut keys = BTreeMap::new();
        for folder in [&self.settings.vault.instance_dir, &refresh_folder(self)] {
            for (key, files) in Spool::keys_in(folder, &self.settings.installation) {
                *keys.entry(key).or_default() += files;
            }
        }
        keys
    }

    /// How many refresh tokens wait in this machine's spools.
    pub(super) fn spool_files(&self) -> usize {
        Spool::waiting_in(&self.settings.vault.instance_dir) + Spool::waiting_in(&refresh_folder(self))
    }
}

/// Checks that the settings have every key that a file in the spool needs.
pub(super) fn keys_of_spool(app: &App, folder: &Path) -> Result<(), InstanceError> {
    for (key, files) in Spool::keys_in(folder, &app.settings.installation) {
        if !app.secrets.cipher().fingerprints().contains_key(&key) {
            return Err(InstanceError::KeyMissing { folder: folder.to_owned(), key, files });
        }
    }
    Ok(())
}

/// The instance folder of `refresh`, beside that of a service with the same settings.
pub(super) fn refresh_folder(app: &App) -> PathBuf {
    let mut folder = app.settings.vault.instance_dir.clone().into_os_string();
    folder.push("-refresh");
    folder.into()
}

/// Replays the spool of `refresh`, unless a `refresh` is running. One that was killed during an
/// outage left tokens there, and the next one may start hours later.
pub(super) async fn replay_for_refresh(app: &App) -> Result<(), AppError> {
    let folder = refresh_folder(app);
    if Spool::waiting_in(&folder) == 0 {
        return Ok(());
    }
    let _held = match Instance::take(&folder) {
        Ok(held) => held,
        Err(InstanceError::Taken(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    replay(app, &folder).await?;
    Ok(())
}

/// Replays the spool of an instance folder. The caller holds its lock.
pub(super) async fn replay(app: &App, folder: &Path) -> Result<Replayed, AppError> {
    let spool = open_spool(app, folder)?;
    Ok(spool.replay(&*app.store).await?)
}

pub(super) fn open_spool(app: &App, folder: &Path) -> Result<Spool, InstanceError> {
    let opened = Spool::open(folder, &app.settings.installation, Arc::clone(&app.secrets));
    opened.map_err(|error| InstanceError::Unusable { folder: folder.to_owned(), error })
}
