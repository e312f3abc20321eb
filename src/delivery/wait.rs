//! Waiting for an order's end, over all processes, without a connection for each who waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::order::{OrderId, OrderView};
use crate::store::{Store, StoreError};

/// How often the rows are looked at behind the signals, for all waiters at once.
const POLL: Duration = Duration::from_millis(500);

/// How many rows are read at once for those who wait.
const READS: usize = 8;

/// Those who wait for orders. Clones share them.
#[derive(Clone)]
pub struct Waiters {
    store: Arc<dyn Store>,
    waiting: Arc<Mutex<BTreeMap<OrderId, watch::Sender<bool>>>>,
    closing: Arc<watch::Sender<bool>>,
    /// Rows that are read at once. All who wait together must not take every connection, nor lose patience with the pool.
    reads: Arc<Semaphore>,
}

impl Waiters {
    /// Nobody waits yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (closing, reads) = (Arc::new(watch::Sender::new(false)), Arc::new(Semaphore::new(READS)));
        Self { store, waiting: Arc::default(), closing, reads }
    }

    /// The order as soon as it is settled, or as it is after `patience`. `None` where there is no such order, or the caller may
    /// not see it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn wait(
        &self,
        id: OrderId,
        patience: Duration,
        may_see: impl Fn(&OrderView) -> bool,
    ) -> Result<Option<OrderView>, StoreError> {
        let until = Instant::now() + patience;
        // Listening before looking: an end in between is not missed.
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
        // Whether it came to an end or patience did, the row says where the order stands.
        let _ = timeout_at(until, end).await;
        self.read(id).await
    }

    async fn read(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        // Nobody closes it.
        let _turn = self.reads.acquire().await;
        self.store.order(id).await
    }

    /// How many orders are waited for.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Tells those who wait for an order that it is settled.
    pub fn tell(&self, id: OrderId) {
        if let Some(waiters) = self.lock().remove(&id) {
            waiters.send_replace(true);
        }
    }

    /// Looks at the rows of all orders that somebody waits for.
    pub async fn look(&self) {
        let ids: Vec<OrderId> = self.lock().keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match self.store.settled(&ids).await {
            Ok(settled) => settled.into_iter().for_each(|id| self.tell(id)),
            Err(error) => tracing::debug!(%error, "Orders that are waited for could not be looked at for now"),
        }
    }

    /// Looks again and again: news can be missed.
    pub async fn poll(&self) {
        loop {
            tokio::time::sleep(POLL).await;
            self.look().await;
        }
    }

    /// Answers everybody who waits, now and from now on: the process is about to stop.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, watch::Sender<bool>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits; the last of an order's takes its place in the list away.
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
