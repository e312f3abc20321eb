//! Database sessions are killed, and the server is stopped at once, under load.

use std::time::Duration;

use rand::RngExt as _;
use test_support::cluster::Cluster;
use test_support::engine::ask;

use super::sums::Sums;
use super::{MANY, finish, number, open_steady, rng, rounds, seed, under_load};
use crate::few_or;

/// Kills one session of a worker, chosen by `$SEED`.
const KILL_ONE: &str = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY md5(pid::text || '$SEED') LIMIT 1) AS one";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_sessions_and_restarts_of_the_database_lose_no_token_and_no_order() {
    let sessions = rounds(15);
    let restarts = number("KLARNA_WORKER_TEST_RESTARTS").unwrap_or(sessions.div_ceil(10));
    let cluster = Cluster::start();
    let shop = open_steady(cluster.database());
    let (served, crowd, users) = under_load(&shop, few_or(30, MANY)).await;

    let mut rng = rng(2);
    let mut killed = 0;
    for _ in 0..sessions {
        let statement = KILL_ONE.replace("$SEED", &rng.random::<u32>().to_string());
        killed += ask(shop.database.url(), &statement).parse::<u64>().unwrap();
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..300))).await;
    }
    crowd.goes_on().await;
    for _ in 0..restarts {
        cluster.down();
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
        cluster.up();
        crowd.goes_on().await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1500))).await;
    }
    let accepted = crowd.go_home().await;
    let sums = Sums::draw(&shop, &served.client(), accepted, &users).await;
    println!("{killed} sessions killed, {restarts} restarts of the server, seed {}: {sums}", seed());
    assert_eq!((sums.lost, sums.live), (0, users.len()), "{sums}");
    assert_eq!(shop.stats().await.exchanges.spent_presented, 0);
    assert!(killed > sessions / 2, "{killed} of {sessions} were there to be killed");
    assert!(served.program.terminate().await.success());
    finish(shop).await;
}
