//! The whole service under load while faults are caused again and again. Results are compared with
//! the sandbox's record.
//!
//! The test suite runs a short version of each. `KLARNA_WORKER_TEST_ROUNDS` asks for longer ones,
//! `KLARNA_WORKER_TEST_SEED` for others; CONTRIBUTING.md has the commands. Each run prints its
//! sums.

mod crowd;
mod database;
mod proxy;
mod silence;
mod stops;
mod sums;
mod sweep;
mod upgrade;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use test_support::engine::Database;
use test_support::program::Build;
use test_support::shop::Shop;

/// The time limit for orders to end, lost answers with their waits included.
const PATIENCE: Duration = Duration::from_mins(5);
/// Users of the shop.
const USERS: usize = 200;
/// Latencies that allow many orders a second, and are long enough to be interrupted.
const SANDBOX: [&str; 4] = ["--token-latency", "5ms..60ms", "--checkout-latency", "5ms..60ms"];

/// Returns the number of faults: that of the environment, or `short`.
fn rounds(short: u64) -> u64 {
    number("KLARNA_WORKER_TEST_ROUNDS").unwrap_or(short)
}

/// Returns the seed for random moments and users.
fn seed() -> u64 {
    number("KLARNA_WORKER_TEST_SEED").unwrap_or(3)
}

fn rng(of: u64) -> StdRng {
    StdRng::seed_from_u64(seed().wrapping_mul(1_000_003).wrapping_add(of))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")))
}

/// Opens a shop with the shortest waits that the settings allow, so that lost answers are resolved
/// within seconds.
fn open(database: Database) -> Shop {
    open_by(Build::Own, database)
}

/// Like [`open`], with a database that one of the builds migrated.
fn open_by(build: Build, database: Database) -> Shop {
    let shop = Shop::open_by(build, database, &SANDBOX, "");
    shop.change_settings("a", PATIENT, &format!("{PATIENT}\n{QUICK}"));
    shop
}

/// Closes the shop. The files of a short run are searched for secrets; a long run leaves too many.
async fn finish(shop: Shop) {
    if ["KLARNA_WORKER_TEST_ROUNDS", "KLARNA_WORKER_TEST_SILENCE", "KLARNA_WORKER_TEST_SWEEP"]
        .iter()
        .all(|name| number(name).is_none())
    {
        shop.close().await;
    }
}

const PATIENT: &str = "token_patience = \"10m\"";
const QUICK: &str = "exchange_timeout = \"2s\"\nreplay_after = \"1s\"";
