//! What a process counts of its own doings, under the names that Prometheus shows. `ops::metrics` tells what each is, and
//! answers them together with what is true of the installation.
//!
//! A room that counts something new adds a name and a function here, and a row to `ops/metrics/catalogue.rs`.
//! Labels are names from the settings and words of a fixed list, never a user, an order or a token.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Attempts at orders, by how they ended.
pub const ATTEMPTS: &str = "klarna_worker_order_attempts_total";
/// Orders that came to their end, by status and token outcome.
pub const ORDERS: &str = "klarna_worker_orders_ended_total";
/// Seconds from when an order could begin to its first claim.
pub const PICKUP: &str = "klarna_worker_order_pickup_seconds";
/// Seconds from when an order could begin to its end.
pub const END_TO_END: &str = "klarna_worker_order_end_to_end_seconds";
/// Presentations of refresh tokens, by what they came to.
pub const EXCHANGES: &str = "klarna_worker_exchanges_total";
/// Seconds that the token endpoint took.
pub const EXCHANGE_TIME: &str = "klarna_worker_exchange_duration_seconds";
/// Presentations whose answer was lost, those of dead processes included.
pub const LOST_ANSWERS: &str = "klarna_worker_lost_answers_total";
/// Seconds that the order call took, by what it came to.
pub const CHECKOUT_TIME: &str = "klarna_worker_checkout_duration_seconds";
/// How often an endpoint came to be left alone.
pub const BREAKER_OPENINGS: &str = "klarna_worker_breaker_openings_total";
/// Sweeps of the keeper, by how they ended.
pub const SWEEPS: &str = "klarna_worker_keeper_sweeps_total";
/// Tokens that sweeps came to, by what became of them.
pub const SWEPT: &str = "klarna_worker_keeper_tokens_total";
/// How long the last sweep took.
pub const SWEEP_TIME: &str = "klarna_worker_keeper_last_sweep_duration_seconds";
/// Attempts at webhooks, by what the shop's endpoint made of them.
pub const WEBHOOK_ATTEMPTS: &str = "klarna_worker_webhook_attempts_total";
/// Seconds that the shop's endpoint took.
pub const WEBHOOK_TIME: &str = "klarna_worker_webhook_duration_seconds";
/// Webhooks whose three days are over.
pub const WEBHOOKS_GIVEN_UP: &str = "klarna_worker_webhooks_given_up_total";

/// Shows at nought what alerts look for an increase of; `tokens` are the outcomes that an order's token may have.
pub fn begin(merchant: &str, tokens: impl Iterator<Item = &'static str>) {
    let merchant = || merchant.to_owned();
    counter!(LOST_ANSWERS, "merchant" => merchant()).increment(0);
    counter!(WEBHOOKS_GIVEN_UP, "merchant" => merchant()).increment(0);
    for endpoint in ["token", "checkout"] {
        counter!(BREAKER_OPENINGS, "merchant" => merchant(), "endpoint" => endpoint).increment(0);
    }
    for result in ["delivered", "not_taken", "gone"] {
        counter!(WEBHOOK_ATTEMPTS, "merchant" => merchant(), "result" => result).increment(0);
    }
    for token in tokens.chain(["none"]) {
        for status in ["submitted", "failed"] {
            counter!(ORDERS, "merchant" => merchant(), "status" => status, "token" => token).increment(0);
        }
    }
}

/// An attempt at an order ended.
pub fn attempt(merchant: &str, result: &'static str) {
    counter!(ATTEMPTS, "merchant" => merchant.to_owned(), "result" => result).increment(1);
}

/// An order came to its end; `token` is its token's outcome, where it came so far.
pub fn order(merchant: &str, status: &'static str, token: Option<&'static str>, took: Duration) {
    let token = token.unwrap_or("none");
    counter!(ORDERS, "merchant" => merchant.to_owned(), "status" => status, "token" => token).increment(1);
    histogram!(END_TO_END, "merchant" => merchant.to_owned()).record(took);
}

/// An order was claimed for the first time.
pub fn pickup(merchant: &str, waited: Duration) {
    histogram!(PICKUP, "merchant" => merchant.to_owned()).record(waited);
}

/// The token endpoint was called.
pub fn exchange_took(merchant: &str, took: Duration) {
    histogram!(EXCHANGE_TIME, "merchant" => merchant.to_owned()).record(took);
}

/// What a presentation came to is written down.
pub fn exchange(merchant: &str, purpose: &'static str, result: &'static str) {
    counter!(EXCHANGES, "merchant" => merchant.to_owned(), "purpose" => purpose, "result" => result).increment(1);
}

/// Nobody knows what became of a presentation.
pub fn lost_answer(merchant: &str) {
    counter!(LOST_ANSWERS, "merchant" => merchant.to_owned()).increment(1);
}

/// The order call was made.
pub fn checkout(merchant: &str, result: &'static str, took: Duration) {
    histogram!(CHECKOUT_TIME, "merchant" => merchant.to_owned(), "result" => result).record(took);
}

/// An endpoint is left alone from now on.
pub fn breaker_opened(endpoint: &'static str, merchant: &str) {
    counter!(BREAKER_OPENINGS, "merchant" => merchant.to_owned(), "endpoint" => endpoint).increment(1);
}

/// A sweep came to a token.
pub fn swept(result: &'static str) {
    counter!(SWEPT, "result" => result).increment(1);
}

/// A sweep ended.
pub fn sweep(end: &'static str, took: Duration) {
    counter!(SWEEPS, "end" => end).increment(1);
    gauge!(SWEEP_TIME).set(took.as_secs_f64());
}

/// An attempt at a webhook ended.
pub fn webhook(merchant: &str, result: &'static str, took: Duration) {
    counter!(WEBHOOK_ATTEMPTS, "merchant" => merchant.to_owned(), "result" => result).increment(1);
    histogram!(WEBHOOK_TIME, "merchant" => merchant.to_owned()).record(took);
}

/// A webhook is sent no more.
pub fn webhook_given_up(merchant: &str) {
    counter!(WEBHOOKS_GIVEN_UP, "merchant" => merchant.to_owned()).increment(1);
}
