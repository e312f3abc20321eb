//! A connection on loan: back to its pool only when all went well.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;

/// The longest that any statement may take, and the longest wait for a connection. sqlx itself waits for ever on a
/// half-open connection.
const STATEMENT: Duration = Duration::from_secs(10);

/// A pooled connection that is closed unless [`Lease::done`] is called: after an error, a time-out or a dropped
/// future nobody knows what state it is in, and an open transaction would keep its locks.
pub(super) struct Lease<DB: Database> {
    connection: PoolConnection<DB>,
    done: bool,
    /// Given up after the connection: see [`Lease::behind`].
    _lane: Option<OwnedSemaphorePermit>,
}

impl<DB: Database> Lease<DB> {
    pub(super) async fn take(pool: &Pool<DB>) -> Result<Self, StoreError> {
        let connection = bounded(pool.acquire()).await?;
        Ok(Self { connection, done: false, _lane: None })
    }

    /// As [`Lease::take`], with a place in the `lane` first: whoever takes a connection without one passes all who wait.
    pub(super) async fn behind(pool: &Pool<DB>, lane: &Arc<Semaphore>) -> Result<Self, StoreError> {
        let place = tokio::time::timeout(STATEMENT, Arc::clone(lane).acquire_owned()).await;
        let place = place.map_err(|_| StoreError::TimedOut(STATEMENT))?.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = bounded(pool.acquire()).await?;
        Ok(Self { connection, done: false, _lane: Some(place) })
    }

    /// Gives the connection back to its pool; it must be outside any transaction.
    pub(super) fn done(mut self) {
        self.done = true;
    }

    /// Runs one word of transaction control.
    pub(super) async fn control(&mut self, word: &'static str) -> Result<(), StoreError>
    where
        for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    {
        use sqlx::Executor;
        bounded((&mut *self.connection).execute(word)).await?;
        Ok(())
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if !self.done {
            self.connection.close_on_drop();
        }
    }
}

impl<DB: Database> Deref for Lease<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Lease<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

/// Waits for one statement, and no longer than any should take.
pub(super) async fn bounded<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT, statement).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError::TimedOut(STATEMENT)),
    }
}
