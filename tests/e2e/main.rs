//! The whole service as its users run it: `serve` and `sandbox` in processes of their own, orders by HTTP, on both
//! engines, with processes and servers stopped in the middle.

mod access_tokens;
mod asked_to_wait;
mod bad_rows;
mod clock;
mod collector;
mod credentials;
mod direct;
mod discovery;
mod drain;
mod dumps;
mod endurance;
mod entry_points;
mod hung_disk;
mod idle_connections;
mod keeper;
mod keys;
mod late_aborts;
mod left_checkout;
mod load;
mod locks;
mod logs;
mod lost_file;
mod memory;
mod metrics;
mod neighbours;
mod odd_answers;
mod outage;
mod outages;
mod outcomes;
mod outdated;
mod pauses;
mod payments;
mod prefill;
mod probe;
mod processes;
mod rates;
mod read_only;
mod refused_starts;
mod refusing;
mod reload;
mod renaming;
mod replica;
mod restart;
mod revoke;
mod sessions;
mod signals;
mod sql;
mod torture;
mod traces;
mod vend;
mod webhooks;

/// Returns `few`, or `many` in a long run: `tests/long.sh load` sets `KLARNA_WORKER_TEST_LOAD`.
fn few_or(few: usize, many: usize) -> usize {
    if std::env::var_os("KLARNA_WORKER_TEST_LOAD").is_some() { many } else { few }
}
