//! Whether the processes that used the database before have left it in order. A new instance folder
//! cannot tell by itself that the database was restored from a backup.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ids::InstanceId;
use crate::store::{Store, StoreError};

/// How often the heartbeats are read, and the pause between two reads. Together that is longer than
/// a living process takes for one: its interval and its time-out, 2 s each.
const POLLS: u32 = 24;
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// An instance folder in which no heartbeat is recorded.
#[derive(Clone, Copy, Debug)]
pub struct NewFolder {
    /// Its id, if it has one. A process that was killed before its first heartbeat has left one.
    pub id: Option<InstanceId>,
    /// The id of the other instance folder with the same settings: that of `refresh`, or that of the
    /// service. The database knows the last heartbeat that is recorded there.
    pub beside: Option<InstanceId>,
    /// After which time a silent worker counts as lost (`queue.worker_lost_after`).
    pub lost_after: Duration,
}

/// Returns since when the database is silent, if its last process has not ended in order and none
/// sends heartbeats now. Then the process died, or the database is a backup of a time when it was
/// running, and its tokens may be spent. `None` if a process with this folder may begin.
///
/// # Errors
/// The database cannot be used.
pub async fn silent_since(store: &dyn Store, folder: NewFolder) -> Result<Option<DateTime<Utc>>, StoreError> {
    let NewFolder { id, beside, lost_after } = folder;
    if store.left_open(id, beside, lost_after).await?.is_none() {
        return Ok(None);
    }
    // Whoever lives is seen to live: the time of a heartbeat would prove nothing.
    let before = store.heartbeats().await?;
    for _ in 0..POLLS {
        tokio::time::sleep(POLL_INTERVAL).await;
        if store.heartbeats().await?.iter().any(|worker| !before.contains(worker)) {
            return Ok(None);
        }
    }
    // Meanwhile it may have ended in order.
    store.left_open(id, beside, lost_after).await
}
