//! The counters, histograms and gauges of this process, by their Prometheus names. `ops::metrics`
//! describes them, and serves them together with figures of the whole installation.
//!
//! A new metric needs a name and a function here, and a row in `ops/metrics/catalogue.rs`. Label
//! values are names from the settings or words of a fixed list, never a user, an order or a token.

mod handles;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{counter, gauge, histogram};

use self::handles::{counter_of, histogram_of};
use crate::clock::since_boot;
use crate::ids::MerchantName;

/// Attempts at orders, by target and result.
pub const ATTEMPTS: &str = "klarna_worker_order_attempts_total";
/// Ended orders, by target, status and token outcome.
pub const ORDERS: &str = "klarna_worker_orders_ended_total";
/// Seconds from when an order was due to its first claim.
pub const PICKUP: &str = "klarna_worker_order_pickup_seconds";
/// Seconds from the acceptance of an order to its end.
pub const END_TO_END: &str = "klarna_worker_order_end_to_end_seconds";
/// Exchanges of refresh tokens, by result.
pub const EXCHANGES: &str = "klarna_worker_exchanges_total";
/// Seconds that a call of the token endpoint took.
pub const EXCHANGE_TIME: &str = "klarna_worker_exchange_duration_seconds";
/// Requests for access tokens, by result.
pub const VENDS: &str = "klarna_worker_vends_total";
/// Attempts to revoke refresh tokens, by result.
pub const REVOCATIONS: &str = "klarna_worker_revocations_total";
/// Attempts at calls about submitted orders in the background, by kind and result.
pub const FOLLOW_UPS: &str = "klarna_worker_follow_ups_total";
/// Exchanges whose answer was lost, including those of processes that died.
pub const LOST_ANSWERS: &str = "klarna_worker_lost_answers_total";
/// Refresh tokens that could not be decrypted when an exchange needed them.
pub const UNDECRYPTABLE_TOKENS: &str = "klarna_worker_undecryptable_tokens_total";
/// Seconds that a create call took, by target and result.
pub const CREATE_TIME: &str = "klarna_worker_create_duration_seconds";
/// How often a circuit breaker opened.
pub const BREAKER_OPENINGS: &str = "klarna_worker_breaker_openings_total";
/// Whether the provider's OpenID documents list another address than the one in force.
pub const ENDPOINT_MOVED: &str = "klarna_worker_endpoint_moved";
/// Sweeps of the keeper, by how they ended.
pub const SWEEPS: &str = "klarna_worker_keeper_sweeps_total";
/// Tokens that sweeps handled, by result.
pub const SWEPT: &str = "klarna_worker_keeper_tokens_total";
/// Seconds that the last sweep took.
pub const SWEEP_TIME: &str = "klarna_worker_keeper_last_sweep_duration_seconds";
/// Attempts to deliver webhooks, by result.
pub const WEBHOOK_ATTEMPTS: &str = "klarna_worker_webhook_attempts_total";
/// Seconds that the shop's endpoint took.
pub const WEBHOOK_TIME: &str = "klarna_worker_webhook_duration_seconds";
/// Webhooks that were not delivered within three days.
pub const WEBHOOKS_GIVEN_UP: &str = "klarna_worker_webhooks_given_up_total";

/// Log lines that were dropped because nobody read standard error.
pub const LOG_LINES_DROPPED: &str = "klarna_worker_log_lines_dropped_total";

/// Attempts to store rows of the audit log that failed.
pub const AUDIT_FAILURES: &str = "klarna_worker_audit_failures_total";
/// Rows of the audit log that are in no table.
pub const AUDIT_ROWS_LOST: &str = "klarna_worker_audit_rows_lost_total";

/// Whether the last reload of the settings was successful; a start counts.
pub const RELOAD_SUCCESSFUL: &str = "klarna_worker_settings_last_reload_successful";
/// When the settings in force were read.
pub const SETTINGS_READ: &str = "klarna_worker_settings_last_reload_success_timestamp_seconds";

