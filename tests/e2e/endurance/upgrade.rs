//! A release is replaced by the next one under load, in the steps of docs/running.md: a migration
//! while orders continue, programs of both releases side by side, and new encryption keys
//! meanwhile.
//!
//! `tests/upgrade.sh` builds an earlier release and names it by `KLARNA_WORKER_TEST_OLD_PROGRAM`.
//! Without one, the tested program is its own predecessor, and additions to the schema take the
//! place of a later release's migrations.

use std::time::Duration;

use test_support::engine::{Database, ask, on_postgres, on_sqlite};
use test_support::program::{Build, until};
use test_support::service::Served;
use test_support::shop::Shop;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::crowd::Crowd;
use super::sums::Sums;
use super::{MANY, PATIENCE, finish, open_steady_by, seed};
use crate::few_or;
use crate::keys::{give_second_key, make_second_key_active, take_first_key_out};

/// How many orders a process must end before the next step, to show that it works.
fn part() -> u64 {
    if Build::has_old() { 20 } else { 5 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_releases_side_by_side_lose_no_order_and_no_token() {
    on_postgres(side_by_side).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_that_follows_another_on_sqlite_loses_no_order_and_no_token() {
    on_sqlite(one_after_the_other).await;
}

async fn side_by_side(database: Database) {
    let shop = open_steady_by(Build::Old, database);
    shop.write_settings("b", "");
    let signed_in = shop.sign_in(few_or(30, MANY)).await;
    let mut a = shop.serve_by(Build::Old, "a", &[]);
    let mut b = shop.serve_by(Build::Old, "b", &[]);
    a.client().register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    let crowd = Crowd::gather(&shop, &users);
    crowd.turn_to_all([&a, &b]);
    both_work(&a, &b).await;

    // Every process gets the new key before the first one uses it.
    for name in ["a", "b"] {
        give_second_key(&shop, name);
    }
    a = replace(&shop, &crowd, a, &b, (Build::Old, "a")).await;
    b = replace(&shop, &crowd, b, &a, (Build::Old, "b")).await;
    migrate(&shop, &crowd).await;
    both_work(&a, &b).await;

    make_second_key_active(&shop, "a");
    a = replace(&shop, &crowd, a, &b, (Build::Own, "a")).await;
    both_work(&a, &b).await;
    // The other process still encrypts with the old key, so this run cannot finish, but it does no
    // harm.
    rotate(&shop, Build::Own, "a");
    rotate(&shop, Build::Old, "b");
    rotate(&shop, Build::Own, "a");
    both_work(&a, &b).await;

    make_second_key_active(&shop, "b");
    b = replace(&shop, &crowd, b, &a, (Build::Own, "b")).await;
    rotate(&shop, Build::Own, "b");
    assert_eq!(sealed_with_the_first_key(&shop), 0);
    for name in ["a", "b"] {
        take_first_key_out(&shop, name);
    }
    a = replace(&shop, &crowd, a, &b, (Build::Own, "a")).await;
    b = replace(&shop, &crowd, b, &a, (Build::Own, "b")).await;
    both_work(&a, &b).await;
    nothing_was_lost(&shop, crowd, &a, &users).await;
    for served in [a, b] {
        assert!(served.program.terminate().await.success());
    }
    finish(shop).await;
}

async fn one_after_the_other(database: Database) {
    let shop = open_steady_by(Build::Old, database);
    let signed_in = shop.sign_in(few_or(30, MANY)).await;
    let mut served = shop.serve_by(Build::Old, "a", &[]);
    served.client().register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    let crowd = Crowd::gather(&shop, &users);
    crowd.turn_to(&served);
    works(&served).await;

    give_second_key(&shop, "a");
    make_second_key_active(&shop, "a");
    if !Build::has_old() {
        grow(&shop).await;
        works(&served).await;
    }
    // The start migrates.
    served = restart(&shop, &crowd, served).await;
    assert_eq!(shop.run("a", &["migrate", "--check"])[0]["missing"], 0);
    rotate(&shop, Build::Own, "a");
    assert_eq!(sealed_with_the_first_key(&shop), 0);
    take_first_key_out(&shop, "a");
    served = restart(&shop, &crowd, served).await;
    works(&served).await;
    nothing_was_lost(&shop, crowd, &served, &users).await;
    assert!(served.program.terminate().await.success());
    finish(shop).await;
}

/// Stops a process, and starts another in its place, while the other process continues.
async fn replace(
    shop: &Shop,
    crowd: &Crowd,
    going: Served,
    other: &Served,
    (build, name): (Build, &str),
) -> Served {
    let exit = going.program.terminate().await;
    assert!(exit.success(), "the stop was not clean: {exit}");
    crowd.turn_to_all([other]);
    let come = block_in_place(|| shop.serve_by(build, name, &[]));
    crowd.turn_to_all([other, &come]);
    both_work(&come, other).await;
    come
}

/// Stops the only process and starts the new program. Clients get no answer for a moment and repeat
/// their requests.
async fn restart(shop: &Shop, crowd: &Crowd, going: Served) -> Served {
    let exit = going.program.terminate().await;
    assert!(exit.success(), "the stop was not clean: {exit}");
    let come = block_in_place(|| shop.serve("a"));
    crowd.turn_to(&come);
    works(&come).await;
    come
}

/// Migrates as the new release does, while orders continue.
async fn migrate(shop: &Shop, crowd: &Crowd) {
    let (before, begun) = (crowd.accepted(), Instant::now());
    if Build::has_old() {
        let ran = block_in_place(|| shop.run("a", &["migrate"])).remove(0);
        assert!(ran["ran"].as_u64().unwrap() > 0, "the old program's schema is the new one's: {ran}");
        println!("{} migrations ran", ran["ran"]);
    } else {
        grow(shop).await;
    }
    let (took, meanwhile) = (begun.elapsed(), crowd.accepted() - before);
    println!("the migration took {took:?}, {meanwhile} orders were taken in meanwhile");
    assert_eq!(shop.run("a", &["migrate", "--check"])[0]["missing"], 0);
}

/// Adds to the schema what a later release may have and this program does not know.
async fn grow(shop: &Shop) {
    let folder = shop.folder.path();
    for statement in [
        "ALTER TABLE {schema}orders ADD COLUMN later text NOT NULL DEFAULT 'x'",
        "ALTER TABLE {schema}tokens ADD COLUMN later text",
        "CREATE TABLE {schema}later (order_id text)",
    ] {
        shop.database.execute(folder, statement).await;
    }
    let (table, index) = match &shop.database {
        Database::Sqlite => ("klarna_worker_migrations", "CREATE INDEX orders_later ON orders (user_id)"),
        Database::Postgres { .. } => (
            "klarna_worker.migrations",
            "CREATE INDEX CONCURRENTLY orders_later ON klarna_worker.orders (user_id)",
        ),
    };
    shop.database.execute(folder, index).await;
    let row = format!(
        "INSERT INTO {table} (version, description, success, checksum, execution_time)
         SELECT 9001, 'later', success, checksum, 0 FROM {table} WHERE version = 1"
    );
    shop.database.execute(folder, &row).await;
}

/// Encrypts everything again with the active key of these settings.
fn rotate(shop: &Shop, build: Build, name: &str) {
    let told = block_in_place(|| shop.run_by(build, name, &["keys", "rotate"])).remove(0);
    assert_eq!(told["left"], serde_json::json!({}), "{told}");
}

fn sealed_with_the_first_key(shop: &Shop) -> u64 {
    let status = crate::keys::status(shop);
    let (_, tokens, hash_key, _) = status.iter().find(|(name, ..)| name == "k1").unwrap();
    tokens + hash_key
}

/// Returns how many orders a process has ended.
async fn ended(served: &Served) -> u64 {
    let metrics = served.client().get_text("/metrics").await;
    let counts = metrics.lines().filter(|line| line.starts_with("klarna_worker_orders_ended_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

async fn works(served: &Served) {
    let before = ended(served).await;
    until("orders that end", PATIENCE, async || {
        // Metrics take more of the processor than these orders.
        tokio::time::sleep(Duration::from_millis(200)).await;
        ended(served).await > before + part()
    })
    .await;
}

async fn both_work(one: &Served, other: &Served) {
    tokio::join!(works(one), works(other));
}

/// Checks that every order was submitted with the token of its user, and that the service has every
/// token that works at Klarna.
async fn nothing_was_lost(shop: &Shop, crowd: Crowd, served: &Served, users: &[String]) {
    let accepted = crowd.go_home().await;
    let sums = Sums::draw(shop, &served.client(), accepted, users).await;
    let of = if Build::has_old() { "an earlier release" } else { "this release by itself" };
    println!("{of} replaced on {}, seed {}: {sums}", shop.database.name(), seed());
    assert!(sums.without_token().is_empty(), "{sums}");
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    let stats = shop.stats().await;
    assert_eq!((stats.orders.duplicates, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
    if let Database::Postgres { url } = &shop.database {
        assert_eq!(ask(url, "SELECT count(*) FROM klarna_worker.exchanges WHERE outcome IS NULL"), "0");
    }
}
