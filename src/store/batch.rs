//! Many writes in one commit: what comes while a commit is under way goes into the next one, so
//! that nobody waits longer for company than he would for the disk. Each is answered only once it
//! is durable.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// The most writes in one commit: as many as take a good deal less time than a heartbeat may.
const MOST: usize = 256;

/// Writes items, all in one transaction.
#[async_trait]
pub(super) trait Write: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Done: Send + 'static;

    /// One answer for each item, once all are durable. After an error none is, or, where that is
    /// transient and not [`StoreError::Unexpected`], nobody knows.
    async fn write(&self, items: &[Self::Item]) -> Result<Vec<Self::Done>, StoreError>;
}

type Waiting<W> = (<W as Write>::Item, oneshot::Sender<Result<<W as Write>::Done, StoreError>>);

/// Gathers items for a [`Write`]. It writes in a task of its own: whoever waits may stop waiting,
/// and takes nobody's answer with him.
pub(super) struct Batcher<W: Write> {
    items: mpsc::UnboundedSender<Waiting<W>>,
}

impl<W: Write> Batcher<W> {
    pub(super) fn new(write: W) -> Self {
        let (items, waiting) = mpsc::unbounded_channel();
        tokio::spawn(run(write, waiting));
        Self { items }
    }

    /// Writes an item, together with others that come at the same time.
    pub(super) async fn put(&self, item: W::Item) -> Result<W::Done, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the store was closed".into());
        self.items.send((item, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Ends with the batcher.
async fn run<W: Write>(write: W, mut waiting: mpsc::UnboundedReceiver<Waiting<W>>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, MOST).await > 0 {
        let (items, answers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let answered = match guarded(&write, &items).await {
            Ok(done) => done.into_iter().map(Ok).collect(),
            // The engine refused one of them, perhaps, and so all: each by itself, that one alone is told.
            Err(error) if items.len() > 1 && error.may_be_of_one_write() => one_by_one(&write, &items).await,
            Err(error) => items.iter().map(|_| Err(error.clone())).collect(),
        };
        for (answer, answered) in answers.into_iter().zip(answered) {
            // An error says that nobody waits any more.
            let _ = answer.send(answered);
        }
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

/// A panic in one write must not be the end of all that come later.
async fn guarded<W: Write>(write: &W, items: &[W::Item]) -> Result<Vec<W::Done>, StoreError> {
    let done = AssertUnwindSafe(write.write(items)).catch_unwind().await.unwrap_or_else(|_| Err(unanswered()))?;
    if done.len() == items.len() { Ok(done) } else { Err(unanswered()) }
}

pub(super) fn unanswered() -> StoreError {
    StoreError::Unavailable("a write ended without a word".into())
}

#[cfg(test)]
mod tests;
