//! The storage trait for the read replica, and the reads that it may answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::engine::{Connection, Engine, SqlStore, by};
use super::{ReplicaFacts, ReplicaState, StoreError};

/// The read replica of the database.
#[async_trait]
pub trait Replica: Send + Sync {
    /// Returns how the read replica stands; `None` if there is none.
    async fn replica_state(&self) -> Option<ReplicaState>;

    /// Asks the read replica about itself, for `doctor`; `None` if there is none.
    async fn examine_replica(&self) -> Result<Option<ReplicaFacts>, StoreError>;
}

#[async_trait]
impl<E: Engine> Replica for SqlStore<E> {
    async fn replica_state(&self) -> Option<ReplicaState> {
        self.engine.replica_state().await
    }

    async fn examine_replica(&self) -> Result<Option<ReplicaFacts>, StoreError> {
        self.engine.examine_replica().await
    }
}

tokio::task_local! {
    /// Set while reads must not be old, although the store's may be.
    static UP_TO_DATE: ();
    /// Whether a read from the replica has failed.
    static FAILED: Arc<AtomicBool>;
}

/// Runs something whose reads must see every earlier write.
pub async fn up_to_date<T>(run: impl Future<Output = T>) -> T {
    UP_TO_DATE.scope((), run).await
}

/// Runs something, and returns whether a read from the replica failed meanwhile: it may then be
/// repeated within [`up_to_date`].
pub async fn noting_failures<T>(run: impl Future<Output = T>) -> (T, bool) {
    let failed = Arc::new(AtomicBool::new(false));
    let done = FAILED.scope(Arc::clone(&failed), run).await;
    (done, failed.load(Ordering::Relaxed))
}

impl<E: Engine> SqlStore<E> {
    pub(super) fn new(engine: E) -> Self {
        Self { engine: Arc::new(engine), may_lag: false }
    }

    /// The same store, whose reads may be a little old.
    pub(super) fn lagging(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), may_lag: true }
    }

    /// Runs statements that read: on the replica, if they may see old rows and it can be used.
    pub(super) async fn read<T>(
        &self,
        run: impl AsyncFnOnce(&mut Connection<'_, E>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.may_lag
            && UP_TO_DATE.try_with(|()| ()).is_err()
            && let Some(connection) = self.engine.replica().await
        {
            let read = by::<E, T>(connection, run).await;
            if let Err(error) = &read {
                self.engine.replica_failed(error);
                // Outside such a scope, nobody repeats the read.
                let _ = FAILED.try_with(|failed| failed.store(true, Ordering::Relaxed));
            }
            return read;
        }
        by::<E, T>(self.engine.reader().await?, run).await
    }
}
