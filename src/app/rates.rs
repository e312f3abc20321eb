//! Shares the merchants' rates with the other processes, on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use tokio::time::{Instant, sleep_until};

use super::App;
use crate::breaker::CircuitBreakers;
use crate::clock::since_boot;
use crate::config::Engine;
use crate::silence::SilenceWatch;
use crate::store::{SharedRates, StoreError};

/// How often a process tells which calls it has made, and asks for more.
const EVERY: Duration = Duration::from_millis(200);
/// How soon it asks again if it needs more at once, unless nothing was free.
const SOONEST: Duration = Duration::from_millis(50);
/// How long a process that joins others makes no call: they are notified of it, and divide the
/// rates anew.
const JOINING: Duration = Duration::from_millis(500);

/// Shares rates with the other processes.
pub(super) struct RateSharing {
    store: Arc<dyn SharedRates>,
    silence: SilenceWatch,
    lost_after: Duration,
    /// How many processes there were when this one began.
    processes: u32,
    /// When this one may make its first call, if there were others.
    first_call: Duration,
}

impl RateSharing {
    /// Reads how many processes there are. This one is in the table already. `None` on SQLite,
    /// where one process has the rates alone.
    pub(super) async fn begin(app: &App, silence: SilenceWatch) -> Result<Option<Self>, StoreError> {
        if app.settings.database.engine != Engine::Postgres {
            return Ok(None);
        }
        let processes = u32::try_from(app.store.heartbeats().await?.len()).unwrap_or(u32::MAX);
        Ok(Some(Self {
            store: app.store.clone(),
            silence,
            lost_after: app.settings.queue.worker_lost_after,
            processes,
            first_call: since_boot() + JOINING,
        }))
    }

    /// Shares the rates of these endpoints, before any of them is called. The future must be polled
    /// for as long as they are.
    pub(super) fn share(&self, breakers: Vec<CircuitBreakers>) -> impl Future<Output = ()> + Send + use<> {
        if self.processes > 1 {
            for breakers in &breakers {
                breakers.join(self.processes, self.first_call);
            }
            log_processes(self.processes, &breakers);
        }
        share(self.store.clone(), self.silence.clone(), self.lost_after, breakers, self.processes)
    }
}

fn log_processes(processes: u32, breakers: &[CircuitBreakers]) {
    let endpoints: Vec<_> = breakers.iter().map(|breakers| breakers.endpoint().as_str()).collect();
    let endpoints = endpoints.join(" ");
    tracing::info!(processes, endpoints, "So many processes share the rates of these endpoints now");
}

/// Leases calls in the background, so that no order waits for the database: at once when a process
/// has used up its own share. While the database does not answer, each process goes on with its
/// equal share. A process counts until this one has watched it be silent for `lost_after`.
async fn share(
    store: Arc<dyn SharedRates>,
    silence: SilenceWatch,
    lost_after: Duration,
    breakers: Vec<CircuitBreakers>,
    mut known: u32,
) {
    loop {
        let begun = Instant::now();
        // Zero while it is unknown: then the last number stays.
        let processes = silence.living(lost_after);
        if processes > 0 && processes != known {
            known = processes;
            for breakers in &breakers {
                breakers.set_processes(processes);
            }
            log_processes(processes, &breakers);
        }
        let mut is_free = true;
        for breakers in &breakers {
            for ask in breakers.rate_asks(since_boot()) {
                match store.lease_rate(&ask).await {
                    Ok(granted) => {
                        is_free &= granted > 0 || ask.wanted == 0;
                        breakers.lease(&ask.merchant, granted, since_boot());
                    }
                    Err(error) => {
                        is_free = false;
                        breakers.count_again(&ask);
                        tracing::debug!(%error, "No calls could be leased");
                    }
                }
            }
        }
        let short = select_all(breakers.iter().map(|breakers| Box::pin(breakers.short())));
        tokio::select! {
            () = sleep_until(begun + EVERY) => {}
            _ = short, if is_free => sleep_until(begun + SOONEST).await,
        }
    }
}
