//! Transactions that many callers share: one fsync for all that arrived during the previous one.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::pools::Writer;
use super::{Connection, Sqlite, now};
use crate::clock::Clock;
use crate::ids::WorkerId;
use crate::store::batch::{Batcher, Write, unanswered};
use crate::store::engine::transaction_by;
use crate::store::{StoreError, workers};

/// One caller's statements, which run together with those of others. They run again if the
/// transaction is rolled back.
type Statements =
    Box<dyn for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<(), StoreError>> + Send + Sync>;

struct Job {
    statements: Statements,
    /// The worker that they show to be alive.
    alive: Option<WorkerId>,
}

struct Jobs {
    writer: Writer,
    clock: Clock,
}

#[derive(Clone)]
pub(super) struct Shared(Arc<Batcher<Jobs>>);

impl Shared {
    pub(super) fn new(writer: Writer, clock: Clock) -> Self {
        Self(Arc::new(Batcher::new(Jobs { writer, clock })))
    }

    /// Runs a caller's statements, and returns their result after it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        self.put(None, job).await
    }

    /// As [`Shared::run`]. The transaction also records a heartbeat of the worker.
    pub(super) async fn run_alive<T: Send + 'static>(
        &self,
        worker: WorkerId,
        job: impl for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        self.put(Some(worker), job).await
    }

    async fn put<T: Send + 'static>(
        &self,
        alive: Option<WorkerId>,
        job: impl for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let statements: Statements = Box::new(move |connection| {
            let (done, slot) = (job(connection), Arc::clone(&slot));
            Box::pin(async move {
                let done = done.await?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
                Ok(())
            })
        });
        self.0.put(Job { statements, alive }).await?;
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().ok_or_else(unanswered)
    }
}

#[async_trait]
impl Write for Jobs {
    type Item = Job;
    type Done = ();

    async fn write(&self, jobs: &[Job]) -> Result<Vec<()>, StoreError> {
        transaction_by::<Sqlite, _>(self.writer.in_turn().await?, async |c| {
            let mut alive = Vec::new();
            for job in jobs {
                (job.statements)(c).await?;
                alive.extend(job.alive.filter(|worker| !alive.contains(worker)));
            }
            for worker in alive {
                workers::heartbeat(c, now(&self.clock), worker).await?;
            }
            Ok(vec![(); jobs.len()])
        })
        .await
    }
}
