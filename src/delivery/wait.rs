//! Waits for orders to end, whichever process ends them, without a database connection for each
//! waiter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::order::{OrderId, OrderView};
use crate::store::{OrderEnd, Orders, StoreError};

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
    state: Arc<Mutex<State>>,
    closing: Arc<watch::Sender<bool>>,
    /// Limits concurrent reads, so that waiters neither use every connection nor time out while
    /// waiting for one.
    reads: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<OrderId, watch::Sender<Option<End>>>,
    running: BTreeMap<OrderId, Run>,
    /// The number of the next run.
    next: u64,
}

/// Why a request need not wait any more.
#[derive(Clone)]
enum End {
    /// The order has ended. Its row has the result.
    Stored,
    /// The order has ended by the run with this number.
    Here(u64, Arc<OrderEnd>),
}

/// An order that runs in this process.
struct Run {
    number: u64,
    /// The order's row as its insert left it, if the insert began this run.
    inserted: Option<Arc<OrderView>>,
    /// Whether a notification has said meanwhile that the order has ended.
    notified: bool,
}

impl Waiters {
    /// A registry without waiters.
    #[must_use]
    pub fn new(store: Arc<dyn Orders>) -> Self {
        let (closing, reads) = (Arc::new(watch::Sender::new(false)), Arc::new(Semaphore::new(READS)));
        Self { store, state: Arc::default(), closing, reads }
    }

    /// Returns the order once it has ended, or its current state after `longest`. `None` if there
    /// is no such order, or if the caller must not see it. If this process has run the order since
    /// its insert, the row need not be read. If this process runs the order, its result is returned
    /// from memory once it is committed.
    ///
    /// # Errors
    /// The store fails.
    pub async fn wait(
        &self,
        id: OrderId,
        longest: Duration,
        may_see: impl Fn(&OrderView) -> bool,
    ) -> Result<Option<OrderView>, StoreError> {
        let until = Instant::now() + longest;
        // Register before reading the row, so that an end in between is not missed. An order that
        // need not be read has not ended yet.
        let waiter = Waiter::begin(self, id);
        let order = match waiter.inserted.as_ref().filter(|_| !longest.is_zero()) {
            Some(order) => Some(OrderView::clone(order)),
            None => self.read(id).await?,
        };
        let order = order.filter(|order| may_see(order));
        if longest.is_zero() || order.as_ref().is_none_or(|order| order.status.is_settled()) {
            return Ok(order);
        }
        let mut ended = waiter.ended.clone();
        let mut closing = self.closing.subscribe();
        let end = async {
            tokio::select! {
                _ = ended.wait_for(Option::is_some) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        };
        let _ = timeout_at(until, end).await;
        match order.zip(waiter.end_here()) {
            Some((order, end)) => Ok(Some(end.of(order))),
            // Whether the order ended or the time is over, the row has the result.
            None => self.read(id).await,
        }
    }

    async fn read(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        // The semaphore is never closed.
        let _permit = self.reads.acquire().await;
        self.store.order(id).await
    }

    /// How many orders have waiters.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Resolves when no request waits. Later ones may wait again.
    pub async fn idle(&self) {
        while self.count() > 0 {
            tokio::time::sleep(IDLE).await;
        }
    }

    /// Says that this process runs an order, until the result is dropped. `inserted` is its row as
    /// the insert left it, if this run's claim came with the insert. While that claim holds,
    /// nothing changes what is shown of it but a new name of its user, which the end brings. If the
    /// claim is lost, the row is read.
    pub fn run_here(&self, id: OrderId, inserted: Option<Arc<OrderView>>) -> RunHere {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        // If an earlier run of the order, which has lost its claim, goes on, this one replaces it.
        let notified = state.running.remove(&id).is_some_and(|earlier| earlier.notified);
        state.running.insert(id, Run { number, inserted, notified });
        RunHere { waiters: self.clone(), id, number }
    }

    /// Notifies the waiters of an order that it has ended. If this process runs it, they are
    /// answered as soon as the run has their answer, or is over.
    pub fn notify_ended(&self, id: OrderId) {
        let mut state = self.lock();
        match state.running.get_mut(&id) {
            Some(run) => run.notified = true,
            None => state.end(id, End::Stored),
        }
    }

    /// Reads the rows of all orders that have waiters, and answers those that have ended.
    pub async fn poll_once(&self) {
        let ids: Vec<OrderId> = self.lock().waiting.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match self.store.settled(&ids).await {
            Ok(settled) => settled.into_iter().for_each(|id| self.lock().end(id, End::Stored)),
            Err(error) => tracing::debug!(%error, "Orders that requests wait for could not be checked"),
        }
    }

    /// Polls for as long as the process runs, since a signal can be missed.
    pub async fn poll(&self) {
        loop {
            tokio::time::sleep(POLL).await;
            self.poll_once().await;
        }
    }

    /// Answers all waiters now, and later ones at once, because the process stops.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, id: OrderId, end: End) {
        if let Some(waiters) = self.waiting.remove(&id) {
            waiters.send_replace(Some(end));
        }
    }
}

