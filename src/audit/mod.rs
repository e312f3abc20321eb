//! The audit log: who read or changed what, when, and how it ended.
//!
//! [`Audit::record`] is the one way to leave a row. It does not wait: `writer.rs` gives the rows
//! their place in this process's chain and stores them in batches. Each row carries the keyed hash
//! of the row before it (`chain.rs`), so that `verify.rs` finds rows that were changed or are
//! missing. `retention.rs` deletes the oldest rows, and leaves a row that says so. `lines.rs`
//! writes the same rows as JSON lines, if the settings ask for it.
//!
//! A row names its user by a keyed hash. It contains no token, no secret and no order body.

mod chain;
mod entry;
mod lines;
mod retention;
mod verify;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;

pub use entry::{Action, Actor, Entry, Outcome, who};
pub use retention::Pruning;
pub use verify::{BrokenRow, Verified, verify};

use crate::clock::Clock;
use crate::config;
use crate::ids::UserKey;
use crate::meter;
use crate::store::AuditLog;
use crate::vault::sealing::Secrets;
use entry::Recorded;
use writer::Writer;

/// How many rows wait for the database at most. Further ones are counted, and the count gets a row.
const WAITING: usize = 10_000;

/// What the audit log needs.
#[derive(Clone)]
pub struct Dependencies {
    /// Where the rows are stored.
    pub log: Arc<dyn AuditLog>,
    /// The key of the hashes.
    pub secrets: Arc<Secrets>,
    /// The time of the rows.
    pub clock: Clock,
    /// Whether submissions of orders leave rows, and where the rows also go as JSON lines.
    pub settings: config::Audit,
}

/// Leaves rows in the audit log. Clones share one chain.
#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    clock: Clock,
    secrets: Arc<Secrets>,
    submissions: bool,
    queue: mpsc::Sender<Message>,
    /// Rows that found no place, since the last row about them.
    lost: Arc<AtomicU64>,
    /// Tells the writer that somebody waits for a flush.
    hurry: Arc<Notify>,
    ending: watch::Sender<bool>,
}

/// A row is not stored yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database has taken no row of the audit log for {0:?}")]
pub struct NotStored(Duration);

enum Message {
    Row(Recorded),
    /// Answers when all rows before it are stored.
    Flush(oneshot::Sender<()>),
}

impl Audit {
    /// Starts to write. The chain of this process begins with its first row.
    #[must_use]
    pub fn start(deps: Dependencies) -> Self {
        let (queue, messages) = mpsc::channel(WAITING);
        let (lost, hurry) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let ending = watch::Sender::new(false);
        let (clock, secrets) = (deps.clock.clone(), Arc::clone(&deps.secrets));
        let submissions = deps.settings.submissions;
        let writer = Writer::new(deps, Arc::clone(&lost), Arc::clone(&hurry), ending.subscribe());
        tokio::spawn(writer.run(messages));
        Self(Arc::new(Shared { clock, secrets, submissions, queue, lost, hurry, ending }))
    }

    /// Leaves a row. This does not wait: the row is stored soon after, together with others. If the
    /// database has been away for so long that no more rows fit into memory, the row is lost; a
    /// metric, an error in the log and a later row say how many were.
    pub fn record(&self, entry: Entry) {
        if !self.0.submissions && matches!(entry.action, Action::OrderSubmit | Action::OrdersSubmit) {
            return;
        }
        let recorded = Recorded { at: self.0.clock.now(), user_hash: self.user_hash(&entry), entry };
        if self.0.queue.try_send(Message::Row(recorded)).is_ok() {
            return;
        }
        meter::audit_row_lost(1);
        if self.0.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(
                "Rows of the audit log are lost: the database has been away for too long; a row will say how \
                 many were"
            );
        }
    }

    /// Leaves a row, and waits until it is stored.
    ///
    /// # Errors
    /// The database has not taken it within `patience`.
    pub async fn record_now(&self, entry: Entry, patience: Duration) -> Result<(), NotStored> {
        self.record(entry);
        timeout(patience, self.flush()).await.map_err(|_| NotStored(patience))
    }

    /// Leaves a row of the same entry for each of several objects. It waits until they are stored,
    /// because the queue of rows has an end.
    pub async fn record_each<T: ToString>(&self, entry: &Entry, objects: &[T]) {
        for some in objects.chunks(WAITING / 10) {
            for object in some {
                self.record(entry.clone().object(object.to_string()));
            }
            self.flush().await;
        }
    }

    /// Waits until every row that was recorded before is stored.
    pub async fn flush(&self) {
        let (done, stored) = oneshot::channel();
        if self.0.queue.send(Message::Flush(done)).await.is_ok() {
            self.0.hurry.notify_one();
            // If the writer has ended, nothing is left to wait for.
            let _ = stored.await;
        }
    }

    /// Stores what waits, for at most `patience`. Rows that the database does not take by then go
    /// to the log.
    pub async fn close(&self, patience: Duration) {
        if timeout(patience, self.flush()).await.is_ok() {
            return;
        }
        self.0.ending.send_replace(true);
        if timeout(patience, self.flush()).await.is_err() {
            tracing::error!(
                "Rows of the audit log may be lost: the database did not answer while the process ended"
            );
        }
    }

    /// Returns the name of a user in the rows.
    #[must_use]
    pub fn user(&self, key: &UserKey) -> Vec<u8> {
        self.0.secrets.hasher().audit_user(key).to_vec()
    }

    fn user_hash(&self, entry: &Entry) -> Option<Vec<u8>> {
        entry.user.as_ref().map(|key| self.user(key))
    }
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}
