//! The database's clock is put forward and back, again and again under load.

use std::time::Duration;

use rand::RngExt as _;
use test_support::cluster::Cluster;

use super::sums::Sums;
use super::{MANY, finish, open_steady, rng, rounds, seed, under_load};
use crate::few_or;

/// As far as a step puts the clock from the machine's.
const STEPS: [&str; 6] = ["+15s", "-15s", "-1h", "+1h", "+12h", "+0"];
/// Later than all of them: nothing then has to wait for a time that was put back. Retention keeps
/// results for longer.
const LAST: &str = "+1d";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_of_the_databases_clock_lose_and_double_nothing() {
    let (steps, mut rng) = (rounds(2), rng(4));
    let cluster = Cluster::start_with_clock();
    let shop = open_steady(cluster.database());
    shop.write_settings("b", "");
    let (a, crowd, users) = under_load(&shop, few_or(30, MANY)).await;
    let b = shop.serve("b");
    crowd.turn_to_all([&a, &b]);
    for _ in 0..steps {
        crowd.goes_on().await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
        cluster.step_clock(STEPS[rng.random_range(0..STEPS.len())]);
    }
    crowd.goes_on().await;
    cluster.step_clock(LAST);
    crowd.goes_on().await;
    let accepted = crowd.go_home().await;
    let sums = Sums::draw_after_steps(&shop, &a.client(), accepted, &users).await;
    println!("{steps} steps of the database's clock, seed {}: {sums}", seed());
    assert_eq!((sums.lost, sums.live, sums.created_twice), (0, users.len(), 0), "{sums}");
    assert_eq!(sums.possible_duplicates, 0, "no worker was lost, so no order is in doubt: {sums}");
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
    finish(shop).await;
}
