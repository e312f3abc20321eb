//! Lent connections.

use std::ops::{Deref, DerefMut};

use sqlx::Database;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Pool;
use super::live::Live;

/// A pooled connection. It is closed unless [`PooledConnection::give_back`] is called: after an
/// error, a time-out or a dropped future its state is unknown, and an open transaction would keep
/// its locks.
pub(in crate::store) struct PooledConnection<DB: Database> {
    /// `None` after it is given back.
    live: Option<Live<DB>>,
    pool: Pool<DB>,
    well: bool,
    /// Its place in the pool; the `Slot` counts the connection until it is closed.
    _place: OwnedSemaphorePermit,
    /// Dropped after the connection; see [`Pool::behind`].
    _queue_permit: Option<OwnedSemaphorePermit>,
}

impl<DB: Database> PooledConnection<DB> {
    pub(super) fn new(
        live: Live<DB>,
        pool: Pool<DB>,
        place: OwnedSemaphorePermit,
        queue_permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { live: Some(live), pool, well: false, _place: place, _queue_permit: queue_permit }
    }

    /// When the connection was opened, which tells it from a newer one.
    pub(in crate::store) fn opened(&self) -> Option<Instant> {
        self.live.as_ref().map(|live| live.opened)
    }

    /// What begins each transaction on this connection, if it leads to a transaction pooler.
    pub(in crate::store) fn begin(&self) -> Option<&'static str> {
        self.pool.0.settings.begin
    }

    /// Whether a connection that is in use for long is to be dropped at the next opportunity,
    /// because it is too old, or another pool needs one.
    pub(in crate::store) fn is_given_up(&self) -> bool {
        self.live.as_ref().is_some_and(|live| self.pool.0.gives_up(live))
    }

    /// Gives the connection back to its pool. It must be outside any transaction.
    pub(in crate::store) fn give_back(mut self) {
        self.well = true;
    }
}

impl<DB: Database> Drop for PooledConnection<DB> {
    fn drop(&mut self) {
        match self.live.take() {
            Some(live) if self.well => self.pool.0.keep(live),
            Some(live) => live.close_later(),
            None => {}
        }
    }
}

/// The connection is taken only when the value is given back or dropped.
const THERE: &str = "a pooled connection is there until it is given back or dropped";

impl<DB: Database> Deref for PooledConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.live.as_ref().expect(THERE).connection
    }
}

impl<DB: Database> DerefMut for PooledConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.live.as_mut().expect(THERE).connection
    }
}
