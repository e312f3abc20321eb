//! Which exchanges are in the air.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// The exchanges of this process that are not written down yet, by id.
#[derive(Clone, Default)]
pub(super) struct Active(Arc<Mutex<BTreeSet<Uuid>>>);

/// One of them, until it is written down.
pub(super) struct InTheAir {
    active: Active,
    exchange: Uuid,
}

impl Active {
    pub(super) fn enter(&self, exchange: Uuid) -> InTheAir {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(exchange);
        InTheAir { active: self.clone(), exchange }
    }

    pub(super) fn holds(&self, exchange: Uuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&exchange)
    }
}

impl Drop for InTheAir {
    fn drop(&mut self) {
        self.active.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.exchange);
    }
}
