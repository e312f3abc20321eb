//! The exchanges of this process that are in flight.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ids::ExchangeId;

/// The ids of this process's exchanges whose outcome is not stored yet.
#[derive(Clone, Default)]
pub(super) struct InFlightExchanges(Arc<Mutex<BTreeSet<ExchangeId>>>);

/// An exchange in flight. Dropping it removes its id.
pub(super) struct InFlightGuard {
    in_flight: InFlightExchanges,
    exchange: ExchangeId,
}

impl InFlightExchanges {
    pub(super) fn enter(&self, exchange: ExchangeId) -> InFlightGuard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(exchange);
        InFlightGuard { in_flight: self.clone(), exchange }
    }

    pub(super) fn holds(&self, exchange: ExchangeId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&exchange)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.exchange);
    }
}
