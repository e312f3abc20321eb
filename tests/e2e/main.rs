//! The whole service as its users run it: `serve` and `sandbox` in processes of their own, orders
//! by HTTP, on both engines, with processes and servers stopped in the middle.

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

use test_support::program::Build;

/// Returns whether the environment asks for a long run, as `tests/long.sh` does.
fn is_long() -> bool {
    let asked = ["LOAD", "ROUNDS", "SILENCE", "SWEEP", "UNREAD"];
    asked.iter().any(|name| std::env::var_os(format!("KLARNA_WORKER_TEST_{name}")).is_some())
}

/// Returns `many` in a long run, or if an earlier release is to be replaced; otherwise `few`.
fn few_or(few: usize, many: usize) -> usize {
    if is_long() || Build::has_old() { many } else { few }
}
