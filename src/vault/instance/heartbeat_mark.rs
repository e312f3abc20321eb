//! Stores the last heartbeat that the database confirmed to a process. A database that does not
//! know that heartbeat was restored from a backup, or failed over to a server that had not received
//! it.

use std::fs::File;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::LARGEST;
use crate::bounded;
use crate::config::private;
use crate::ids::WorkerId;

const FILE: &str = "seen";

/// Up to this number of heartbeats, the mark is synced to disk. Without any mark, a start could not
/// tell that the database was restored.
const FIRST: i64 = 2;

/// A heartbeat that the database confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatMark {
    /// The start of the process that sent it.
    pub worker: WorkerId,
    /// Its time, by the database's clock.
    pub heartbeat_at: DateTime<Utc>,
    /// The worker's number of heartbeats with it.
    pub heartbeats: i64,
}

impl HeartbeatMark {
    /// Returns the folder's mark; `None` if it has none, or if a power cut left it half written.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&bounded::read(&folder.join(FILE), LARGEST).ok()?).ok()
    }

    /// Replaces the last mark. Only the first ones of a process are synced to disk: if a later one
    /// is lost, the older mark is still correct.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let temporary = folder.join("seen.writing");
        private::write(&temporary, &serde_json::to_vec(self)?)?;
        let first = self.heartbeats <= FIRST;
        if first {
            File::open(&temporary)?.sync_all()?;
        }
        std::fs::rename(temporary, folder.join(FILE))?;
        // The name is a change of the folder.
        if first { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(HeartbeatMark::read(folder.path()), None);
        let heartbeat_mark = |second| HeartbeatMark {
            worker: uuid::Uuid::nil().into(),
            heartbeat_at: DateTime::from_timestamp(second, 0).unwrap(),
            heartbeats: second,
        };
        heartbeat_mark(1).write(folder.path()).unwrap();
        heartbeat_mark(2).write(folder.path()).unwrap();
        assert_eq!(HeartbeatMark::read(folder.path()), Some(heartbeat_mark(2)));
        std::fs::write(folder.path().join(FILE), "").unwrap();
        assert_eq!(HeartbeatMark::read(folder.path()), None);
    }
}
