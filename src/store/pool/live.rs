//! Open connections, and how many a pool has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, Database};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a connection may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(1);

/// A connection that works.
pub(super) struct Live<DB: Database> {
    pub(super) connection: DB::Connection,
    pub(super) opened: Instant,
    /// When it was last given back.
    pub(super) used: Instant,
    /// Dropped after the connection.
    slot: Slot,
}

impl<DB: Database> Live<DB> {
    pub(super) fn new(connection: DB::Connection, slot: Slot) -> Self {
        let now = Instant::now();
        Self { connection, opened: now, used: now, slot }
    }

    pub(super) async fn close(self) {
        // The server notices otherwise that nobody is there any more.
        let _ = timeout(CLOSE, self.connection.close()).await;
        drop(self.slot);
    }

    /// As [`Live::close`], in a task of its own.
    pub(super) fn close_later(self) {
        // Without a runtime it is dropped, which closes it as well.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(self.close());
        }
    }
}

/// How many connections a pool has: idle, lent, and those that are being opened or closed.
#[derive(Default)]
pub(super) struct OpenCount {
    count: AtomicUsize,
    /// Notified when a connection is given back or closed.
    changed: Notify,
}

/// Counts a connection for as long as it exists.
pub(super) struct Slot(Arc<OpenCount>);

impl OpenCount {
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Counts one more if `may` allows it beside those that there are.
    pub(super) fn slot(self: &Arc<Self>, may: impl Fn(usize) -> bool) -> Option<Slot> {
        let more = |open| may(open).then_some(open + 1);
        self.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(Slot(Arc::clone(self)))
    }

    /// Waits until a connection is given back or closed. It may return too early.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes one of those that wait for a connection, or the next one that begins to wait.
    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        // Wakes all that wait, because some of them cannot open another one; then one that is about
        // to wait.
        self.0.changed.notify_waiters();
        self.0.notify();
    }
}
