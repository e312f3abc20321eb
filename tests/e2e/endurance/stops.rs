//! The service is killed, and stopped with SIGTERM, again and again under load.

use std::time::Duration;

use rand::RngExt as _;
use test_support::engine::{Database, both_engines};
use test_support::service::Served;
use test_support::shop::Shop;

use super::crowd::Crowd;
use super::sums::Sums;
use super::{MANY, finish, open, open_steady, rng, rounds, seed};
use crate::few_or;

both_engines!(
    kills_at_random_moments_lose_no_order_and_no_token_silently,
    stops_at_random_moments_lose_and_repeat_nothing,
);

/// The latest moment of a fault within a round.
const LATEST: Duration = Duration::from_millis(1200);

async fn kills_at_random_moments_lose_no_order_and_no_token_silently(database: Database) {
    // So many that hardly a token is lost twice: it would be presented again only minutes later.
    let (shop, users) = with_users(open(database), few_or(100, MANY)).await;
    let sums = again_and_again(&shop, &users, "kill -9", rounds(4), async |served| {
        served.program.kill();
    })
    .await;
    // Each kill lost a few answers, and the rows say which.
    assert!(sums.orders > 0, "{sums}");
    finish(shop).await;
}

async fn stops_at_random_moments_lose_and_repeat_nothing(database: Database) {
    let (shop, users) = with_users(open_steady(database), few_or(30, MANY)).await;
    let sums = again_and_again(&shop, &users, "SIGTERM", rounds(2), async |served| {
        let exit = served.program.terminate().await;
        assert!(exit.success(), "the stop was not clean: {exit}");
    })
    .await;
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    assert_eq!(sums.possible_duplicates, 0, "a clean stop leaves no order in doubt: {sums}");
    let stats = shop.stats().await;
    assert_eq!((stats.orders.duplicates, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
    finish(shop).await;
}

async fn with_users(shop: Shop, count: usize) -> (Shop, Vec<String>) {
    let signed_in = shop.sign_in(count).await;
    let served = shop.serve("a");
    served.client().register_all(&signed_in).await;
    assert!(served.program.terminate().await.success());
    (shop, signed_in.into_iter().map(|(user, _)| user).collect())
}

async fn again_and_again(
    shop: &Shop,
    users: &[String],
    what: &str,
    rounds: u64,
    end: impl AsyncFn(Served),
) -> Sums {
    let crowd = Crowd::gather(shop, users);
    let mut rng = rng(1);
    for _ in 0..rounds {
        let served = shop.serve("a");
        crowd.turn_to(&served);
        tokio::time::sleep(LATEST.mul_f64(rng.random())).await;
        end(served).await;
    }
    let served = shop.serve("a");
    crowd.turn_to(&served);
    crowd.goes_on().await;
    let accepted = crowd.go_home().await;
    let sums = Sums::draw(shop, &served.client(), accepted, users).await;
    println!("{rounds} times {what} on {}, seed {}: {sums}", shop.database.name(), seed());
    assert!(served.program.terminate().await.success());
    sums
}
