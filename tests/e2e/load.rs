//! Many orders at once, in one process and in two.

use std::time::Duration;

use test_support::engine::{Database, both_engines, on_postgres};
use test_support::shop::{SLOW, Shop, assert_sums};

use crate::few_or;

const PATIENCE: Duration = Duration::from_mins(5);

both_engines!(
    every_order_of_many_is_submitted_once_with_a_fresh_token,
    a_burst_of_one_user_lets_the_orders_of_others_pass
);

async fn every_order_of_many_is_submitted_once_with_a_fresh_token(database: Database) {
    let shop = Shop::open(database, &SLOW, "");
    let served = shop.serve("a");
    let orders = few_or(100, 300);
    let users = shop.sign_in(orders * 2 / 3).await;
    served.client().register_all(&users).await;
    let ids = served.client().post_all(&users, orders).await;
    served.client().all_submitted_fresh(&ids, PATIENCE).await;
    assert_sums(&shop.stats().await, orders as u64);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_burst_of_one_user_lets_the_orders_of_others_pass(database: Database) {
    let shop = Shop::open(database, &SLOW, "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(21).await;
    client.register_all(&users).await;
    let (burst, others) = users.split_at(1);
    let orders = few_or(300, 1_000);
    client.post_all(burst, orders).await;
    let mut ids = Vec::new();
    for (user, _) in others {
        ids.push(client.post(user, &format!("behind-the-burst-{user}")).await);
    }
    client.all_submitted_fresh(&ids, PATIENCE).await;
    let stats = shop.stats().await;
    // Without fair shares, they would have waited for all of it.
    assert!(stats.orders.total < orders as u64 * 6 / 10, "{stats:?}");
    assert_eq!((stats.exchanges.concurrent, stats.exchanges.spent_presented), (0, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_few_users_and_present_no_token_twice() {
    on_postgres(|database| async {
        let shop = Shop::open(database, &SLOW, "");
        shop.write_settings("b", "");
        let (a, b) = (shop.serve("a"), shop.serve("b"));
        let users = shop.sign_in(10).await;
        a.client().register_all(&users).await;
        let orders = few_or(80, 200);
        let ids = a.client().post_all(&users, orders).await;
        // The results are read from the process that did not accept the orders.
        b.client().all_submitted_fresh(&ids, PATIENCE).await;
        assert_sums(&shop.stats().await, orders as u64);
        assert!(a.program.terminate().await.success() && b.program.terminate().await.success());
        shop.close().await;
    })
    .await;
}
