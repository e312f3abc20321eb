//! The whole service under load while faults are caused again and again. Results are compared with
//! the sandbox's record.
//!
//! The test suite runs a short version of each. `KLARNA_WORKER_TEST_ROUNDS` asks for longer ones,
//! `KLARNA_WORKER_TEST_SEED` for others; CONTRIBUTING.md has the commands. Each run prints its
//! sums.

mod blocked;
mod clock;
mod crowd;
mod database;
mod proxy;
mod silence;
mod stops;
mod sums;
mod sweep;
mod unread;
mod upgrade;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use test_support::engine::Database;
use test_support::program::Build;
use test_support::service::Served;
use test_support::shop::{PATIENT, QUICK, Shop};

use self::crowd::Crowd;
use crate::is_long;

/// The time limit for orders to end, lost answers with their waits included.
const PATIENCE: Duration = Duration::from_mins(5);
/// Latencies that allow many orders a second, and are long enough to be interrupted.
const SANDBOX: [&str; 4] = ["--token-latency", "5ms..60ms", "--checkout-latency", "5ms..60ms"];

/// Users of the shop in a long run. Each of them submits a last order at the end.
const MANY: usize = 200;

/// Returns `long` in a long run, otherwise `short`.
fn by_length<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

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
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")))
}

/// Opens a shop with the shortest waits that the settings allow, so that lost answers are resolved
/// within seconds.
fn open(database: Database) -> Shop {
    let shop = open_steady(database);
    shop.change_settings("a", PATIENT, &format!("{PATIENT}\n{QUICK}"));
    shop
}

/// Opens a shop whose time-outs are those of the settings' defaults: a test in which no answer may
/// be lost needs them on a busy machine.
fn open_steady(database: Database) -> Shop {
    open_steady_by(Build::Own, database)
}

/// Like [`open_steady`], with a database that one of the builds migrated.
fn open_steady_by(build: Build, database: Database) -> Shop {
    Shop::open_by(build, database, &SANDBOX, "")
}

/// Starts the service with users that have tokens, and clients that submit orders of them.
async fn under_load(shop: &Shop, users: usize) -> (Served, Crowd, Vec<String>) {
    let signed_in = shop.sign_in(users).await;
    let served = shop.serve("a");
    served.client().register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    let crowd = Crowd::gather(shop, &users);
    crowd.turn_to(&served);
    (served, crowd, users)
}

/// Closes the shop. The files of a short run are searched for secrets; a long run leaves too many.
async fn finish(shop: Shop) {
    if !is_long() {
        shop.close().await;
    }
}
