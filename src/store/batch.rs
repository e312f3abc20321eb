//! Many writes in one commit: writes that arrive while a commit is under way go into the next one
//! together. Shortly after a commit of several writes, the next one also waits a moment for more.
//! Each caller is answered only after its write is durable.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::StoreError;

/// The most writes in one commit. That many take much less time than the interval of a heartbeat.
const MOST: usize = 256;

/// How many writes the last commit must have had for the next one to wait for more.
const BUSY: usize = 3;

/// For how long after such a commit the system counts as busy.
const RECENT: Duration = Duration::from_millis(10);

/// How long a commit waits for more writes on a busy system. Larger commits write fewer pages for
/// each write.
const PAUSE: Duration = Duration::from_millis(3);

/// Writes items, all in one transaction.
#[async_trait]
pub(super) trait Write: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Done: Send + 'static;

    /// Writes all items in one transaction and returns an answer for each, after the commit. After
    /// an error no item is written; if the error is transient and not [`StoreError::Unexpected`],
    /// it is unknown whether the items are written.
    async fn write(&self, items: &[Self::Item]) -> Result<Vec<Self::Done>, StoreError>;
}

type Waiting<W> = (<W as Write>::Item, oneshot::Sender<Result<<W as Write>::Done, StoreError>>);

/// Collects items for a [`Write`]. A task of its own writes them, so a caller that stops waiting
/// does not affect the others.
pub(super) struct Batcher<W: Write> {
    items: mpsc::UnboundedSender<Waiting<W>>,
}

impl<W: Write> Batcher<W> {
    pub(super) fn new(write: W) -> Self {
        let (items, waiting) = mpsc::unbounded_channel();
        tokio::spawn(run(write, waiting));
        Self { items }
    }

    /// Writes an item, together with others that arrive at the same time.
    pub(super) async fn put(&self, item: W::Item) -> Result<W::Done, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the store was closed".into());
        self.items.send((item, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Writes items until the batcher is dropped.
async fn run<W: Write>(write: W, mut waiting: mpsc::UnboundedReceiver<Waiting<W>>) {
    let (mut batch, mut shared_at) = (Vec::new(), None);
    while waiting.recv_many(&mut batch, MOST).await > 0 {
        let busy = shared_at.is_some_and(|at: Instant| at.elapsed() < RECENT);
        if busy && batch.len() < MOST {
            tokio::time::sleep(PAUSE).await;
            // What has arrived meanwhile.
            let room = MOST - batch.len();
            waiting.recv_many(&mut batch, room).now_or_never();
        }
        let shared = batch.len() >= BUSY;
        let (items, answers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let answered = match guarded(&write, &items).await {
            Ok(done) => done.into_iter().map(Ok).collect(),
            // The engine may have refused the batch because of one item. Write each by itself, so
            // that only that item fails.
            Err(error) if items.len() > 1 && error.may_be_of_one_write() => one_by_one(&write, &items).await,
            Err(error) => items.iter().map(|_| Err(error.clone())).collect(),
        };
        for (answer, answered) in answers.into_iter().zip(answered) {
            // Sending fails only if the caller has stopped waiting.
            let _ = answer.send(answered);
        }
        shared_at = shared.then(Instant::now);
    }
}

async fn one_by_one<W: Write>(write: &W, items: &[W::Item]) -> Vec<Result<W::Done, StoreError>> {
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        let done = guarded(write, std::slice::from_ref(item)).await;
        answers.push(done.and_then(|mut done| done.pop().ok_or_else(unanswered)));
    }
    answers
}

/// Writes items and turns a panic into an error, so that later writes still work.
async fn guarded<W: Write>(write: &W, items: &[W::Item]) -> Result<Vec<W::Done>, StoreError> {
    let done =
        AssertUnwindSafe(write.write(items)).catch_unwind().await.unwrap_or_else(|_| Err(unanswered()))?;
    if done.len() == items.len() { Ok(done) } else { Err(unanswered()) }
}

pub(super) fn unanswered() -> StoreError {
    StoreError::Unavailable("a write ended without a result".into())
}

#[cfg(test)]
mod tests;
