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
            let tasks = match (ready.is_ready(), ended) {
                (false, _) => Tasks::Stopping,
                (true, true) => Tasks::Ended,
                (true, false) => Tasks::Running,
            };
            is_alive(heartbeats.as_ref().map_or(Duration::ZERO, HeartbeatMonitor::round), tasks)
        }
    }
}

/// The API and the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tasks {
    Running,
    /// One of them has ended unexpectedly.
    Ended,
    /// The service stops, so they end one after another.
    Stopping,
}

fn is_alive(round: Duration, tasks: Tasks) -> bool {
    round <= ROUND && tasks != Tasks::Ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hanging_heartbeat_and_an_ended_task_are_not_alive() {
        let soon = Duration::from_secs(2);
        assert!(is_alive(soon, Tasks::Running));
        assert!(is_alive(ROUND, Tasks::Running));
        assert!(!is_alive(ROUND + soon, Tasks::Running), "the heartbeat stands still");
        assert!(!is_alive(soon, Tasks::Ended), "the API or the queue has ended");
        assert!(is_alive(soon, Tasks::Stopping), "as it must at a stop");
        assert!(!is_alive(ROUND + soon, Tasks::Stopping), "the stop hangs");
    }
}
