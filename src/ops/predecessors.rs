//! Whether the processes that used the database before have left it in order. A new instance folder
//! cannot tell by itself that the database was restored from a backup.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ids::InstanceId;
use crate::store::{Restore, StoreError, Workers};

/// How often the heartbeats are read, and the pause between two reads. Together that is longer than
/// a living process takes for one: its interval and its time-out, 2 s each.
const POLLS: u32 = 24;
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// An instance folder in which no heartbeat is recorded.
#[derive(Clone, Copy, Debug)]
pub struct NewFolder {
    /// Its id, if it has one. A process that was killed before its first heartbeat has left one.
    pub id: Option<InstanceId>,
    /// The id of the other instance folder with the same settings: that of `refresh`, or that of
    /// the service. The database knows the last heartbeat that is recorded there.
    pub beside: Option<InstanceId>,
    /// After which time a silent worker counts as lost (`queue.worker_lost_after`).
    pub lost_after: Duration,
}

/// What the database says about the processes before one with a new instance folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none, one sends heartbeats now, or the database knows the folder.
    Nothing,
    /// The last one ended in order, at this time. The database may still be a backup of a time when
    /// no process ran.
    Ended(DateTime<Utc>),
    /// The last one has not ended in order, sent its last heartbeat at this time, and none sends
    /// any now. It died, or the database is a backup of a time when it was running, and its tokens
    /// may be spent.
    Silent(DateTime<Utc>),
}

/// Returns what the database says about the processes before one with this folder.
///
/// # Errors
/// The database cannot be used.
pub async fn before(
    store: &dyn Restore,
    workers: &dyn Workers,
    folder: NewFolder,
) -> Result<Before, StoreError> {
    let NewFolder { id, beside, lost_after } = folder;
    if store.left_open(id, beside, lost_after).await?.is_none() {
        return last_end(store, id).await;
    }
    // Whoever lives is seen to live: the time of a heartbeat would prove nothing.
    let seen = workers.heartbeats().await?;
    for _ in 0..POLLS {
        tokio::time::sleep(POLL_INTERVAL).await;
        if workers.heartbeats().await?.iter().any(|worker| !seen.contains(worker)) {
            return Ok(Before::Nothing);
        }
    }
    // Meanwhile it may have ended in order.
    match store.left_open(id, beside, lost_after).await? {
        Some(silent_since) => Ok(Before::Silent(silent_since)),
        None => last_end(store, id).await,
    }
}

async fn last_end(store: &dyn Restore, id: Option<InstanceId>) -> Result<Before, StoreError> {
    Ok(store.last_end(id).await?.map_or(Before::Nothing, Before::Ended))
}
