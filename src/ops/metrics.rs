//! Metrics for Prometheus: what is true of this process, counted by `meter` as it happens or asked at the scrape, and what
//! is true of the installation, asked of the database now and then (`installation.rs`).
//!
//! Every process tells the same of the installation: take its maximum over them (`max by (…)`), and the sum of what
//! processes tell of themselves.

mod describe;
mod installation;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use self::installation::Installation;
use crate::breaker::Stand;
use crate::meter;
use crate::store::Store;

const SPOOL_FILES: &str = "klarna_worker_spool_files";
const IN_FLIGHT: &str = "klarna_worker_exchanges_in_flight";
const BREAKER_OPEN: &str = "klarna_worker_breaker_open";
const CONNECTIONS: &str = "klarna_worker_database_connections";
const MOST_CONNECTIONS: &str = "klarna_worker_database_connections_max";
const BUILD: &str = "klarna_worker_build_info";

/// How often what is recorded is sorted into its buckets, so that it does not pile up where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Where a breaker stands: endpoint, merchant, stand.
pub type BreakerStand = (&'static str, String, Stand);

/// What is asked of the process at each scrape.
pub struct Sources {
    /// The rows, and the pools in front of them.
    pub store: Arc<dyn Store>,
    /// The settings' merchants.
    pub merchants: Vec<String>,
    /// A process that has not beaten for so long is not alive.
    pub worker_lost_after: Duration,
    /// The breakers of this process.
    pub breakers: Box<dyn Fn() -> Vec<BreakerStand> + Send + Sync>,
    /// Exchanges in the air.
    pub in_flight: Box<dyn Fn() -> usize + Send + Sync>,
    /// Successors that wait in the spools.
    pub spool_files: Box<dyn Fn() -> usize + Send + Sync>,
}

/// Answers scrapes.
pub struct Metrics {
    recorded: PrometheusHandle,
    sources: Sources,
    installation: Installation,
}

impl Metrics {
    /// Metrics of a process; what it counts is counted from the first call on. `None` where something else records
    /// already, which nothing in this program does.
    #[must_use]
    pub fn new(sources: Sources) -> Option<Self> {
        let recorded = recorder()?;
        for merchant in &sources.merchants {
            // An alert on an increase needs something to increase from.
            meter::begin(merchant);
        }
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Some(Self { recorded, sources, installation: Installation::default() })
    }

    /// All metrics, as Prometheus' text format has them (version 0.0.4). The database is asked at most every few seconds,
    /// and where it does not answer the rest is told all the same.
    pub async fn render(&self) -> String {
        let Sources { store, merchants, worker_lost_after, .. } = &self.sources;
        self.installation.look(&**store, merchants, *worker_lost_after).await;
        self.look_at_process();
        self.recorded.render()
    }

    fn look_at_process(&self) {
        gauge!(SPOOL_FILES).set(number((self.sources.spool_files)()));
        gauge!(IN_FLIGHT).set(number((self.sources.in_flight)()));
        for (endpoint, merchant, stand) in (self.sources.breakers)() {
            let open = if stand == Stand::Closed { 0.0 } else { 1.0 };
            gauge!(BREAKER_OPEN, "endpoint" => endpoint, "merchant" => merchant).set(open);
        }
        for pool in self.sources.store.pools() {
            gauge!(CONNECTIONS, "pool" => pool.pool, "state" => "used").set(f64::from(pool.used));
            gauge!(CONNECTIONS, "pool" => pool.pool, "state" => "idle").set(f64::from(pool.idle));
            gauge!(MOST_CONNECTIONS, "pool" => pool.pool).set(f64::from(pool.most));
        }
    }
}

/// The process's one recorder, set up at the first call.
fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let set_up = || {
        let builder = describe::buckets(PrometheusBuilder::new()).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe::describe();
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Some(handle)
    };
    RECORDER.get_or_init(set_up).clone()
}

/// A count as a gauge has it: exact far beyond any count here.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}