/// Lines dropped since the start of the process. A static, because lines can be dropped before the
/// metrics are set up.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// When the last of them was dropped, in seconds since boot.
static DROPPED_AT: AtomicU64 = AtomicU64::new(0);

/// Sets the counters of a merchant to 0, because alerts look for an increase. `targets` are the
/// possible targets of an order, and `tokens` its possible token outcomes.
pub fn begin(merchant: &MerchantName, targets: &[&'static str], tokens: &[&'static str]) {
    handles::recording();
    let merchant = || merchant.to_string();
    counter!(LOG_LINES_DROPPED).absolute(log_lines_dropped());
    counter!(AUDIT_FAILURES).increment(0);
    counter!(AUDIT_ROWS_LOST).increment(0);
    counter!(LOST_ANSWERS, "merchant" => merchant()).increment(0);
    counter!(UNDECRYPTABLE_TOKENS, "merchant" => merchant()).increment(0);
    counter!(WEBHOOKS_GIVEN_UP, "merchant" => merchant()).increment(0);
    for result in ["exchanged", "cached", "not_registered", "reauth_required", "uncertain", "unavailable"] {
        counter!(VENDS, "merchant" => merchant(), "result" => result).increment(0);
    }
    for result in ["revoked", "failed", "given_up"] {
        counter!(REVOCATIONS, "merchant" => merchant(), "result" => result).increment(0);
    }
    for kind in ["push", "read", "abort"] {
        for result in ["done", "failed", "given_up"] {
            counter!(FOLLOW_UPS, "merchant" => merchant(), "kind" => kind, "result" => result).increment(0);
        }
    }
    for endpoint in targets.iter().copied().chain(["token"]) {
        counter!(BREAKER_OPENINGS, "merchant" => merchant(), "endpoint" => endpoint).increment(0);
    }
    for result in ["delivered", "failed", "gone"] {
        counter!(WEBHOOK_ATTEMPTS, "merchant" => merchant(), "result" => result).increment(0);
    }
    for &target in targets {
        for token in tokens.iter().copied().chain(["none"]) {
            for status in ["submitted", "failed"] {
                counter!(ORDERS, "merchant" => merchant(), "target" => target, "status" => status, "token" => token)
                    .increment(0);
            }
        }
    }
}

/// Counts an ended attempt at an order. `target` is `none` if it is not known.
pub fn attempt(merchant: &MerchantName, target: &'static str, result: &'static str) {
    counter_of(ATTEMPTS, merchant, &[("target", target), ("result", result)]).increment(1);
}

/// Counts an ended order. `target` is `none` if it is not known. `token` is `None` if it ended
/// before it asked for one.
pub fn order(
    merchant: &MerchantName,
    target: &'static str,
    status: &'static str,
    token: Option<&'static str>,
    took: Duration,
) {
    let labels = [("target", target), ("status", status), ("token", token.unwrap_or("none"))];
    counter_of(ORDERS, merchant, &labels).increment(1);
    histogram_of(END_TO_END, merchant, &[]).record(took);
}

/// Records how long an order waited for its first claim.
pub fn pickup(merchant: &MerchantName, waited: Duration) {
    histogram_of(PICKUP, merchant, &[]).record(waited);
}

/// Records how long a call of the token endpoint took.
pub fn exchange_took(merchant: &MerchantName, took: Duration) {
    histogram_of(EXCHANGE_TIME, merchant, &[]).record(took);
}

/// Counts an exchange whose result is stored.
pub fn exchange(merchant: &MerchantName, purpose: &'static str, result: &'static str) {
    counter_of(EXCHANGES, merchant, &[("purpose", purpose), ("result", result)]).increment(1);
}

/// Counts a request for an access token.
pub fn vended(merchant: &MerchantName, result: &'static str) {
    counter!(VENDS, "merchant" => merchant.to_string(), "result" => result).increment(1);
}

/// Counts an attempt to revoke a refresh token, or that one was given up.
pub fn revocation(merchant: &MerchantName, result: &'static str) {
    counter!(REVOCATIONS, "merchant" => merchant.to_string(), "result" => result).increment(1);
}

