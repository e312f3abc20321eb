//! Stores in the database what the files of a spool hold.

use serde::Serialize;
use zeroize::Zeroizing;

use super::folder::SpoolFolder;
use crate::store::StoreError;

/// How many files a replay leaves because another session has locked their rows. With more, their
/// table may be locked, and each would wait.
const MOST_LOCKED: usize = 5;

/// The result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Records that the database has now.
    pub stored: usize,
    /// Records that are no longer needed: users have signed in or were forgotten since, or orders
    /// have ended otherwise or got another body.
    pub superseded: usize,
    /// Files that are left: of a locked row, of an order that is being sent again, unreadable,
    /// encrypted with an unknown key, of an unknown user, or of another installation.
    pub left: usize,
}

impl std::ops::AddAssign for Replayed {
    fn add_assign(&mut self, other: Self) {
        self.stored += other.stored;
        self.superseded += other.superseded;
        self.left += other.left;
    }
}

/// Why a record was not stored.
pub enum ReplayError {
    /// It cannot be read.
    Unreadable(String),
    /// It is to be stored later, because of this.
    NotYet(&'static str),
    /// The database did not take it.
    Store(StoreError),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SpoolFolder {
    /// Passes the record of each file to `store`, and removes the file once `store` has succeeded.
    /// `store` returns whether the record was stored; `false` means that it is no longer needed. A
    /// file that cannot be read, that the database refuses, whose row is locked or whose time has
    /// not come is logged and left, and the others are still stored: the next replay tries it
    /// again.
    ///
    /// # Errors
    /// If the folder cannot be read, or the database cannot be used. The rest is tried again.
    pub async fn replay<F>(&self, store: impl Fn(Zeroizing<Vec<u8>>) -> F) -> Result<Replayed, StoreError>
    where
        F: Future<Output = Result<bool, ReplayError>>,
    {
        let (mut replayed, mut locked) = (Replayed::default(), 0);
        for path in self.paths().await.map_err(|error| StoreError::Location(error.to_string()))? {
            let done = match self.read(&path).await {
                // This process has stored the record itself meanwhile, and removed its file.
                Ok(None) => continue,
                Ok(Some(record)) => store(record).await,
                Err(why) => Err(ReplayError::Unreadable(why)),
            };
            let why = match done {
                Ok(stored) => {
                    *if stored { &mut replayed.stored } else { &mut replayed.superseded } += 1;
                    // By its path: whoever copied the file here may have changed the file's name.
                    self.remove(path).await;
                    continue;
                }
                Err(ReplayError::NotYet(why)) => {
                    tracing::info!(file = %path.display(), why, "A spool file is left for the next replay");
                    replayed.left += 1;
                    continue;
                }
                Err(ReplayError::Store(StoreError::Busy(why))) if locked < MOST_LOCKED => {
                    tracing::warn!(file = %path.display(), why,
                        "A spool file waits for a row that another session of the database has locked");
                    locked += 1;
                    replayed.left += 1;
                    continue;
                }
                Err(ReplayError::Store(error)) if error.is_transient() && !error.may_be_of_one_write() => {
                    return Err(error);
                }
                Err(ReplayError::Store(error)) => error.to_string(),
                Err(ReplayError::Unreadable(why)) => why,
            };
            tracing::error!(file = %path.display(), why, "A spool file was not replayed; it needs an operator");
            replayed.left += 1;
        }
        Ok(replayed)
    }

    /// Returns how many files wait. A folder that cannot be read counts as one: it may have some.
    pub async fn waiting(&self) -> usize {
        self.paths().await.map_or(1, |paths| paths.len())
    }
}
