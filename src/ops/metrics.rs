//! Metrics for Prometheus: what is true of this process, counted by `meter` as it happens or asked at the scrape
//! (`process.rs`), and what is true of the installation, asked of the database now and then (`installation.rs`, and in
//! `counts.rs` what takes a look at many rows). `catalogue.rs` lists them all.
//!
//! Every process tells the same of the installation: take its maximum over them (`max by (…)`), and the sum of what
//! processes tell of themselves.

mod catalogue;
mod counts;
mod installation;
mod process;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

pub use self::catalogue::{CATALOGUE, Kind, Metric};
use self::installation::Installation;
use crate::breaker::BreakerState;
use crate::clock::Clock;
use crate::meter;
use crate::order::TokenOutcome;
use crate::store::Store;
use crate::vault::sealing::Secrets;

/// How often what is recorded is sorted into its buckets, so that it does not pile up where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Where a breaker stands: endpoint, merchant, stand.
pub type BreakerReading = (&'static str, String, BreakerState);

/// The exchanges of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchanges {
    /// Begun and not ended.
    pub in_flight: usize,
    /// Places that are taken.
    pub permits_taken: usize,
    /// Places that there are.
    pub permits: usize,
}

/// What is asked of the process at each scrape.
pub struct Sources {
    /// The rows, and the pools in front of them.
    pub store: Arc<dyn Store>,
    /// Whose keys may be active, old or missing.
    pub secrets: Arc<Secrets>,
    /// The time.
    pub clock: Clock,
    /// The settings' merchants.
    pub merchants: Vec<String>,
    /// A process that has sent no heartbeat for so long is not alive.
    pub worker_lost_after: Duration,
    /// A token that the keeper looks after should never have less left.
    pub lapsing_within: Duration,
    /// The breakers of this process.
    pub breakers: Box<dyn Fn() -> Vec<BreakerReading> + Send + Sync>,
    /// Exchanges in flight.
    pub exchanges: Box<dyn Fn() -> Exchanges + Send + Sync>,
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
            meter::begin(merchant, TokenOutcome::ALL.into_iter().map(TokenOutcome::as_str));
        }
        process::begin(&sources);
        Some(Self { recorded, sources, installation: Installation::default() })
    }

    /// All metrics, as Prometheus' text format has them (version 0.0.4). The database is asked at most every few seconds,
    /// and where it does not answer the rest is told all the same.
    pub async fn render(&self) -> String {
        self.installation.look(&self.sources).await;
        process::look(&self.sources);
        self.recorded.render()
    }
}

/// The process's one recorder, set up at the first call.
fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let set_up = || {
        let builder = catalogue::buckets(PrometheusBuilder::new()).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        catalogue::describe();
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
