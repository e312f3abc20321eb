//! The service is stopped with SIGTERM while its database takes no successor, again and again under
//! load.

use std::time::Duration;

use rand::RngExt as _;
use test_support::engine::{Database, both_engines};
use test_support::lock::Lock;
use test_support::program::until;

use super::crowd::Crowd;
use super::sums::Sums;
use super::{MANY, PATIENCE, finish, open_steady, rng, rounds, seed};
use crate::few_or;

both_engines!(stops_with_a_blocked_store_lose_and_double_nothing);

/// Answers are held for no longer: less than half of `vault.exchange_timeout`.
const HELD: Duration = Duration::from_secs(4);
/// The exit code of a process that leaves files in its spool.
const SPOOLED: i32 = 5;

async fn stops_with_a_blocked_store_lose_and_double_nothing(database: Database) {
    let (rounds, mut rng) = (rounds(1), rng(3));
    let shop = open_steady(database);
    // A stop gives up what it cannot store after the shortest time that the settings allow.
    shop.change_settings("a", "[server]", "[checkout]\ntimeout = \"5s\"\n[server]\nshutdown_grace = \"20s\"");
    let signed_in = shop.sign_in(few_or(30, MANY)).await;
    let mut served = shop.serve("a");
    served.client().register_all(&signed_in).await;
    let users: Vec<String> = signed_in.into_iter().map(|(user, _)| user).collect();
    let crowd = Crowd::gather(&shop, &users);
    let mut spooled = 0;
    for _ in 0..rounds {
        crowd.turn_to(&served);
        crowd.goes_on().await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..500))).await;
        // The database is blocked while an exchange is in flight.
        shop.hold("token", true).await;
        until("an exchange in flight", PATIENCE, async || shop.stats().await.held > 0).await;
        // A busy SQLite may let nobody else write for long. Answers that are held for longer than
        // exchanges last would be lost.
        let mut taking = std::pin::pin!(Lock::take(&shop));
        let taken = tokio::time::timeout(HELD, &mut taking).await;
        shop.hold("token", false).await;
        let lock = match taken {
            Ok(lock) => lock,
            Err(_) => taking.await,
        };
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..800))).await;
        let exit = served.program.terminate().await;
        match exit.code() {
            Some(0) => {}
            Some(SPOOLED) => spooled += 1,
            _ => panic!("the stop was not clean: {exit}"),
        }
        drop(lock);
        served = tokio::task::block_in_place(|| shop.serve("a"));
    }
    crowd.turn_to(&served);
    crowd.goes_on().await;
    let accepted = crowd.go_home().await;
    let sums = Sums::draw(&shop, &served.client(), accepted, &users).await;
    println!(
        "{rounds} times SIGTERM with the store blocked on {}, {spooled} of them with files in the spool, seed {}: {sums}",
        shop.database.name(),
        seed()
    );
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    assert!(spooled > 0, "no store was blocked");
    assert!(served.program.terminate().await.success());
    finish(shop).await;
}
