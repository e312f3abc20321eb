//! Waits for orders to end, whichever process ends them, without a database connection for each
//! waiter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::order::{OrderId, OrderView};
use crate::store::{Orders, StoreError};

/// How often the rows of all awaited orders are polled, in case a signal was missed.
const POLL: Duration = Duration::from_millis(500);

/// How often a process that drains asks whether requests still wait.
const IDLE: Duration = Duration::from_millis(50);

/// How many rows are read concurrently for waiters.
const READS: usize = 8;

/// The requests that wait for orders in this process. Clones share them.
#[derive(Clone)]
pub struct Waiters {
    store: Arc<dyn Orders>,
    waiting: Arc<Mutex<BTreeMap<OrderId, watch::Sender<bool>>>>,
    closing: Arc<watch::Sender<bool>>,
    /// Limits concurrent reads, so that waiters neither use every connection nor time out while
    /// waiting for one.
    reads: Arc<Semaphore>,
}

impl Waiters {
    /// A registry without waiters.
    #[must_use]
    pub fn new(store: Arc<dyn Orders>) -> Self {
        let (closing, reads) = (Arc::new(watch::Sender::new(false)), Arc::new(Semaphore::new(READS)));
        Self { store, waiting: Arc::default(), closing, reads }
    }

    /// Returns the order once it has ended, or its current state after `patience`. `None` if there
    /// is no such order, or if the caller must not see it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn wait(
        &self,
        id: OrderId,
        patience: Duration,
        may_see: impl Fn(&OrderView) -> bool,
    ) -> Result<Option<OrderView>, StoreError> {
        let until = Instant::now() + patience;
        // Register before reading the row, so that an end in between is not missed.
        let waiter = Waiter::begin(self, id);
        let order = self.read(id).await?.filter(|order| may_see(order));
        if patience.is_zero() || order.as_ref().is_none_or(|order| order.status.is_settled()) {
            return Ok(order);
        }
        let mut settled = waiter.settled.clone();
        let mut closing = self.closing.subscribe();
        let end = async {
            tokio::select! {
                _ = settled.wait_for(|settled| *settled) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        };
        // Whether the order ended or the time is over, the row has the result.
        let _ = timeout_at(until, end).await;
        self.read(id).await
    }

    async fn read(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        // The semaphore is never closed.
        let _turn = self.reads.acquire().await;
        self.store.order(id).await
    }

    /// How many orders have waiters.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Resolves when no request waits. Later ones may wait again.
    pub async fn idle(&self) {
        while self.count() > 0 {
            tokio::time::sleep(IDLE).await;
        }
    }

    /// Notifies the waiters of an order that it has ended.
    pub fn tell(&self, id: OrderId) {
        if let Some(waiters) = self.lock().remove(&id) {
            waiters.send_replace(true);
        }
    }

    /// Reads the rows of all orders that have waiters, and answers those that have ended.
    pub async fn look(&self) {
        let ids: Vec<OrderId> = self.lock().keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match self.store.settled(&ids).await {
            Ok(settled) => settled.into_iter().for_each(|id| self.tell(id)),
            Err(error) => tracing::debug!(%error, "Orders that requests wait for could not be checked"),
        }
    }

    /// Polls for as long as the process runs, since a signal can be missed.
    pub async fn poll(&self) {
        loop {
            tokio::time::sleep(POLL).await;
            self.look().await;
        }
    }

    /// Answers all waiters now, and later ones at once, because the process stops.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, watch::Sender<bool>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One waiter. Dropping the last waiter of an order removes the order from the registry.
struct Waiter<'a> {
    waiters: &'a Waiters,
    id: OrderId,
    settled: watch::Receiver<bool>,
}

impl<'a> Waiter<'a> {
    fn begin(waiters: &'a Waiters, id: OrderId) -> Self {
        let settled = waiters.lock().entry(id).or_insert_with(|| watch::Sender::new(false)).subscribe();
        Self { waiters, id, settled }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        // Its own receiver is still counted here.
        if waiting.get(&self.id).is_some_and(|waiters| waiters.receiver_count() <= 1) {
            waiting.remove(&self.id);
        }
    }
}
