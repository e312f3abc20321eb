//! Metrics of the process's current state, updated at each scrape.

use std::collections::BTreeSet;

use metrics::{counter, gauge};

use super::{Sources, number};
use crate::breaker::{BreakerState, BreakerView, Endpoint};
use crate::ids::MerchantName;
use crate::meter;

pub(super) const SPOOL_FILES: &str = "klarna_worker_spool_files";
pub(super) const IN_FLIGHT: &str = "klarna_worker_exchanges_in_flight";
pub(super) const PERMITS_USED: &str = "klarna_worker_exchange_permits_used";
pub(super) const PERMITS_MAX: &str = "klarna_worker_exchange_permits_max";
pub(super) const BREAKER_OPEN: &str = "klarna_worker_breaker_open";
pub(super) const BREAKER_HALF_OPEN: &str = "klarna_worker_breaker_half_open";
pub(super) const CONNECTIONS: &str = "klarna_worker_database_connections";
pub(super) const MOST_CONNECTIONS: &str = "klarna_worker_database_connections_max";
pub(super) const CPU: &str = "klarna_worker_process_cpu_seconds_total";
pub(super) const MEMORY: &str = "klarna_worker_process_resident_memory_bytes";
pub(super) const FILES: &str = "klarna_worker_process_open_fds";
pub(super) const MOST_FILES: &str = "klarna_worker_process_max_fds";
pub(super) const STARTED_AT: &str = "klarna_worker_process_start_time_seconds";
pub(super) const BUILD: &str = "klarna_worker_build_info";

/// Sets the gauges that do not change while the process runs.
pub(super) fn begin(sources: &Sources) {
    let schema = sources.schema.to_string();
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION"), "schema" => schema).set(1.0);
    gauge!(STARTED_AT).set(number(sources.clock.now().timestamp()));
    meter::settings_read(sources.clock.now().timestamp());
}

/// The endpoints whose circuit breakers are not closed, by merchant.
pub(super) type Open = BTreeSet<(Endpoint, MerchantName)>;

/// Updates the gauges. `open` has the breakers that were open at the last scrape.
pub(super) fn update(sources: &Sources, open: &mut Open) {
    gauge!(SPOOL_FILES).set(number((sources.spool_files)()));
    let exchanges = (sources.exchanges)();
    gauge!(IN_FLIGHT).set(number(exchanges.in_flight));
    gauge!(PERMITS_USED).set(number(exchanges.permits_taken));
    gauge!(PERMITS_MAX).set(number(exchanges.permits));
    let set_gauges = |endpoint: Endpoint, merchant: &MerchantName, state: BreakerState| {
        let endpoint = endpoint.as_str();
        let flag = |holds: bool| f64::from(u8::from(holds));
        gauge!(BREAKER_OPEN, "endpoint" => endpoint, "merchant" => merchant.to_string())
            .set(flag(state != BreakerState::Closed));
        gauge!(BREAKER_HALF_OPEN, "endpoint" => endpoint, "merchant" => merchant.to_string())
            .set(flag(state == BreakerState::HalfOpen));
    };
    let mut now_open = Open::new();
    for BreakerView { endpoint, merchant, state, .. } in (sources.breakers)() {
        set_gauges(endpoint, &merchant, state);
        if state != BreakerState::Closed {
            now_open.insert((endpoint, merchant));
        }
    }
    // The merchant of an open breaker may be gone.
    for (endpoint, merchant) in open.difference(&now_open) {
        set_gauges(*endpoint, merchant, BreakerState::Closed);
    }
    *open = now_open;
    for pool in sources.stats.pools() {
        gauge!(CONNECTIONS, "pool" => pool.pool, "state" => "used").set(f64::from(pool.used));
        gauge!(CONNECTIONS, "pool" => pool.pool, "state" => "idle").set(f64::from(pool.idle));
        gauge!(MOST_CONNECTIONS, "pool" => pool.pool).set(f64::from(pool.most));
    }
    look_at_system();
}

/// CPU time, memory and file descriptors; the latter two only where there is a `/proc`.
fn look_at_system() {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    counter!(CPU).absolute(u64::try_from(cpu.tv_sec).unwrap_or_default());
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    if let Some(resident) = resident {
        gauge!(MEMORY).set(number(resident * rustix::param::page_size()));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        gauge!(FILES).set(number(files.count().saturating_sub(1)));
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        gauge!(MOST_FILES).set(number(most));
    }
}