/// Counts an attempt at a call about a submitted order, or that one was given up.
pub fn follow_up(merchant: &MerchantName, kind: &'static str, result: &'static str) {
    counter!(FOLLOW_UPS, "merchant" => merchant.to_string(), "kind" => kind, "result" => result).increment(1);
}

/// Counts an exchange whose answer was lost.
pub fn lost_answer(merchant: &MerchantName) {
    counter!(LOST_ANSWERS, "merchant" => merchant.to_string()).increment(1);
}

/// Counts a refresh token that could not be decrypted when it was needed.
pub fn undecryptable_token(merchant: &MerchantName) {
    counter!(UNDECRYPTABLE_TOKENS, "merchant" => merchant.to_string()).increment(1);
}

/// Records how long a create call took.
pub fn created(merchant: &MerchantName, target: &'static str, result: &'static str, took: Duration) {
    histogram_of(CREATE_TIME, merchant, &[("target", target), ("result", result)]).record(took);
}

/// Counts a circuit breaker that opened.
pub fn breaker_opened(endpoint: &'static str, merchant: &MerchantName) {
    counter!(BREAKER_OPENINGS, "merchant" => merchant.to_string(), "endpoint" => endpoint).increment(1);
}

/// Records whether the provider's OpenID documents list another address than the one in force.
pub fn endpoint_moved(merchant: &MerchantName, setting: &'static str, moved: bool) {
    gauge!(ENDPOINT_MOVED, "merchant" => merchant.to_string(), "setting" => setting)
        .set(f64::from(u8::from(moved)));
}

/// Counts a token that a sweep handled.
pub fn swept(result: &'static str) {
    counter!(SWEPT, "result" => result).increment(1);
}

/// Counts an ended sweep, and records how long it took.
pub fn sweep(end: &'static str, took: Duration) {
    counter!(SWEEPS, "end" => end).increment(1);
    gauge!(SWEEP_TIME).set(took.as_secs_f64());
}

/// Counts an attempt to deliver a webhook, and records how long the shop's endpoint took.
pub fn webhook(merchant: &MerchantName, result: &'static str, took: Duration) {
    counter!(WEBHOOK_ATTEMPTS, "merchant" => merchant.to_string(), "result" => result).increment(1);
    histogram!(WEBHOOK_TIME, "merchant" => merchant.to_string()).record(took);
}

/// Counts a webhook that is not tried again.
pub fn webhook_given_up(merchant: &MerchantName) {
    counter!(WEBHOOKS_GIVEN_UP, "merchant" => merchant.to_string()).increment(1);
}

/// Counts an attempt to store rows of the audit log that failed.
pub fn audit_failure() {
    counter!(AUDIT_FAILURES).increment(1);
}

/// Counts rows of the audit log that are in no table.
pub fn audit_row_lost(rows: u64) {
    counter!(AUDIT_ROWS_LOST).increment(rows);
}

/// Records that the settings in force were read at this time, in seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay below 2^52")]
pub fn settings_read(at: i64) {
    gauge!(RELOAD_SUCCESSFUL).set(1.0);
    gauge!(SETTINGS_READ).set(at as f64);
}

/// Records that a reload of the settings failed.
pub fn reload_failed() {
    gauge!(RELOAD_SUCCESSFUL).set(0.0);
}

/// Counts a log line that was dropped.
pub fn log_line_dropped() {
    DROPPED_AT.store(since_boot().as_secs(), Ordering::Relaxed);
    let dropped = DROPPED.fetch_add(1, Ordering::Relaxed) + 1;
    counter!(LOG_LINES_DROPPED).absolute(dropped);
}

/// Returns how many log lines were dropped since the start of the process.
pub fn log_lines_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Returns the same if one of them was dropped within this time, else 0.
pub fn log_lines_dropped_within(lately: Duration) -> u64 {
    let last = Duration::from_secs(DROPPED_AT.load(Ordering::Relaxed));
    if since_boot().saturating_sub(last) < lately { log_lines_dropped() } else { 0 }
}
