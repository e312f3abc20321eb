//! Notices that the database requires a newer program. It is checked while the program runs,
//! because a migration may happen at any time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::App;
use crate::config::HEARTBEAT;
use crate::store::{Connections, StoreError};

/// How often the database is asked.
const EVERY: Duration = HEARTBEAT;

impl App {
    /// Resolves with the error when the database requires a newer program. Every process asks by
    /// itself, since a process with only the role `api` has no heartbeat. While the database is
    /// unreachable, it keeps waiting.
    pub fn outdated(&self) -> impl Future<Output = StoreError> + Send + use<> {
        noticed(self.store.clone())
    }
}

async fn noticed(connections: Arc<dyn Connections>) -> StoreError {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error @ StoreError::NeedsNewerProgram { .. }) = connections.health().await {
            tracing::error!(%error, "The database needs a newer program; this process completes its work and \
                exits");
            return error;
        }
    }
}
