//! The list of all metrics: name, kind, labels, and the help text that Prometheus shows. Tests
//! compare what a process exports, docs/metrics.md, the dashboard and the alert rules with this
//! list.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use super::{counts, installation as of, process};
use crate::meter;

/// Buckets in seconds, for calls and for short waits.
const SHORT: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Buckets in seconds, for whole orders, which may include waits up to the deadline.
const LONG: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 600.0];

/// What Prometheus makes of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows while the process runs.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution with these upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The full name, with prefix and unit.
    pub name: &'static str,
    /// What Prometheus makes of it.
    pub kind: Kind,
    /// The names of its labels, without `le`.
    pub labels: &'static [&'static str],
    /// The help text.
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

/// All metrics: first those of a process, then those of the installation.
pub const CATALOGUE: &[Metric] = &[
    counter(
        meter::ORDERS,
        &["merchant", "target", "status", "token"],
        "Orders that ended in this process, by target, final status and token outcome.",
    ),
    counter(
        meter::ATTEMPTS,
        &["merchant", "target", "result"],
        "Attempts at orders in this process, by target and result.",
    ),
    histogram(
        meter::PICKUP,
        SHORT,
        &["merchant"],
        "Seconds from when an order was due to its first claim by a worker.",
    ),
    histogram(
        meter::END_TO_END,
        LONG,
        &["merchant"],
        "Seconds from when an order was first due, or an operator retried it, to its end.",
    ),
    counter(
        meter::EXCHANGES,
        &["merchant", "purpose", "result"],
        "Exchanges of refresh tokens by this process, by purpose and result.",
    ),
    counter(meter::VENDS, &["merchant", "result"], "Requests to this process for access tokens, by result."),
    counter(
        meter::REVOCATIONS,
        &["merchant", "result"],
        "Attempts to revoke forgotten refresh tokens by this process, by result.",
    ),
    counter(
        meter::FOLLOW_UPS,
        &["merchant", "kind", "result"],
        "Attempts of this process at calls about submitted orders (pushes, reads, aborts), by kind and result.",
    ),
    histogram(meter::EXCHANGE_TIME, SHORT, &["merchant"], "Seconds that a call of the token endpoint took."),
    counter(
        meter::LOST_ANSWERS,
        &["merchant"],
        "Exchanges whose answer was lost, so that it is unknown whether the token was used.",
    ),
    counter(
        meter::UNDECRYPTABLE_TOKENS,
        &["merchant"],
        "How often a refresh token could not be decrypted, so that it was not presented.",
    ),
    gauge(
        process::IN_FLIGHT,
        &[],
        "Exchanges of this process that run, or wait until vault.max_in_flight lets them run.",
    ),
    gauge(
        process::PERMITS_USED,
        &[],
        "Exchanges of this process that run and count towards vault.max_in_flight.",
    ),
    gauge(
        process::PERMITS_MAX,
        &[],
        "The setting vault.max_in_flight: how many exchanges may run at once in this process.",
    ),
    histogram(
        meter::CREATE_TIME,
        SHORT,
        &["merchant", "target", "result"],
        "Seconds that a call to create an order or session took, by target and result.",
    ),
    gauge(
        process::BREAKER_OPEN,
        &["merchant", "endpoint"],
        "1 while this process's circuit breaker for an endpoint of the merchant is not closed.",
    ),
    gauge(
        process::BREAKER_HALF_OPEN,
        &["merchant", "endpoint"],
        "1 while this process's circuit breaker for an endpoint is half-open: its pause is over, and no call \
         has come since. The next call decides.",
    ),
    counter(
        meter::BREAKER_OPENINGS,
        &["merchant", "endpoint"],
        "How often this process's circuit breaker for an endpoint has opened.",
    ),
    gauge(
        meter::ENDPOINT_MOVED,
        &["merchant", "setting"],
        "1 if the provider's OpenID documents list another address than the setting in force, by the last daily check.",
    ),
    counter(
        meter::SWEEPS,
        &["end"],
        "Sweeps of the keeper in this process: complete, interrupted or failed.",
    ),
    counter(meter::SWEPT, &["result"], "Tokens that sweeps in this process handled, by result."),
    gauge(meter::SWEEP_TIME, &[], "Seconds that the last sweep in this process took."),
    counter(
        meter::WEBHOOK_ATTEMPTS,
        &["merchant", "result"],
        "Attempts to send webhooks by this process: delivered, failed or gone (HTTP 410).",
    ),
    histogram(
        meter::WEBHOOK_TIME,
        SHORT,
        &["merchant"],
        "Seconds that a call of the shop's webhook endpoint took.",
    ),
    counter(
        meter::WEBHOOKS_GIVEN_UP,
        &["merchant"],
        "Webhooks that this process gave up: the endpoint did not take them for three days, or nothing sends them.",
    ),
    gauge(
        process::SPOOL_FILES,
        &[],
        "Rotated tokens and results of orders in this machine's spools, waiting for the database.",
    ),
    gauge(
        process::CONNECTIONS,
        &["pool", "state"],
        "Database connections of this process, by pool and state: used or idle.",
    ),
    gauge(
        process::MOST_CONNECTIONS,
        &["pool"],
        "The maximum number of database connections of a pool of this process.",
    ),
    counter(
        meter::LOG_LINES_DROPPED,
        &[],
        "Log lines that this process dropped because nobody read its standard error.",
    ),
    counter(
        meter::AUDIT_FAILURES,
        &[],
        "Attempts of this process to store rows of the audit log, or their JSON lines, that failed.",
    ),
    counter(meter::AUDIT_ROWS_LOST, &[], "Rows of the audit log that this process could not store."),
    gauge(
        meter::RELOAD_SUCCESSFUL,
        &[],
        "Whether the last reload of this process's settings was successful. A start counts as one.",
    ),
    gauge(meter::SETTINGS_READ, &[], "When this process read the settings that are in force."),
    counter(process::CPU, &[], "CPU time that this process has used, in whole seconds."),
    gauge(process::MEMORY, &[], "Resident memory of this process."),
    gauge(process::FILES, &[], "Open file descriptors of this process, connections included."),
    gauge(process::MOST_FILES, &[], "The maximum number of open file descriptors of this process."),
    gauge(process::STARTED_AT, &[], "When this process started, in seconds since 1970."),
    gauge(
        process::BUILD,
        &["version", "schema"],
        "Always 1; the labels have the program's version and its newest migration.",
    ),
    gauge(of::DATABASE_UP, &[], "1 if the database answered this process when it was last asked, else 0."),
    gauge(of::READ_ONLY, &[], "1 if the database takes no writes: a replica, or read-only by its default."),
    gauge(
        of::REPLICA_FAILING,
        &[],
        "1 while this process cannot use the read replica (database.read_url) and reads from the primary.",
    ),
    gauge(of::REPLICA_LAG, &[], "How far the read replica (database.read_url) is behind."),
    gauge(of::QUEUED, &["merchant"], "Orders with the status queued, including those due later."),
    gauge(of::DUE, &["merchant"], "Orders that are due and wait for a worker."),
    gauge(of::RUNNING, &["merchant"], "Orders that a worker is running."),
    gauge(
        of::OLDEST_DUE,
        &["merchant"],
        "How long the order that has waited longest for a worker has been due.",
    ),
    gauge(
        of::DELAYED,
        &["merchant"],
        "Orders that a worker has taken before, and that wait for their next try: after a failure, or behind \
         a circuit breaker.",
    ),
    gauge(
        of::OLDEST_DELAYED,
        &["merchant"],
        "How long ago a worker first took the oldest order that waits for its next try, or is in one.",
    ),
    gauge(of::WORKERS, &[], "Processes with a recent heartbeat."),
    gauge(of::OPEN_EXCHANGES, &[], "Exchanges whose result is not in the database yet."),
    gauge(
        of::SWEPT_AT,
        &[],
        "When the last complete sweep ended, in seconds since 1970; 0 if there was none.",
    ),
    gauge(of::LAG, &[], "How long the token that has waited longest for its refresh has been due."),
    gauge(
        of::EXPIRING,
        &[],
        "Active tokens with less than half of keeper.refresh_before left: the keeper should have refreshed them.",
    ),
    gauge(
        of::PAUSED,
        &["merchant", "kind"],
        "For how long an operator has paused this kind of work of the merchant; 0 if it is not paused.",
    ),
    gauge(
        of::STOPPED,
        &["merchant"],
        "1 while the merchant is stopped: its token endpoint rejected too many refresh tokens in a row.",
    ),
    gauge(
        of::WEBHOOKS_PENDING,
        &["merchant"],
        "Webhooks that are not delivered yet, including those due later.",
    ),
    gauge(of::WEBHOOKS_DUE, &["merchant"], "Webhooks that are due and wait to be sent."),
    gauge(
        of::WEBHOOKS_OLDEST_DUE,
        &["merchant"],
        "How long the webhook that has waited longest to be sent has been due.",
    ),
    gauge(
        of::ENDPOINT_DISABLED,
        &["merchant"],
        "1 while the shop's webhook endpoint is disabled and nothing is sent to it.",
    ),
    gauge(
        of::FOLLOW_UPS_WAITING,
        &["merchant"],
        "Calls about submitted orders (pushes, reads, aborts) that are not done yet, including those due later.",
    ),
    gauge(
        of::FOLLOW_UPS_FAILED,
        &["merchant"],
        "Calls about submitted orders that have failed at least once and are tried again.",
    ),
    gauge(
        of::FOLLOW_UPS_GIVEN_UP,
        &["merchant"],
        "Calls about orders that may be paid, which failed for two days and are not tried by themselves.",
    ),
    gauge(
        of::FOLLOW_UPS_OLDEST,
        &["merchant"],
        "How long ago the oldest call about a submitted order that is not done yet was asked for.",
    ),
    gauge(
        counts::TOKENS,
        &["state", "reason"],
        "Refresh tokens, by state and, if a new sign-in is needed, its reason.",
    ),
    gauge(counts::DAYS_LEFT, &["days"], "Active refresh tokens, by the days until they expire."),
    gauge(
        counts::SECRETS,
        &["key", "state"],
        "Secrets encrypted with each key; state: active, old (another key in the settings) or missing (not \
         in the settings).",
    ),
    gauge(
        counts::FOREIGN,
        &["merchant"],
        "Refresh tokens of another provider than the settings name: they are not used.",
    ),
    gauge(
        counts::HELD,
        &[],
        "Orders that failed because the database was restored, and can still be retried.",
    ),
    gauge(counts::WEBHOOKS_FAILED, &["merchant"], "Webhooks that were given up and are still stored."),
    gauge(
        counts::WEBHOOKS_OLDEST,
        &["merchant"],
        "How long ago the oldest event happened whose webhook is not delivered yet.",
    ),
    gauge(counts::COUNTED_AT, &[], "When tokens and keys were last counted, in seconds since 1970."),
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