/// An order that runs in this process. While it exists, its waiters are not sent to the database.
pub struct RunHere {
    waiters: Waiters,
    id: OrderId,
    number: u64,
}

impl RunHere {
    /// Answers the waiters. `end` is the order's end, whose commit is durable; `None` if the order
    /// has not ended, or must be read.
    pub fn ended(&self, end: impl FnOnce() -> Option<OrderEnd>) {
        let mut state = self.waiters.lock();
        // Who begins to wait from now on reads the row.
        if let Some(run) = state.running.get_mut(&self.id).filter(|run| run.number == self.number) {
            run.inserted = None;
        }
        let waits = state.waiting.contains_key(&self.id);
        drop(state);
        if !waits {
            return;
        }
        if let Some(end) = end() {
            self.waiters.lock().end(self.id, End::Here(self.number, Arc::new(end)));
        }
    }
}

impl Drop for RunHere {
    fn drop(&mut self) {
        let mut state = self.waiters.lock();
        if state.running.get(&self.id).is_some_and(|run| run.number == self.number)
            && state.running.remove(&self.id).is_some_and(|run| run.notified)
        {
            state.end(self.id, End::Stored);
        }
    }
}

/// One waiter. Dropping the last waiter of an order removes the order from the registry.
struct Waiter<'a> {
    waiters: &'a Waiters,
    id: OrderId,
    /// The run of the order in this process when the wait began.
    run: Option<u64>,
    /// The order as its insert left it, if it has run here since then and no end was notified.
    inserted: Option<Arc<OrderView>>,
    ended: watch::Receiver<Option<End>>,
}

impl<'a> Waiter<'a> {
    fn begin(waiters: &'a Waiters, id: OrderId) -> Self {
        let mut state = waiters.lock();
        let run = state.running.get(&id);
        let inserted = run.filter(|run| !run.notified).and_then(|run| run.inserted.clone());
        let run = run.map(|run| run.number);
        let ended = state.waiting.entry(id).or_insert_with(|| watch::Sender::new(None)).subscribe();
        drop(state);
        Self { waiters, id, run, inserted, ended }
    }

    /// Returns the order's end, if the run told it during which the wait began. What is known of
    /// the order is of that run too, so nothing but its end has changed since.
    fn end_here(&self) -> Option<Arc<OrderEnd>> {
        match &*self.ended.borrow() {
            Some(End::Here(run, end)) if Some(*run) == self.run => Some(Arc::clone(end)),
            _ => None,
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let waiting = &mut self.waiters.lock().waiting;
        // Its own receiver is still counted here.
        if waiting.get(&self.id).is_some_and(|waiters| waiters.receiver_count() <= 1) {
            waiting.remove(&self.id);
        }
    }
}
