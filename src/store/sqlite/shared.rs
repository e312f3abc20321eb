//! Transactions that many callers share: one fsync for all that arrived during the previous one.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::pools::Writer;
use super::{Connection, Sqlite};
use crate::store::StoreError;
use crate::store::batch::{Batcher, Write, unanswered};
use crate::store::engine::transaction_by;

/// One caller's statements, which run together with those of others. They run again if the
/// transaction is rolled back.
type Job = Box<dyn for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<(), StoreError>> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Shared(Arc<Batcher<Writer>>);

impl Shared {
    pub(super) fn new(writer: Writer) -> Self {
        Self(Arc::new(Batcher::new(writer)))
    }

    /// Runs a caller's statements, and returns their result after it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl for<'c> Fn(&'c mut Connection<'_>) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let job: Job = Box::new(move |connection| {
            let (done, slot) = (job(connection), Arc::clone(&slot));
            Box::pin(async move {
                let done = done.await?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
                Ok(())
            })
        });
        self.0.put(job).await?;
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.take().ok_or_else(unanswered)
    }
}

#[async_trait]
impl Write for Writer {
    type Item = Job;
    type Done = ();

    async fn write(&self, jobs: &[Job]) -> Result<Vec<()>, StoreError> {
        transaction_by::<Sqlite, _>(self.in_turn().await?, async |c| {
            for job in jobs {
                job(c).await?;
            }
            Ok(vec![(); jobs.len()])
        })
        .await
    }
}
