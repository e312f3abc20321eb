//! Whether the service lives, for the service manager's watchdog.

use std::time::Duration;

use tokio::task::AbortHandle;

use super::Service;
use crate::config::BEAT;

/// The longest that a beat may take to go round: to its turn, and to an answer or a time-out, twice over.
const ROUND: Duration = BEAT.saturating_mul(4);

impl Service {
    /// Says whether the service does its work: its beat goes round, and neither the API nor the queue has ended by itself.
    ///
    /// A beat that goes round may have failed: a database that is away is no reason to restart, which could lose what is
    /// in memory alone. A process of the API alone has no beat.
    pub fn pulse(&self) -> impl Fn() -> bool + Send + 'static + use<> {
        let ready = self.ready.clone();
        let beats = self.worker.as_ref().map(|work| work.process.heartbeat.watch());
        let api = self.api.as_ref().map(|api| api.server.abort_handle());
        let orders = self.worker.as_ref().and_then(|work| work.orders.as_ref());
        let orders = orders.map(|orders| orders.queue.going());
        move || {
            // While it stops, they end one after another.
            let stopping = !ready.is_ready();
            let ended =
                api.as_ref().is_some_and(AbortHandle::is_finished) || orders.as_ref().is_some_and(|going| !going());
            beats.as_ref().is_none_or(|beats| beats.round() <= ROUND) && (stopping || !ended)
        }
    }
}
