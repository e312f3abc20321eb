//! The temporary folder and the database of one measurement, which are removed after it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::BenchError;
use crate::scratch::{Counters, ScratchDatabase};

/// The databases that exist or are being created. [`Databases::clear`] removes them, also after an
/// interruption.
#[derive(Clone, Default)]
pub struct Databases(Arc<Mutex<Vec<Arc<ScratchDatabase>>>>);

/// The folder of one measurement, and its database.
pub struct BenchDir {
    folder: TempDir,
    /// The database on PostgreSQL. `None`: it is a SQLite file in the folder.
    pub scratch: Option<Arc<ScratchDatabase>>,
    databases: Databases,
}

impl Databases {
    /// Creates a folder, and on the server that `url` names, if it is given, a database.
    ///
    /// # Errors
    /// If either cannot be created.
    pub async fn dir(&self, url: Option<&SecretString>) -> Result<BenchDir, BenchError> {
        let folder = tempfile::Builder::new().prefix("klarna-order-worker-bench-").tempdir();
        let folder = folder.map_err(BenchError::io("make a temporary folder"))?;
        let scratch = match url {
            Some(url) => {
                let scratch = Arc::new(ScratchDatabase::named_anew(url)?);
                // Add it before it exists, because the run may be interrupted while the server
                // creates it.
                self.made().push(scratch.clone());
                scratch.create().await?;
                Some(scratch)
            }
            None => None,
        };
        Ok(BenchDir { folder, scratch, databases: self.clone() })
    }

    /// Removes the databases that are left.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn clear(&self) -> Result<(), BenchError> {
        let left = std::mem::take(&mut *self.made());
        for scratch in left {
            scratch.remove().await?;
        }
        Ok(())
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<Arc<ScratchDatabase>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BenchDir {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The value of `database.url`.
    pub fn url(&self) -> String {
        match &self.scratch {
            Some(scratch) => scratch.url().expose_secret().to_owned(),
            None => format!("sqlite://{}", self.sqlite_file().display()),
        }
    }

    /// Returns the path of the SQLite database.
    #[must_use]
    pub fn sqlite_file(&self) -> PathBuf {
        self.join("worker.db")
    }

    /// Returns the counters of the server; `None` on SQLite.
    pub async fn counters(&self) -> Result<Option<Counters>, BenchError> {
        match &self.scratch {
            Some(scratch) => Ok(Some(scratch.counters().await?)),
            None => Ok(None),
        }
    }

    pub async fn remove(self) -> Result<(), BenchError> {
        if let Some(scratch) = &self.scratch {
            scratch.remove().await?;
            self.databases.made().retain(|made| !Arc::ptr_eq(made, scratch));
        }
        self.folder.close().map_err(BenchError::io("remove the temporary folder"))
    }
}
