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
use crate::store::Store;

/// How often a process tells which calls it has made, and asks for more.
const EVERY: Duration = Duration::from_millis(200);
/// How soon it asks again if it needs more at once, unless nothing was free.
const SOONEST: Duration = Duration::from_millis(50);

/// Returns what shares the rates of these endpoints with the other processes. `None` on SQLite, where one
/// process has them alone.
pub(super) fn share_rates(
    app: &App,
    silence: SilenceWatch,
    breakers: Vec<CircuitBreakers>,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let lost_after = app.settings.queue.worker_lost_after;
    let shares = app.settings.database.engine == Engine::Postgres;
    shares.then(|| share(app.store.clone(), silence, lost_after, breakers))
}

/// Leases calls in the background, so that no order waits for the database: at once when a process has used
/// up its own share. While the database does not answer, each process goes on with its equal share. A process
/// counts until this one has watched it be silent for `lost_after`.
async fn share(
    store: Arc<dyn Store>,
    silence: SilenceWatch,
    lost_after: Duration,
    breakers: Vec<CircuitBreakers>,
) {
    let mut known = 1;
    loop {
        let begun = Instant::now();
        // Zero while it is unknown: then the last number stays.
        let processes = silence.living(lost_after);
        if processes > 0 && processes != known {
            known = processes;
            for breakers in &breakers {
                breakers.set_processes(processes);
            }
            let endpoints: Vec<_> = breakers.iter().map(|breakers| breakers.endpoint().as_str()).collect();
            let endpoints = endpoints.join(" ");
            tracing::info!(processes, endpoints, "So many processes share the rates of these endpoints now");
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
                        breakers.not_told(&ask);
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
