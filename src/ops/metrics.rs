//! Metrics for Prometheus. Those of this process are counted by `meter` as things happen, or read
//! at the scrape (`process.rs`). Those of the installation are read from the database now and then
//! (`installation.rs`; `counts.rs` for those that count many rows). `catalogue.rs` lists all of
//! them.
//!
//! Every process reports the same metrics of the installation: take their maximum (`max by (…)`).
//! Add up the metrics of processes.

mod catalogue;
mod counts;
mod installation;
mod process;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

pub use self::catalogue::{CATALOGUE, Kind, Metric};
use self::installation::Installation;
use crate::breaker::BreakerView;
use crate::clock::Clock;
use crate::config::{Live, Merchants};
use crate::ids::MerchantName;
use crate::meter;
use crate::order::{Target, TokenOutcome};
use crate::store::{Connections, InstallationStats, Keeper, Keys, Pausing, Providers, Replica};
use crate::vault::sealing::Secrets;

/// How often recorded values are sorted into buckets. Without this they would accumulate in memory
/// if nothing scrapes the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// The exchanges in flight in a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchanges {
    /// Exchanges that have begun and not ended, including those that wait for a permit.
    pub in_flight: usize,
    /// Permits in use.
    pub permits_taken: usize,
    /// All permits: `vault.max_in_flight`.
    pub permits: usize,
}

/// Where the metrics come from at each scrape.
pub struct Sources {
    /// The figures of the installation, and this process's connection pools.
    pub stats: Arc<dyn InstallationStats>,
    /// Tells whether the database takes writes.
    pub connections: Arc<dyn Connections>,
    /// Tells how the read replica stands.
    pub replica: Arc<dyn Replica>,
    /// Counts tokens by provider, and has the merchants that were stopped.
    pub providers: Arc<dyn Providers>,
    /// Has the pauses.
    pub pausing: Arc<dyn Pausing>,
    /// Counts tokens.
    pub keeper: Arc<dyn Keeper>,
    /// Counts what each encryption key encrypts.
    pub keys: Arc<dyn Keys>,
    /// The number of this program's newest migration.
    pub schema: i64,
    /// The encryption keys, to tell active, old and missing ones apart.
    pub secrets: Arc<Secrets>,
    /// The process's clock.
    pub clock: Clock,
    /// The merchants of the settings.
    pub merchants: Live<Merchants>,
    /// A process without a heartbeat for this long is not counted as alive.
    pub worker_lost_after: Duration,
    /// Active tokens with less time left than this expire soon.
    pub expiring_within: Duration,
    /// Returns the states of this process's circuit breakers.
    pub breakers: Box<dyn Fn() -> Vec<BreakerView> + Send + Sync>,
    /// Returns the exchanges in flight.
    pub exchanges: Box<dyn Fn() -> Exchanges + Send + Sync>,
    /// Returns how many files the spools have.
    pub spool_files: Box<dyn Fn() -> usize + Send + Sync>,
}

/// Renders the metrics of this process.
pub struct Metrics {
    recorded: PrometheusHandle,
    sources: Sources,
    installation: Installation,
    open: Mutex<process::Open>,
}

impl Metrics {
    /// Sets up the metrics of this process; counting begins with the first call. `None` if another
    /// recorder is installed, which nothing in this program does.
    #[must_use]
    pub fn new(sources: Sources) -> Option<Self> {
        let recorded = recorder()?;
        begin_counting(&sources.merchants.now());
        process::begin(&sources);
        Some(Self { recorded, sources, installation: Installation::default(), open: Mutex::default() })
    }

    /// All metrics in Prometheus' text format (version 0.0.4). The database is queried at most
    /// every five seconds; if it does not answer, the other metrics are rendered all the same.
    pub async fn render(&self) -> String {
        self.installation.update(&self.sources).await;
        process::update(&self.sources, &mut self.open.lock().unwrap_or_else(PoisonError::into_inner));
        self.recorded.render()
    }
}

/// Sets the counters of merchants to 0, unless they count already: an alert on an increase needs an
/// initial value.
pub fn begin_counting(merchants: &Merchants) {
    let (targets, tokens) = (Target::ALL.map(Target::as_str), TokenOutcome::ALL.map(TokenOutcome::as_str));
    for merchant in merchants.keys() {
        meter::begin(merchant, &targets, &tokens);
    }
}

/// The recorder of the process, set up at the first call.
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

/// Converts a count for a gauge. The conversion is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

/// Rows by merchant. Merchants of the settings without a row are included, so that their gauges
/// fall to zero.
fn by_merchant<'a, T>(
    merchants: &'a Merchants,
    rows: &'a [T],
    of: impl Fn(&T) -> &MerchantName,
) -> BTreeMap<&'a str, Option<&'a T>>
where
    T: 'a,
{
    let mut all: BTreeMap<&str, Option<&T>> =
        merchants.keys().map(|merchant| (merchant.as_str(), None)).collect();
    all.extend(rows.iter().map(|row| (of(row).as_str(), Some(row))));
    all
}

/// Seconds since `at`; zero if it is in the future or absent.
fn since(now: DateTime<Utc>, at: Option<DateTime<Utc>>) -> f64 {
    at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default().as_secs_f64()
}
