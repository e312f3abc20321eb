//! What each metric is, in the words that Prometheus shows, and the buckets of those that are distributions.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use super::installation as of;
use super::{BREAKER_OPEN, BUILD, CONNECTIONS, IN_FLIGHT, MOST_CONNECTIONS, SPOOL_FILES};
use crate::meter;

/// Seconds of calls and of waits that should be short.
const SHORT: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds of what may wait for patience, back-off and deadline.
const LONG: [f64; 13] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 600.0];

pub(super) fn buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    builder
        .set_buckets_for_metric(full(meter::PICKUP), &SHORT)?
        .set_buckets_for_metric(full(meter::EXCHANGE_TIME), &SHORT)?
        .set_buckets_for_metric(full(meter::CHECKOUT_TIME), &SHORT)?
        .set_buckets_for_metric(full(meter::END_TO_END), &LONG)
}

pub(super) fn describe() {
    describe_process();
    describe_installation();
}

fn describe_process() {
    describe_counter!(meter::ATTEMPTS, "Attempts at orders in this process, by how they ended.");
    describe_counter!(meter::ORDERS, "Orders that this process brought to their end, by status and token outcome.");
    describe_histogram!(meter::PICKUP, Unit::Seconds, "From when an order could begin to its first claim.");
    describe_histogram!(meter::END_TO_END, Unit::Seconds, "From an order's acceptance to its end.");
    describe_counter!(meter::EXCHANGES, "Presentations of refresh tokens by this process, by what they came to.");
    describe_histogram!(meter::EXCHANGE_TIME, Unit::Seconds, "Calls of the token endpoint.");
    describe_counter!(meter::LOST_ANSWERS, "Presentations of which nobody knows what became of them.");
    describe_histogram!(meter::CHECKOUT_TIME, Unit::Seconds, "Calls that create orders, by what they came to.");
    describe_counter!(meter::BREAKER_OPENINGS, "How often an endpoint came to be left alone after failures.");
    describe_counter!(meter::SWEEPS, "Sweeps of the keeper in this process: whole, cut_off or failed.");
    describe_counter!(meter::SWEPT, "Tokens that sweeps in this process came to, by what became of them.");
    describe_gauge!(meter::SWEEP_TIME, Unit::Seconds, "How long the last sweep in this process took.");
    describe_gauge!(SPOOL_FILES, "Rotated tokens that wait on this machine's disk for the database.");
    describe_gauge!(IN_FLIGHT, "Exchanges of this process that are under way.");
    describe_gauge!(BREAKER_OPEN, "1 while this process leaves an endpoint of the merchant alone.");
    describe_gauge!(CONNECTIONS, "This process's connections to the database, by pool.");
    describe_gauge!(MOST_CONNECTIONS, "The most connections that a pool of this process opens.");
    describe_gauge!(BUILD, "The program's version.");
}

fn describe_installation() {
    describe_gauge!(of::DATABASE_UP, "1 where the database answered when it was last asked.");
    describe_gauge!(of::QUEUED, "Orders that wait, those that are to begin later included.");
    describe_gauge!(of::DUE, "Orders that could begin, and wait for a worker.");
    describe_gauge!(of::RUNNING, "Orders in work.");
    describe_gauge!(of::OLDEST_DUE, Unit::Seconds, "How long the order waits that has for longest.");
    describe_gauge!(of::WORKERS, "Processes that beat.");
    describe_gauge!(of::OPEN_EXCHANGES, "Presentations whose outcome is not written down yet.");
    describe_gauge!(of::SWEPT_AT, Unit::Seconds, "When the last whole sweep ended, in seconds since 1970; 0 if never.");
    describe_gauge!(of::LAG, Unit::Seconds, "How long the token is due that has been for longest.");
    describe_gauge!(of::TOKENS, "Refresh tokens, by state and reason.");
    describe_gauge!(of::DAYS_LEFT, "Active refresh tokens, by the days that they have left.");
    describe_gauge!(of::COUNTED_AT, Unit::Seconds, "When tokens were last counted, in seconds since 1970.");
}
