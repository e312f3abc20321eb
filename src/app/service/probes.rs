//! Follows what operators order: that a circuit breaker tries a call now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::CircuitBreakers;
use crate::clock::since_boot;
use crate::store::{AskedProbe, Pausing};

/// How often the orders are read while calls wait.
const READ_PROBES: Duration = Duration::from_millis(500);

/// Lets the circuit breakers of this process try a call when an operator says so. Then it makes the
/// orders due that wait for their next try, because somebody has to make that call.
pub(super) async fn follow_probes(pausing: Arc<dyn Pausing>, breakers: Vec<CircuitBreakers>) {
    let mut seen = BTreeMap::new();
    loop {
        tokio::time::sleep(READ_PROBES).await;
        if !breakers.iter().any(|breakers| breakers.any_waits(since_boot())) {
            continue;
        }
        let asked = match pausing.probes().await {
            Ok(asked) => asked,
            Err(error) => {
                tracing::debug!(%error, "The ordered probes could not be read");
                continue;
            }
        };
        let mut tried = BTreeSet::new();
        for AskedProbe { merchant, endpoint, asked_at } in asked {
            if seen.insert((merchant.clone(), endpoint), asked_at) == Some(asked_at) {
                continue;
            }
            let of_endpoint = breakers.iter().filter(|breakers| breakers.endpoint() == endpoint);
            if of_endpoint.filter(|breakers| breakers.probe_now(&merchant, since_boot())).count() == 0 {
                continue;
            }
            tracing::info!(
                %merchant,
                endpoint = endpoint.as_str(),
                "An operator let a circuit breaker try a call at once"
            );
            if endpoint.is_for_new_orders() {
                tried.insert(merchant);
            }
        }
        for merchant in tried {
            if let Err(error) = pausing.bring_orders_forward(&merchant).await {
                tracing::debug!(%error, "Waiting orders could not be made due for a probe");
            }
        }
    }
}
