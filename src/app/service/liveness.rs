//! Decides whether the service is alive, for the service manager's watchdog.

use std::time::Duration;

use tokio::task::AbortHandle;

use super::{HttpServer, Service};
use crate::config::HEARTBEAT;
use crate::queue::HeartbeatMonitor;

/// The maximum time between two ends of a heartbeat, good or bad: twice the interval and the
/// time-out.
const ROUND: Duration = HEARTBEAT.saturating_mul(4);

impl Service {
    /// Whether the service is alive: its heartbeat task runs, and neither the API nor the queue has
    /// ended unexpectedly.
    ///
    /// A failed heartbeat counts as alive: an unreachable database is no reason to restart, which
    /// could lose tokens that are only in memory. A process with only the role `api` has no
    /// heartbeat.
    pub fn liveness(&self) -> impl Fn() -> bool + Send + 'static + use<> {
        let ready = self.ready.clone();
        let heartbeats = self.process.as_ref().map(|process| process.heartbeat.watch());
        let http_servers: Vec<AbortHandle> =
            [&self.api, &self.probes].into_iter().flatten().map(HttpServer::handle).collect();
        let worker = self.worker.as_ref().map(|worker| worker.queue.going());
        move || {
            let ended = http_servers.iter().any(AbortHandle::is_finished)
                || worker.as_ref().is_some_and(|going| !going());
            is_alive(
                heartbeats.as_ref().map_or(Duration::ZERO, HeartbeatMonitor::round),
                ended,
                !ready.is_ready(),
            )
        }
    }
}

/// While the service stops, its tasks end one after another.
fn is_alive(round: Duration, ended: bool, stopping: bool) -> bool {
    round <= ROUND && (stopping || !ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hanging_heartbeat_and_an_ended_task_are_not_alive() {
        let soon = Duration::from_secs(2);
        assert!(is_alive(soon, false, false));
        assert!(is_alive(ROUND, false, false));
        assert!(!is_alive(ROUND + soon, false, false), "the heartbeat stands still");
        assert!(!is_alive(soon, true, false), "the API or the queue has ended");
        assert!(is_alive(soon, true, true), "as it must at a stop");
        assert!(!is_alive(ROUND + soon, true, true), "the stop hangs");
    }
}
