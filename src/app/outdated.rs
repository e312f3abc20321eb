//! A program that the database has left behind: noticed while it runs, since a migration may come at any time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::App;
use crate::config::HEARTBEAT;
use crate::store::{Store, StoreError};

/// From look to look.
const EVERY: Duration = HEARTBEAT;

impl App {
    /// Resolves once the database needs a newer program, with what it says. Every process looks by itself: one of the API alone
    /// has no heartbeat. While the database is away nothing can be said.
    pub fn outdated(&self) -> impl Future<Output = StoreError> + Send + use<> {
        noticed(Arc::clone(&self.store))
    }
}

async fn noticed(store: Arc<dyn Store>) -> StoreError {
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Err(error @ StoreError::NeedsNewerProgram { .. }) = store.health().await {
            tracing::error!(%error, "The database needs a newer program; this process ends what it has begun, and exits");
            return error;
        }
    }
}
