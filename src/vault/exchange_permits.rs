//! Limits exchanges to `vault.max_in_flight`. Orders come before the keeper, and no merchant takes
//! all.

use crate::bulkhead::{Bulkhead, BulkheadPermit, OnlyMerchant};
use crate::ids::MerchantName;

/// The permits for exchanges. Clones share them.
#[derive(Clone)]
pub(super) struct ExchangePermits {
    all: Bulkhead,
    /// The permits that the keeper may use.
    keeper: Bulkhead,
}

/// A permit for one exchange. Dropping it returns it.
pub(super) struct ExchangePermit {
    _of_all: BulkheadPermit,
    _of_keeper: Option<BulkheadPermit>,
}

impl ExchangePermits {
    /// Creates `count` permits for one merchant alone (`lone`) or for several. The keeper may use
    /// at most half of them.
    pub(super) fn new(count: u32, lone: impl Into<OnlyMerchant>) -> Self {
        let lone = lone.into();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self { all: Bulkhead::new(count, lone.clone()), keeper: Bulkhead::new((count / 2).max(1), lone) }
    }

    /// Returns how many are in use.
    pub(super) fn taken(&self) -> usize {
        self.all.used()
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> usize {
        self.all.permits()
    }

    /// Takes a permit for an order if the merchant may have one now.
    pub(super) fn try_for_order(&self, merchant: &MerchantName) -> Option<ExchangePermit> {
        Some(ExchangePermit { _of_all: self.all.try_take(merchant)?, _of_keeper: None })
    }

    /// Waits for a permit for an order.
    pub(super) async fn for_order(&self, merchant: &MerchantName) -> ExchangePermit {
        ExchangePermit { _of_all: self.all.take(merchant).await, _of_keeper: None }
    }

    /// Waits for a permit for the keeper, behind all orders that may have one.
    pub(super) async fn for_keeper(&self, merchant: &MerchantName) -> ExchangePermit {
        let of_keeper = self.keeper.take(merchant).await;
        ExchangePermit { _of_all: self.all.take_last(merchant).await, _of_keeper: Some(of_keeper) }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const SHOP: fn() -> MerchantName = || "shop".into();

    #[test]
    fn the_keeper_takes_half_at_most() {
        let (permits, shop) = (ExchangePermits::new(4, true), SHOP());
        let first = permits.for_keeper(&shop).now_or_never().unwrap();
        let _second = permits.for_keeper(&shop).now_or_never().unwrap();
        assert!(permits.for_keeper(&shop).now_or_never().is_none());
        let _orders = [permits.try_for_order(&shop).unwrap(), permits.try_for_order(&shop).unwrap()];
        drop(first);
        assert!(permits.for_keeper(&shop).now_or_never().is_some());
        assert!(
            ExchangePermits::new(1, true).for_keeper(&shop).now_or_never().is_some(),
            "one permit is for both"
        );
    }

    #[test]
    fn a_permit_that_comes_free_is_an_orders_even_where_the_keeper_waited_longer() {
        let (permits, shop) = (ExchangePermits::new(2, true), SHOP());
        let (first, _second) = (permits.try_for_order(&shop), permits.try_for_order(&shop));
        let mut keeper = Box::pin(permits.for_keeper(&shop));
        assert!(keeper.as_mut().now_or_never().is_none());
        let mut order = Box::pin(permits.for_order(&shop));
        assert!(order.as_mut().now_or_never().is_none());
        drop(first);
        assert!(keeper.as_mut().now_or_never().is_none());
        let taken = order.as_mut().now_or_never().unwrap();
        assert!(keeper.as_mut().now_or_never().is_none(), "all are taken");
        drop(taken);
        assert!(keeper.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_merchant_whose_orders_wait_keeps_neither_others_nor_their_keeper_waiting() {
        let (permits, slow, other) = (ExchangePermits::new(8, false), SHOP(), MerchantName::from("other"));
        let taken: Vec<_> = std::iter::from_fn(|| permits.try_for_order(&slow)).collect();
        let mut waiting = Box::pin(permits.for_order(&slow));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!((taken.len(), permits.taken(), permits.count()), (6, 6, 8));
        let order = permits.try_for_order(&other).unwrap();
        drop(order);
        assert!(permits.for_keeper(&other).now_or_never().is_some());
        assert!(waiting.as_mut().now_or_never().is_none());
    }
}
