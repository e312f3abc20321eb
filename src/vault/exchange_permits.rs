//! Limits exchanges to `vault.max_in_flight`. Orders come before the keeper.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The permits for exchanges. Clones share them.
#[derive(Clone)]
pub(super) struct ExchangePermits {
    all: Arc<Semaphore>,
    count: usize,
    /// The permits that the keeper may use.
    keeper: Arc<Semaphore>,
    /// How many orders wait for a permit.
    waiting: watch::Sender<usize>,
}

/// A permit for one exchange. Dropping it returns it.
pub(super) struct ExchangePermit {
    _of_all: OwnedSemaphorePermit,
    _of_keeper: Option<OwnedSemaphorePermit>,
}

/// Counts an order that waits.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|count| *count += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl ExchangePermits {
    /// Creates `count` permits. The keeper may use at most half of them.
    pub(super) fn new(count: u32) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(count)),
            count,
            keeper: Arc::new(Semaphore::new((count / 2).max(1))),
            waiting: watch::Sender::new(0),
        }
    }

    /// Returns how many are in use, and how many there are.
    pub(super) fn taken(&self) -> (usize, usize) {
        (self.count - self.all.available_permits().min(self.count), self.count)
    }

    /// Waits for a permit for an order. Never returns `None`, because the semaphores are never
    /// closed.
    pub(super) async fn for_order(&self) -> Option<ExchangePermit> {
        let free = Arc::clone(&self.all).try_acquire_owned().ok();
        let of_all = if let Some(permit) = free {
            permit
        } else {
            let _waiting = Waiting::enter(&self.waiting);
            Arc::clone(&self.all).acquire_owned().await.ok()?
        };
        Some(ExchangePermit { _of_all: of_all, _of_keeper: None })
    }

    /// Waits until no order waits, and then for a permit for the keeper. Never returns `None`.
    pub(super) async fn for_keeper(&self) -> Option<ExchangePermit> {
        let of_keeper = Arc::clone(&self.keeper).acquire_owned().await.ok()?;
        let mut orders = self.waiting.subscribe();
        loop {
            orders.wait_for(|waiting| *waiting == 0).await.ok()?;
            tokio::select! {
                biased;
                // The semaphore serves in order of arrival, so an order that arrives now would wait
                // behind the keeper.
                _ = orders.wait_for(|waiting| *waiting > 0) => {}
                permit = Arc::clone(&self.all).acquire_owned() => {
                    return Some(ExchangePermit { _of_all: permit.ok()?, _of_keeper: Some(of_keeper) });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_keeper_takes_half_at_most() {
        let permits = ExchangePermits::new(4);
        let first = permits.for_keeper().now_or_never().unwrap();
        let _second = permits.for_keeper().now_or_never().unwrap();
        assert!(permits.for_keeper().now_or_never().is_none());
        let _orders = [permits.for_order().now_or_never().unwrap(), permits.for_order().now_or_never().unwrap()];
        drop(first);
        assert!(permits.for_keeper().now_or_never().is_some());
        assert!(ExchangePermits::new(1).for_keeper().now_or_never().is_some(), "one place is for both");
    }

    #[tokio::test]
    async fn a_place_that_comes_free_is_an_orders_even_where_the_keeper_waited_longer() {
        let permits = ExchangePermits::new(2);
        let (first, _second) = (permits.for_order().await, permits.for_order().await);
        let mut keeper = Box::pin(permits.for_keeper());
        assert!(keeper.as_mut().now_or_never().is_none());
        let mut order = Box::pin(permits.for_order());
        assert!(order.as_mut().now_or_never().is_none());
        assert!(keeper.as_mut().now_or_never().is_none(), "it leaves the queue");
        drop(first);
        assert!(keeper.as_mut().now_or_never().is_none());
        let taken = order.as_mut().now_or_never().unwrap();
        drop(order);
        assert!(keeper.as_mut().now_or_never().is_none(), "all are taken");
        drop(taken);
        assert!(keeper.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_order_that_stops_waiting_keeps_nobody_back() {
        let permits = ExchangePermits::new(2);
        let _both = (permits.for_order().await, permits.for_order().await);
        let mut order = Box::pin(permits.for_order());
        assert!(order.as_mut().now_or_never().is_none());
        assert_eq!(*permits.waiting.borrow(), 1);
        drop(order);
        assert_eq!(*permits.waiting.borrow(), 0);
    }
}
