//! Every metric that there is: its name, kind, labels, and what it is in the words that Prometheus shows. What is told
//! under another name or with another label is a fault; docs, dashboard and alert rules are held to this list by tests.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use super::{installation as of, process, tally};
use crate::meter;

/// Seconds of calls and of waits that should be short.
const SHORT: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds of what may wait for patience, back-off and deadline.
const LONG: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 600.0];

/// What Prometheus makes of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution with these buckets.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, prefix and unit included.
    pub name: &'static str,
    /// What Prometheus makes of it.
    pub kind: Kind,
    /// The names of its labels, but for `le`.
    pub labels: &'static [&'static str],
    /// What it is.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(
    name: &'static str,
    buckets: &'static [f64],
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram(buckets), labels, help }
}

/// All of them: first what is true of a process, then what is true of the installation.
pub const CATALOGUE: &[Metric] = &[
    counter(
        meter::ORDERS,
        &["merchant", "status", "token"],
        "Orders that this process brought to their end, by status and token outcome.",
    ),
    counter(meter::ATTEMPTS, &["merchant", "result"], "Attempts at orders in this process, by how they ended."),
    histogram(meter::PICKUP, SHORT, &["merchant"], "From when an order could begin to its first claim."),
    histogram(meter::END_TO_END, LONG, &["merchant"], "From an order's acceptance to its end."),
    counter(
        meter::EXCHANGES,
        &["merchant", "purpose", "result"],
        "Presentations of refresh tokens by this process, by what they came to.",
    ),
    histogram(meter::EXCHANGE_TIME, SHORT, &["merchant"], "Calls of the token endpoint."),
    counter(meter::LOST_ANSWERS, &["merchant"], "Presentations of which nobody knows what became of them."),
    gauge(process::IN_FLIGHT, &[], "Exchanges of this process that are under way or wait for a place."),
    gauge(process::PLACES, &[], "Exchanges of this process that have one of vault.max_in_flight places."),
    gauge(process::MOST_PLACES, &[], "The setting vault.max_in_flight."),
    histogram(meter::CHECKOUT_TIME, SHORT, &["merchant", "result"], "Calls that create orders, by what they came to."),
    gauge(
        process::BREAKER_OPEN,
        &["merchant", "endpoint"],
        "1 while this process leaves an endpoint of the merchant alone.",
    ),
    counter(
        meter::BREAKER_OPENINGS,
        &["merchant", "endpoint"],
        "How often an endpoint came to be left alone after failures.",
    ),
    counter(meter::SWEEPS, &["end"], "Sweeps of the keeper in this process: whole, cut_off or failed."),
    counter(meter::SWEPT, &["result"], "Tokens that sweeps in this process came to, by what became of them."),
    gauge(meter::SWEEP_TIME, &[], "How long the last sweep in this process took."),
    counter(
        meter::WEBHOOK_ATTEMPTS,
        &["merchant", "result"],
        "Attempts at webhooks by this process: delivered, not_taken or gone (410).",
    ),
    histogram(meter::WEBHOOK_TIME, SHORT, &["merchant"], "Calls of the shop's webhook endpoint."),
    counter(meter::WEBHOOKS_GIVEN_UP, &["merchant"], "Webhooks that this process gave up after their three days."),
    gauge(process::SPOOL_FILES, &[], "Rotated tokens that wait on this machine's disk for the database."),
    gauge(
        process::CONNECTIONS,
        &["pool", "state"],
        "This process's connections to the database, by pool: used or idle.",
    ),
    gauge(process::MOST_CONNECTIONS, &["pool"], "The most connections that a pool of this process opens."),
    counter(process::CPU, &[], "Processor time of this process, in whole seconds."),
    gauge(process::MEMORY, &[], "Memory of this process that is in use (resident)."),
    gauge(process::FILES, &[], "Files and connections that this process has open."),
    gauge(process::MOST_FILES, &[], "Files and connections that the system lets this process open."),
    gauge(process::STARTED_AT, &[], "When this process started, in seconds since 1970."),
    gauge(process::BUILD, &["version", "schema"], "The program's version, and its newest migration."),
    gauge(of::DATABASE_UP, &[], "1 where the database answered this process when it was last asked."),
    gauge(of::QUEUED, &["merchant"], "Orders that wait, those that are to begin later included."),
    gauge(of::DUE, &["merchant"], "Orders that could begin, and wait for a worker."),
    gauge(of::RUNNING, &["merchant"], "Orders in work."),
    gauge(of::OLDEST_DUE, &["merchant"], "How long the order waits that has for longest."),
    gauge(of::WORKERS, &[], "Processes that beat."),
    gauge(of::OPEN_EXCHANGES, &[], "Presentations whose outcome is not written down yet."),
    gauge(of::SWEPT_AT, &[], "When the last whole sweep ended, in seconds since 1970; 0 if never."),
    gauge(of::LAG, &[], "How long the token is due that has been for longest."),
    gauge(
        of::LAPSING,
        &[],
        "Active tokens that the keeper should have refreshed: what they have left is less than half of keeper.refresh_before.",
    ),
    gauge(of::WEBHOOKS_PENDING, &["merchant"], "Webhooks that the shop has not taken yet."),
    gauge(of::WEBHOOKS_DUE, &["merchant"], "Webhooks that could be sent now, and wait for it."),
    gauge(of::WEBHOOKS_OLDEST_DUE, &["merchant"], "How long the webhook waits to be sent that has for longest."),
    gauge(of::ENDPOINT_DISABLED, &["merchant"], "1 while nothing is sent to the shop's webhook endpoint."),
    gauge(tally::TOKENS, &["state", "reason"], "Refresh tokens, by state and reason."),
    gauge(tally::DAYS_LEFT, &["days"], "Active refresh tokens, by the days that they have left."),
    gauge(
        tally::SECRETS,
        &["key", "state"],
        "What each encryption key seals: active, old (in the settings) or missing (not there).",
    ),
    gauge(tally::HELD, &[], "Orders that a restore of the database made fail, and that still can be retried."),
    gauge(tally::WEBHOOKS_FAILED, &["merchant"], "Webhooks that were given up, and are still kept."),
    gauge(
        tally::WEBHOOKS_OLDEST,
        &["merchant"],
        "How long ago the event happened whose webhook is pending for longest.",
    ),
    gauge(
        tally::COUNTED_AT,
        &[],
        "When tokens, keys, webhooks and held orders were last counted, in seconds since 1970.",
    ),
];

pub(super) fn buckets(mut builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    for metric in CATALOGUE {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)?;
        }
    }
    Ok(builder)
}

pub(super) fn describe() {
    for Metric { name, kind, help, .. } in CATALOGUE {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram(_) => describe_histogram!(*name, *help),
        }
    }
}
