//! Where one measurement takes place: a folder and a database of its own, removed after it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::BenchError;
use crate::store::{Counters, Scratch};

/// All that was made and is not removed yet: what an interrupted run leaves to [`BenchDirs::clear`].
#[derive(Clone, Default)]
pub struct BenchDirs(Arc<Mutex<Vec<Arc<Scratch>>>>);

/// One measurement's own.
pub(super) struct BenchDir {
    folder: TempDir,
    /// PostgreSQL; a file in the folder otherwise.
    pub(super) scratch: Option<Arc<Scratch>>,
    dirs: BenchDirs,
}

impl BenchDirs {
    /// New ground: on the server that `url` names, where one is given.
    pub(super) async fn make(&self, url: Option<&SecretString>) -> Result<BenchDir, BenchError> {
        let folder = tempfile::Builder::new().prefix("klarna-order-worker-bench-").tempdir();
        let folder = folder.map_err(BenchError::io("make a temporary folder"))?;
        let scratch = match url {
            Some(url) => Some(Arc::new(Scratch::make(url).await?)),
            None => None,
        };
        self.made().extend(scratch.clone());
        Ok(BenchDir { folder, scratch, dirs: self.clone() })
    }

    /// Removes the databases that are left.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn clear(&self) -> Result<(), BenchError> {
        let left = std::mem::take(&mut *self.made());
        for scratch in left {
            scratch.remove().await?;
        }
        Ok(())
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Scratch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BenchDir {
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// For `database.url`.
    pub(super) fn url(&self) -> String {
        match &self.scratch {
            Some(scratch) => scratch.url().expose_secret().to_owned(),
            None => format!("sqlite://{}", self.join("worker.db").display()),
        }
    }

    /// What the server has done so far; `None` on SQLite.
    pub(super) async fn counters(&self) -> Result<Option<Counters>, BenchError> {
        match &self.scratch {
            Some(scratch) => Ok(Some(scratch.counters().await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn remove(self) -> Result<(), BenchError> {
        if let Some(scratch) = &self.scratch {
            scratch.remove().await?;
            self.dirs.made().retain(|made| !Arc::ptr_eq(made, scratch));
        }
        self.folder.close().map_err(BenchError::io("remove the temporary folder"))
    }
}
