//! Connects the metrics and `/readyz` to the parts of the process that they report on.

use std::sync::Arc;

use futures::FutureExt as _;

use super::App;
use super::spools::SpoolFiles;
use crate::api::{self, Breakers, Scrape};
use crate::breaker::BreakerView;
use crate::clock::since_boot;
use crate::klarna::breakers::TargetBreakers;
use crate::ops::metrics::{Exchanges, Metrics, Sources};
use crate::order::Target;
use crate::vault::Vault;

/// Returns the circuit breakers of this process.
pub(super) type AskBreakers = Arc<dyn Fn() -> Vec<BreakerView> + Send + Sync>;

/// The states of this process's circuit breakers.
pub(super) fn breaker_states(vault: Option<Vault>, targets: Option<TargetBreakers>) -> AskBreakers {
    Arc::new(move || {
        let token = vault.as_ref().map(Vault::breaker_views).unwrap_or_default();
        let targets = targets.iter().flat_map(|targets| Target::ALL.map(|target| targets.of(target)));
        token.into_iter().chain(targets.flat_map(|breakers| breakers.view(since_boot()))).collect()
    })
}

/// Returns the states of a worker's circuit breakers, for `/readyz`.
pub(super) fn ask_breakers(
    vault: Option<Vault>,
    targets: Option<TargetBreakers>,
) -> Option<api::AskBreakers> {
    let (vault, targets) = (vault?, targets?);
    Some(Arc::new(move || {
        let now = since_boot();
        let of = |merchant: &_| {
            targets
                .states(now)
                .filter_map(|(target, states)| Some((target, *states.get(merchant)?)))
                .collect()
        };
        let tokens = vault.breakers().into_iter();
        tokens
            .map(|(name, token)| {
                let targets = of(&name);
                (name.into(), Breakers { token, targets })
            })
            .collect()
    }))
}

/// Builds the metrics of this process; `vault` and `targets` only if it has the role that uses
/// them.
pub(super) fn scrape(app: &App, vault: Option<Vault>, targets: Option<TargetBreakers>) -> Scrape {
    let (breakers, spools) = (breaker_states(vault.clone(), targets), SpoolFiles::new(app));
    let metrics = Metrics::new(Sources {
        stats: app.store.clone(),
        connections: app.store.clone(),
        replica: app.store.clone(),
        providers: app.store.clone(),
        pausing: app.store.clone(),
        keeper: app.store.clone(),
        keys: app.store.clone(),
        schema: app.store.schema(),
        secrets: Arc::clone(&app.secrets),
        clock: app.clock.clone(),
        merchants: app.merchants(),
        worker_lost_after: app.settings.queue.worker_lost_after,
        // The keeper refreshes a token when `refresh_before` is left. If only half of that is left,
        // something is wrong.
        expiring_within: app.settings.keeper.refresh_before / 2,
        breakers: Box::new(move || breakers()),
        exchanges: Box::new(move || vault.as_ref().map_or_else(Exchanges::default, exchanges)),
        spool_files: Box::new(move || spools.last()),
    });
    if metrics.is_none() {
        tracing::error!("Metrics cannot be recorded; /metrics is empty");
    }
    let metrics = Arc::new(metrics);
    Arc::new(move || {
        let metrics = Arc::clone(&metrics);
        async move {
            match &*metrics {
                Some(metrics) => metrics.render().await,
                None => String::new(),
            }
        }
        .boxed()
    })
}

fn exchanges(vault: &Vault) -> Exchanges {
    let (in_flight, permits_taken) = (vault.in_flight(), vault.permits_taken());
    Exchanges { in_flight, permits_taken, permits: vault.permits() }
}
