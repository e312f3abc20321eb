//! What the processes that share the rates tell each other, as far as all merchants' rates are
//! concerned.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

pub(super) struct Sharing {
    processes: AtomicU32,
    /// No call before this time, if this process has joined others.
    first_call: OnceLock<Duration>,
    /// Some merchant needs more calls than it has.
    pub(super) short: Notify,
    /// Calls were leased.
    pub(super) leased: watch::Sender<()>,
}

impl Default for Sharing {
    fn default() -> Self {
        Self {
            processes: 1.into(),
            first_call: OnceLock::new(),
            short: Notify::new(),
            leased: watch::Sender::new(()),
        }
    }
}

impl Sharing {
    /// Returns how many processes share the rates.
    pub(super) fn processes(&self) -> u32 {
        self.processes.load(Ordering::Relaxed)
    }

    pub(super) fn set_processes(&self, processes: u32) {
        self.processes.store(processes.max(1), Ordering::Relaxed);
    }

    /// Sets the time of the first call. A process begins once, so a later time is ignored.
    pub(super) fn first_call(&self, at: Duration) {
        self.first_call.get_or_init(|| at);
    }

    /// How long no call may be made, because the others may not have divided the rates yet.
    pub(super) fn joins_in(&self, now: Duration) -> Duration {
        self.first_call.get().map_or(Duration::ZERO, |first| first.saturating_sub(now))
    }
}
