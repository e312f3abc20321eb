//! The database away in the middle of the work, longer than anybody waits for a connection.

use std::time::Duration;

use crate::support::cluster::Cluster;
use crate::support::program::until;
use crate::support::shop::{SLOW, Shop};

const PATIENCE: Duration = Duration::from_mins(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_outage_of_the_database_ends_no_process_and_loses_no_order() {
    let cluster = Cluster::start();
    let shop = Shop::open(cluster.database(), &SLOW, "");
    shop.write_settings("b", "");
    let (mut a, mut b) = (shop.serve("a"), shop.serve("b"));
    let users = shop.sign_in(40).await;
    a.client().register_all(&users).await;
    let ids = a.client().post_all(&users, 600).await;
    until("a part of the orders", PATIENCE, async || shop.stats().await.orders.total >= 60).await;

    cluster.down();
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(a.program.is_running() && b.program.is_running());
    assert!(shop.stats().await.orders.total < 600, "all orders were done before the outage");
    cluster.up();

    b.client().all_submitted(&ids, &["fresh", "kept"], PATIENCE).await;
    let stats = shop.stats().await;
    assert_eq!((stats.orders.distinct_references, stats.orders.duplicates), (600, 0), "{stats:?}");
    assert_eq!((stats.exchanges.spent_presented, stats.exchanges.concurrent), (0, 0), "{stats:?}");
    assert_eq!(stats.orders.recognised, 600, "{stats:?}");
    assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
    shop.close().await;
}
